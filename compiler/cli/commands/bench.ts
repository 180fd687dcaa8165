/** `cnnc bench`: how long an artifact takes, or a step of a training run: from the first result to the steady state. */
import { percentile } from '../../driver/measured-budgets.ts';
import { join } from 'node:path';
import { Option } from 'commander';
import { pathKind } from '../../../runtime/node/file-access.ts';
import { readBuilt } from '../read-built.ts';
import { checkAssertions, parseAssertions } from '../assertions.ts';
import { latencyMetrics, latencyRows, measure } from './bench/times.ts';
import { benchSeveral, type SeveralFlags } from './bench/several.ts';
import type { Configure, Context } from '../command.ts';
import { exitCodes, usageError, type ExitCode } from '../../driver/failure.ts';
import { assignmentFlag, integerFlag, listFlag, sizesFlag } from '../flags.ts';
import { latencyBudget, missedLines } from '../../driver/measured-budgets.ts';
import { batchOf, randomInputs, symbolValues } from '../../driver/open-sizes.ts';
import { artifactFlags, sessionFor, withDevice } from '../open-session.ts';
import { formatTable } from '../../driver/text.ts';

interface BenchFlags extends SeveralFlags {
  readonly set?: readonly string[];
  readonly P?: Readonly<Record<string, string>>;
  readonly assert?: readonly string[];
}

export const configureBench: Configure = (command, act) => {
  artifactFlags(command)
    .argument('<artifact>', 'artifact folder, or FILE.cnn[:NAME] for a step of its train directive')
    .argument('[others...]', 'artifact folders to compare with the first, in turns')
    .option(
      '--batch <n>',
      'samples in a run (default: 1, or what the artifact or directive says)',
      integerFlag('--batch', 1),
    )
    .option('--shape <sizes>', 'sizes that the artifact leaves open, as in H=128,W=128', sizesFlag)
    .option('--iters <n>', 'timed runs', integerFlag('--iters', 1), 50)
    .option('--warmup <n>', 'runs before them', integerFlag('--warmup', 0), 5)
    .option('--set <key=value>', 'a setting of the train directive, as in train.seed=3; can be repeated', listFlag)
    .option('-P <name=value>', 'value of a parameter of the trained model; can be repeated', assignmentFlag)
    .addOption(
      new Option('--assert [limit]', 'fail with exit code 4 unless, as in "p50<=2ms"; alone: budgets of the source')
        .preset(budgetsAlone)
        .argParser(listFlag),
    )
    .addHelpText(
      'after',
      '\nA run goes from tensors in memory to tensors in memory. first_ms is the way from the artifact folder to the\n' +
        'first result on an open device: reading, pipelines, upload, one run. device_ms is what opening the device took.\n' +
        '--assert, alone or with a limit, also checks the lines on latency of the budgets that the artifact carries.\n' +
        'A step of training runs on random images and labels; its phases are timed in steps of their own, cut into\n' +
        'three submissions: forward up to the loss, backward up to the gradients, update of weights and statistics.\n' +
        "Several artifacts take turns in one process; speedup is the first one's p50 over that of each, which\n" +
        '--assert "speedup>=1.2" limits.',
    )
    .action((target: string, others: readonly string[], flags: BenchFlags) =>
      act((context) => bench(context, target, others, flags)),
    );
};

/** What `--assert` stands for without a limit. */
const budgetsAlone = '';

const limitsOf = ({ assert: given = [] }: BenchFlags): readonly string[] =>
  given.filter((text) => text !== budgetsAlone);

async function bench(
  context: Context,
  target: string,
  others: readonly string[],
  flags: BenchFlags,
): Promise<ExitCode> {
  const source = [target, ...others].find((each) => /\.cnn(:\w+)?$/.test(each));
  if (others.length > 0) {
    if (source !== undefined) throw usageError(`${source} is no artifact`, 'a train directive is measured by itself');
    refuseOverrides(flags);
    return benchSeveral(context, [target, ...others], flags, limitsOf(flags));
  }
  if (source === undefined) return benchArtifact(context, target, flags);
  if (flags.shape) throw usageError('--shape is for artifacts', 'give the sizes with --set train.shape');
  // An artifact needs no compiler.
  const { benchTraining } = await import('./bench/training.ts');
  return benchTraining(context, target, { ...flags, assert: limitsOf(flags) });
}

function refuseOverrides({ set, P }: BenchFlags): void {
  if (set || P) throw usageError('--set and -P are for train directives, and an artifact is fixed');
}

async function benchArtifact(context: Context, folder: string, flags: BenchFlags): Promise<ExitCode> {
  refuseOverrides(flags);
  const assertions = parseAssertions(limitsOf(flags), latencyMetrics);
  // A wrong path is told before a GPU is looked for; the timed reading comes later.
  if ((await pathKind(join(folder, 'manifest.json'))) === undefined) await readBuilt(folder);
  const opening = performance.now();
  return withDevice(context, flags, async (opened) => {
    const device_ms = performance.now() - opening;
    let loading = performance.now();
    const artifact = await readBuilt(folder);
    const session = await sessionFor(opened, artifact, folder, flags);
    try {
      const drawing = performance.now();
      const batch = batchOf(session.plan, flags.batch);
      const values = symbolValues(artifact.manifest, session.plan, batch, flags.shape);
      const inputs = randomInputs(session.plan, values, context.seed);
      // Drawing the input is not the artifact's work.
      loading += performance.now() - drawing;
      await session.run(inputs);
      const first_ms = performance.now() - loading;
      let sorted: readonly number[] = [];
      const times = await measure(
        context,
        flags,
        () => session.run(inputs),
        (all) => (sorted = all),
      );
      const adapter = opened.info.description || opened.info.device;
      const throughput = (batch * 1000) / times.p50_ms;
      const summary = { ...times, first_ms, device_ms, throughput, adapter, batch, iters: flags.iters };
      context.output.data(
        formatTable(
          latencyRows(summary, {
            run: 'run',
            sample: 'samples',
            first: 'first result',
            since: 'after the artifact was opened',
          }),
        ),
      );
      context.output.event({ type: 'summary', ...summary });
      checkAssertions(assertions, summary);
      if (!flags.assert) return exitCodes.ok;
      const missed = missedLines(
        artifact.manifest,
        latencyBudget((part) => percentile(sorted, part)),
      );
      context.output.diagnostics(missed);
      return missed.length > 0 ? exitCodes.assertion : exitCodes.ok;
    } finally {
      session.dispose();
    }
  });
}
