/** `cnnc train`: runs a train directive, shows how it goes, and keeps what it makes in a run folder. */
import { join } from 'node:path';
import type { RuntimeFault } from '../../runtime/errors.ts';
import { runTraining } from '../../runtime/node/run-training.ts';
import type { Recipe } from '../../runtime/train/recipe.ts';
import { NotFiniteFault } from '../../runtime/train/trace-nan.ts';
import type { TrainResult } from '../../runtime/train/training-run.ts';
import type { TrainingArtifact } from '../../runtime/train/training-artifact.ts';
import { parseDataArgument } from '../../runtime/node/datasets/open-dataset.ts';
import type { RecipeOverrides } from '../stages/recipe.ts';
import { compileTrainStage } from '../stages/train.ts';
import type { Configure, Context } from './command.ts';
import { exitCodes, SourceError, type ExitCode } from './failure.ts';
import { assignmentFlag, integerFlag, listFlag } from './flags.ts';
import { notFiniteDiagnostic } from './not-finite.ts';
import { withDevice } from './open-session.ts';
import { weightsOf } from './source-model.ts';
import { count } from './text.ts';
import { loadTrainSource, type SettingFlags } from './train-source.ts';
import { showProgress } from './training-progress.ts';

interface TrainFlags extends SettingFlags {
  readonly output?: string;
  readonly data?: string;
  readonly weights?: string;
  readonly P?: Readonly<Record<string, string>>;
  readonly resume?: boolean;
  readonly limitBatches?: number;
  readonly traceNan?: boolean;
}

export const configureTrain: Configure = (command, act) => {
  command
    .argument('<file[:name]>', '.cnn file, and the train directive where it has several')
    .option('-o, --output <dir>', 'folder of the run (default: runs/NAME)')
    .option('--data <format:path>', 'data in place of the files that the dataset names')
    .option('--set <key=value>', 'a setting, as in train.optimizer.momentum=0.8; can be repeated', listFlag)
    .option('--epochs <n>', 'short for --set train.epochs=N', integerFlag('--epochs', 1))
    .option('--batch <n>', 'short for --set train.batch=N', integerFlag('--batch', 1))
    .option('--lr <rate>', 'short for --set train.lr=RATE')
    .option('--limit-batches <n>', 'at most N batches an epoch, for a trial', integerFlag('--limit-batches', 1))
    .option('--trace-nan', 'check every step and name the op that first gives NaN or Inf; several times as slow')
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
  const source = await loadTrainSource(target, flags, flags.P);
  output.diagnostics(source.diagnostics);
  const weights = flags.weights === undefined ? undefined : await weightsOf(source, flags.weights, context.seed);
  const started = performance.now();
  const compile = (isFused: boolean): TrainingArtifact =>
    compileTrainStage({ ...source, weights: weights?.weights }, overridesOf(context, flags), { isFused });
  const artifact = compile(true);
  const { recipe, model } = artifact.manifest;
  const folder = flags.output ?? join('runs', recipe.name);
  output.note(
    `${model.name}: ${count(model.parameters, 'parameter')}, ${count(recipe.epochs, 'epoch')} of ${batchesOf(recipe)}, ` +
      `compiled in ${Math.round(performance.now() - started)} ms`,
  );
  try {
    return conclude(
      context,
      await execute(context, artifact, folder, { ...flags, unfused: () => compile(false) }),
      folder,
    );
  } catch (error) {
    if (!(error instanceof NotFiniteFault)) throw error;
    throw new SourceError([notFiniteDiagnostic(error, source)], exitCodes.runtime);
  }
}

const batchesOf = ({ batch, limitBatches }: Recipe): string =>
  limitBatches === undefined ? `batches of ${batch}` : `at most ${count(limitBatches, 'batch', 'batches')} of ${batch}`;

function overridesOf({ seed }: Context, { data, limitBatches }: TrainFlags): RecipeOverrides {
  const given = data === undefined ? {} : { data: parseDataArgument(data) };
  return { seed: seed === 0 ? undefined : seed, limitBatches, ...given };
}

async function execute(
  context: Context,
  artifact: TrainingArtifact,
  folder: string,
  { resume = false, traceNan, unfused }: TrainFlags & { readonly unfused: () => TrainingArtifact },
): Promise<TrainResult> {
  const { output } = context;
  const abort = new AbortController();
  const interrupt = (): void => abort.abort();
  process.once('SIGINT', interrupt);
  try {
    return await withDevice(context, ({ device, info }) => {
      const onEvent = showProgress(context, artifact);
      const onDamage = (fault: RuntimeFault): void => output.note(`passed over a damaged checkpoint: ${fault.message}`);
      const trace = traceNan ? { traceNan: { unfused } } : {};
      const events = { signal: abort.signal, onEvent, onDamage };
      return runTraining({ artifact, device, profile: info.profile, folder, resume, ...trace, ...events });
    });
  } finally {
    process.off('SIGINT', interrupt);
  }
}

function conclude({ output }: Context, { ended, state, restoredEpoch }: TrainResult, folder: string): ExitCode {
  output.progress('');
  const reasons = { finished: 'finished', 'early-stop': 'stopped early', interrupted: 'interrupted' };
  const restored = restoredEpoch === undefined ? '' : `, weights of epoch ${restoredEpoch} restored`;
  output.data(`${reasons[ended]} after ${state.step} steps${restored}; the run is in ${folder}`);
  output.event({ type: 'artifact', path: folder });
  output.event({ type: 'summary', ended, steps: state.step, seconds: state.seconds, restoredEpoch });
  return ended === 'interrupted' ? exitCodes.interrupted : exitCodes.ok;
}
