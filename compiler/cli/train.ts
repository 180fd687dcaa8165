/** `cnnc train`: runs a train directive, shows how it goes, and keeps what it makes in a run folder. */
import { join } from 'node:path';
import type { RuntimeFault } from '../../runtime/errors.ts';
import { runTraining } from '../../runtime/node/run-training.ts';
import type { TrainingEvent, TrainResult } from '../../runtime/train/training-run.ts';
import type { TrainingArtifact } from '../../runtime/train/training-artifact.ts';
import { parseDataArgument } from '../../runtime/node/datasets/open-dataset.ts';
import type { RecipeOverrides } from '../stages/recipe.ts';
import { compileTrainStage, sizesOf } from '../stages/train.ts';
import { analyze, nodeHost } from '../analyze/index.ts';
import type { CheckedDirective } from '../analyze/index.ts';
import type { Configure, Context } from './command.ts';
import { exitCodes, SourceError, usageError, type ExitCode } from './failure.ts';
import { assignmentFlag, integerFlag } from './flags.ts';
import { withDevice } from './open-session.ts';
import { requireFile } from './require-file.ts';
import { loadModel, parseTarget, weightsOf } from './source-model.ts';
import { formatDigits } from './text.ts';

interface TrainFlags {
  readonly output?: string;
  readonly data?: string;
  readonly epochs?: number;
  readonly batch?: number;
  readonly lr?: string;
  readonly weights?: string;
  readonly P?: Readonly<Record<string, string>>;
  readonly resume?: boolean;
}

export const configureTrain: Configure = (command, act) => {
  command
    .argument('<file[:name]>', '.cnn file, and the train directive where it has several')
    .option('-o, --output <dir>', 'folder of the run (default: runs/NAME)')
    .option('--data <format:path>', 'data in place of the files that the dataset names')
    .option('--epochs <n>', 'in place of `epochs`', integerFlag('--epochs', 1))
    .option('--batch <n>', 'in place of `batch`', integerFlag('--batch', 1))
    .option('--lr <rate>', "in place of the optimizer's `lr`")
    .option('--weights <file>', 'safetensors file that the run starts from')
    .option('-P <name=value>', 'value of a model parameter; can be repeated', assignmentFlag)
    .option('--resume', 'go on from the last checkpoint of the folder, or start where there is none')
    .addHelpText(
      'after',
      '\nThe folder holds recipe.json, metrics.jsonl, report.html, best.safetensors, final.safetensors and last.ckpt. ' +
        'Ctrl-C saves and exits with 130; exit code 3: data or checkpoint, 5: numbers that are not finite.',
    )
    .action((target: string, flags: TrainFlags) => act((context) => run(context, target, flags)));
};

async function run(context: Context, target: string, flags: TrainFlags): Promise<ExitCode> {
  const { output } = context;
  const { file, model: wanted } = parseTarget(target);
  await requireFile(file);
  const directive = pickDirective(file, wanted);
  const { N: _, ...dims } = sizesOf(directive.settings.get('shape'));
  const source = await loadModel(`${file}:${directive.target ?? ''}`, { arguments: flags.P, dims });
  output.diagnostics(source.diagnostics);
  const weights = flags.weights === undefined ? undefined : await weightsOf(source, flags.weights, context.seed);
  const started = performance.now();
  const artifact = compileTrainStage({ ...source, directive, weights: weights?.weights }, overridesOf(context, flags));
  const { recipe, model } = artifact.manifest;
  const folder = flags.output ?? join('runs', recipe.name);
  output.note(
    `${model.name}: ${model.parameters} parameters, ${recipe.epochs} epochs of batches of ${recipe.batch}, ` +
      `compiled in ${Math.round(performance.now() - started)} ms`,
  );
  const result = await execute(context, artifact, folder, flags.resume ?? false);
  return conclude(context, result, folder);
}

