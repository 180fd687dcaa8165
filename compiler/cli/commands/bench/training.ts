/** `cnnc bench` of a train directive: one optimizer step, and how its time divides into phases. */
import { percentile } from '../../../driver/measured-budgets.ts';
import { evaluateSize, type Phase, type Plan } from '../../../../runtime/artifact.ts';
import type { HostTensor } from '../../../../runtime/host-tensor.ts';
import { uniformValues } from '../../../../runtime/philox.ts';
import { createTrainingSession, type TrainingSession } from '../../../../runtime/train/session.ts';
import { scalarInputs } from '../../../../runtime/train/step-inputs.ts';
import type { TrainingArtifact, TrainingManifest } from '../../../../runtime/train/training-artifact.ts';
import { compileTrainStage } from '../../../stages/train/from-directive.ts';
import { checkAssertions, parseAssertions } from '../../assertions.ts';
import { latencyMetrics, latencyRows, measure, time, type MeasureFlags } from './times.ts';
import type { Context } from '../../command.ts';
import { exitCodes, type ExitCode } from '../../../driver/failure.ts';
import { ownCode, withDevice, type ArtifactFlags } from '../../open-session.ts';
import { formatBytes, formatDigits, formatMs, formatTable } from '../../../driver/text.ts';
import { openStages, type SettingFlags } from '../../setting-flags.ts';
import { modelOf } from '../../../driver/project.ts';
import { usageError } from '../../../driver/failure.ts';
import { didYouMean } from '../../../../grammar/suggest.ts';
import type { AnalyzedProgram, CheckedDirective } from '../../../analyze/index.ts';
import { learningOf } from '../../../stages/train/training-settings.ts';

interface TrainingBenchFlags extends MeasureFlags, ArtifactFlags, Pick<SettingFlags, 'set' | 'batch'> {
  readonly P?: Readonly<Record<string, string>>;
  readonly assert?: readonly string[];
}

const metrics = {
  ...latencyMetrics,
  compile: { key: 'compile_ms', ...time },
  forward: { key: 'forward_ms', ...time },
  backward: { key: 'backward_ms', ...time },
  update: { key: 'update_ms', ...time },
  ratio: { key: 'backward_to_forward', units: [] },
  arena: { key: 'arena_bytes', units: [] },
} as const;

/**
 * The step runs on one random batch, so that no data is needed and none is loaded. Throws as `modelOf` and
 * `compileTrainStage` do, E0001 where no directive is meant, and E0802 where an assertion fails.
 */
export async function benchTraining(context: Context, target: string, flags: TrainingBenchFlags): Promise<ExitCode> {
  const assertions = parseAssertions(flags.assert ?? [], metrics);
  const { set, batch } = flags;
  const { program, name } = await openStages(target, { ...(set && { set }), ...(batch && { batch }) });
  const directive = pickDirective(program, name);
  const { N: _, ...dims } = learningOf(directive).shape;
  const source = { ...modelOf(program, directive.target, { arguments: flags.P, dims }), directive };
  context.output.diagnostics(source.diagnostics);
  const compiling = performance.now();
  const artifact = compileTrainStage(source, { seed: context.seed === 0 ? undefined : context.seed });
  const compile_ms = performance.now() - compiling;
  const opening = performance.now();
  return withDevice(context, ownCode, async ({ device, info }) => {
    const { profile = info.profile } = flags;
    const device_ms = performance.now() - opening;
    const nextInputs = batches(artifact, context.seed, profile);
    const inputs = nextInputs();
    const loading = performance.now();
    const session = await createTrainingSession(device, artifact, { profile });
    try {
      await session.submitStep(inputs, true);
      const first_ms = performance.now() - loading;
      const times = await measure(context, flags, () => session.submitStep(nextInputs(), true));
      const phases = await measurePhases(session, nextInputs, Math.max(3, Math.ceil(flags.iters / 5)));
      const { recipe } = artifact.manifest;
      const summary = {
        ...times,
        ...phases,
        first_ms,
        device_ms,
        compile_ms,
        arena_bytes: arenaBytes(artifact.manifest, info.profile),
        throughput: (recipe.batch * 1000) / times.p50_ms,
        adapter: info.description || info.device,
        batch: recipe.batch,
        iters: flags.iters,
      };
      report(context, summary);
      checkAssertions(assertions, summary);
    } finally {
      session.dispose();
    }
    return exitCodes.ok;
  });
}

type ProfileName = keyof TrainingManifest['programs']['step'];

const arenaBytes = ({ programs }: TrainingManifest, profile: ProfileName): number =>
  evaluateSize(programs.step[profile]?.arena.bytes ?? 0, {});

/** Inputs of one step after another: the same images and labels, and the numbers that the run computes for the step. */
function batches({ manifest }: TrainingArtifact, seed: number, profile: ProfileName): () => Record<string, HostTensor> {
  const { recipe, programs } = manifest;
  const fixed = randomBatch(programs.step[profile]?.inputs ?? [], manifest, seed);
  const rates = { lr: recipe.lr, momentum: recipe.momentum };
  let step = 0;
  return () => ({ ...fixed, ...scalarInputs(recipe, step++, rates) });
}

/** Images uniform in [-1, 1), class indices where labels are such, weights of a mixture below one. */
function randomBatch(ports: Plan['inputs'], { recipe }: TrainingManifest, seed: number): Record<string, HostTensor> {
  const { target, scalars } = recipe;
  const drawn = ports.filter(({ name }) => !scalars.some(({ input }) => input === name));
  return Object.fromEntries(
    drawn.map(({ name, shape }, stream): [string, HostTensor] => {
      const sizes = shape.map((size) => evaluateSize(size, {}));
      const isLabel = name.startsWith('labels');
      const range = isLabel
        ? ([0, target.classes] as const)
        : name === 'lambda'
          ? ([0, 1] as const)
          : ([-1, 1] as const);
      const data = uniformValues(
        sizes.reduce((product, size) => product * size, 1),
        seed,
        stream,
        range,
      );
      return [name, { shape: sizes, data: isLabel ? data.map(Math.floor) : data }];
    }),
  );
}

interface PhaseTimes {
  readonly forward_ms: number;
  readonly backward_ms: number;
  readonly update_ms: number;
  readonly backward_to_forward: number;
}

/** Medians over steps whose phases are submitted and waited for one by one. */
async function measurePhases(
  session: TrainingSession,
  inputs: () => Record<string, HostTensor>,
  iters: number,
): Promise<PhaseTimes> {
  const times: Record<Phase, number[]> = { forward: [], backward: [], update: [] };
  for (let at = 0; at < iters; at++) {
    await session.runPhases(inputs(), async (phase, run) => {
      const started = performance.now();
      await run();
      times[phase].push(performance.now() - started);
    });
  }
  const median = (phase: Phase): number =>
    percentile(
      times[phase].toSorted((a, b) => a - b),
      0.5,
    );
  const [forward_ms, backward_ms, update_ms] = [median('forward'), median('backward'), median('update')];
  return { forward_ms, backward_ms, update_ms, backward_to_forward: backward_ms / forward_ms };
}

type Summary = Parameters<typeof latencyRows>[0] &
  PhaseTimes & { readonly compile_ms: number; readonly arena_bytes: number };

function report({ output }: Context, summary: Summary): void {
  const { forward_ms, backward_ms, update_ms, backward_to_forward, compile_ms, arena_bytes } = summary;
  const phases = `${formatMs(forward_ms)} / ${formatMs(backward_ms)} / ${formatMs(update_ms)}`;
  output.data(
    formatTable([
      ...latencyRows(summary, { run: 'step', sample: 'images', first: 'first step', since: 'with all pipelines' }),
      ['forward / backward / update', `${phases}, backward ${formatDigits(backward_to_forward)} times forward`],
      ['compiled', `in ${formatMs(compile_ms)}, arena of ${formatBytes(arena_bytes)}`],
    ]),
  );
  output.event({ type: 'summary', ...summary });
}

function pickDirective({ file, directives }: AnalyzedProgram, wanted: string | undefined): CheckedDirective {
  const all = directives.filter(({ word }) => word === 'train');
  const names = all.map(({ name = '' }) => name);
  const found = wanted === undefined ? all : all.filter(({ name }) => name === wanted);
  const [only, second] = found;
  if (only && !second) return only;
  const list = names.join(', ');
  if (only)
    throw usageError(`${file.path} has several train directives: ${list}`, `name one: ${file.path}:${names[0]}`);
  const help = names.length > 0 ? `it has ${list}` : 'write `train NAME for MODEL { ... }`';
  if (wanted === undefined) throw usageError(`${file.path} has no train directive`, help);
  throw usageError(`${file.path} trains no ${wanted}`, didYouMean(wanted, names) ?? help);
}