function pickDirective(file: string, wanted: string | undefined): CheckedDirective {
  const program = analyze(file, nodeHost());
  if (program.diagnostics.some(({ severity }) => severity === 'error')) throw new SourceError(program.diagnostics);
  const all = program.directives.filter(({ word }) => word === 'train');
  const names = all.map(({ name = '' }) => name);
  const found = wanted === undefined ? all : all.filter(({ name }) => name === wanted);
  const [only, second] = found;
  if (only && !second) return only;
  if (only)
    throw usageError(`${file} has several train directives: ${names.join(', ')}`, `name one: ${file}:${names[0]}`);
  const help = names.length > 0 ? `it has ${names.join(', ')}` : 'write `train NAME for MODEL { ... }`';
  throw usageError(wanted === undefined ? `${file} has no train directive` : `${file} trains no ${wanted}`, help);
}

function overridesOf({ seed }: Context, { data, epochs, batch, lr }: TrainFlags): RecipeOverrides {
  const rate = lr === undefined ? undefined : Number(lr);
  if (rate !== undefined && !(rate >= 0)) throw usageError(`--lr must be a number of at least 0, not ${lr ?? ''}`);
  const given = data === undefined ? {} : { data: parseDataArgument(data) };
  return { epochs, batch, lr: rate, seed: seed === 0 ? undefined : seed, ...given };
}

async function execute(
  context: Context,
  artifact: TrainingArtifact,
  folder: string,
  resume: boolean,
): Promise<TrainResult> {
  const { output } = context;
  const abort = new AbortController();
  const interrupt = (): void => abort.abort();
  process.once('SIGINT', interrupt);
  try {
    return await withDevice(context, ({ device, info }) => {
      const onEvent = showProgress(context, artifact);
      const onDamage = (fault: RuntimeFault): void => output.note(`passed over a damaged checkpoint: ${fault.message}`);
      const { signal } = abort;
      return runTraining({ artifact, device, profile: info.profile, folder, resume, signal, onEvent, onDamage });
    });
  } finally {
    process.off('SIGINT', interrupt);
  }
}

function showProgress({ output }: Context, { manifest: { recipe } }: TrainingArtifact): (event: TrainingEvent) => void {
  let stepsPerEpoch = 1;
  let [firstStep, started] = [0, performance.now()];
  return (event) => {
    if (event.type === 'start') {
      [stepsPerEpoch, firstStep, started] = [event.stepsPerEpoch, event.state.step, performance.now()];
    } else if (event.type === 'progress') {
      const total = recipe.epochs * stepsPerEpoch;
      const rate = (event.step - firstStep) / (performance.now() - started);
      const eta = formatDuration((total - event.step) / rate / 1000);
      const speed = formatDigits(rate * 1000 * recipe.batch);
      output.progress(
        `epoch ${event.epoch}/${recipe.epochs}, step ${event.batch}/${stepsPerEpoch}, ${speed} images/s, ${eta} left`,
        { epoch: event.epoch, step: event.step, total },
      );
    } else if (event.type === 'epoch') {
      const { epoch, values, lr, imagesPerSecond } = event.record;
      const figures = Object.entries(values).map(([name, value]) => `${name} ${value.toFixed(4)}`);
      const best = event.best ? '  best' : '';
      output.data(
        `epoch ${String(epoch).padStart(3)}  ${figures.join('  ')}  lr ${lr.toPrecision(3)}  ${formatDigits(imagesPerSecond)} images/s${best}`,
      );
      output.event({ type: 'metric', kind: 'epoch', ...event.record, best: event.best });
    } else if (event.type === 'rollback') {
      output.note(`numbers that are not finite: back to step ${event.step}, learning rate times ${event.lrScale}`);
    }
  };
}

const formatDuration = (seconds: number): string => {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
};

function conclude({ output }: Context, { ended, state, restoredEpoch }: TrainResult, folder: string): ExitCode {
  output.progress('');
  const reasons = { finished: 'finished', 'early-stop': 'stopped early', interrupted: 'interrupted' };
  const restored = restoredEpoch === undefined ? '' : `, weights of epoch ${restoredEpoch} restored`;
  output.data(`${reasons[ended]} after ${state.step} steps${restored}; the run is in ${folder}`);
  output.event({ type: 'artifact', path: folder });
  output.event({ type: 'summary', ended, steps: state.step, seconds: state.seconds, restoredEpoch });
  return ended === 'interrupted' ? exitCodes.interrupted : exitCodes.ok;
}
