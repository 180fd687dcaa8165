/** `cnnc train`: runs the stages up to one, shows how it goes, and keeps what each makes in a folder of its own. */
import { reporterOf } from './train/progress.ts';
import type { TrainResult } from '../../../runtime/train/loop/training-run.ts';
import { runChain, type StageOutcome } from '../../stages/run/run-stages.ts';
import { StageInterrupted } from '../../stages/run/stage-context.ts';
import { chainTo, type StageNode } from '../../stages/run/stage-graph.ts';
import { declaredModel, folderIn, type StageSetup } from '../../stages/run/stage-setup.ts';
import type { Configure, Context } from '../command.ts';
import { exitCodes, type ExitCode } from '../../driver/failure.ts';
import { assignmentFlag, integerFlag, listFlag } from '../flags.ts';
import { ownCode, withLazyDevice } from '../open-session.ts';
import { mergeDiagnostics } from '../../analyze/index.ts';
import { importWeights, type WeightsFlags } from '../../driver/model-weights.ts';
import { exitOf, withSignals } from './train/signals.ts';
import { judgeStage } from '../../stages/run/judge-stage.ts';
import { pickChain } from '../../stages/run/pick-stages.ts';
import { overridesOf } from '../train-overrides.ts';
import { openStages, type SettingFlags } from '../setting-flags.ts';
import { endText, nextCommands, outcomeText, tellInterrupted, type StageNamingFlags } from './train/end.ts';
import { weightsFlags } from '../weights-flags.ts';

interface TrainFlags extends SettingFlags, StageNamingFlags, WeightsFlags {
  readonly resume?: boolean;
  readonly traceNan?: boolean;
}

export const configureTrain: Configure = (command, act) => {
  weightsFlags(command, 'safetensors file that the first stage starts from')
    .argument('<file[:name]>', '.cnn file, and the stage to end with where it has several ends')
    .option('-o, --output <dir>', 'folder of the run (default: runs/NAME), or of all stages (default: runs)')
    .option('--data <format:path>', 'data in place of the files that the dataset names')
    .option('--set <key=value>', 'a setting, as in train.optimizer.momentum=0.8; can be repeated', listFlag)
    .option('--epochs <n>', 'short for --set train.epochs=N', integerFlag('--epochs', 1))
    .option('--batch <n>', 'short for --set train.batch=N', integerFlag('--batch', 1))
    .option('--lr <rate>', 'short for --set train.lr=RATE')
    .option('--limit-batches <n>', 'at most N batches an epoch, for a trial', integerFlag('--limit-batches', 1))
    .option('--trace-nan', 'check every step and name the op that first gives NaN or Inf; several times as slow')
    .option('-P <name=value>', 'value of a model parameter; can be repeated', assignmentFlag)
    .option('--resume', 'go on from the last checkpoint of the folder, or start where there is none')
    .addHelpText(
      'after',
      '\nRuns the stages that NAME starts from, then NAME; stages whose folders are up to date (see cnnc plan) are\n' +
        'passed over. A folder holds stage.json, best.safetensors and, of a training, recipe.json, metrics.jsonl,\n' +
        'report.html, final.safetensors and last.ckpt. Everything that can be checked is checked before the first step.\n' +
        'Ctrl-C saves and exits with 130, SIGTERM with 143, SIGHUP with 129; --resume goes on, and a second Ctrl-C ends\n' +
        'at once. Exit code 3: data or checkpoint, 4: a budget of a stage is missed, 5: numbers that are not finite.',
    )
    .action((target: string, flags: TrainFlags) => act((context) => run(context, target, flags)));
};

async function run(context: Context, target: string, flags: TrainFlags): Promise<ExitCode> {
  const { output } = context;
  const source = await openStages(target, flags);
  const chain = pickChain(source);
  const last = chain.at(-1);
  const [first] = last ? chainTo(last) : [];
  if (!first) throw new RangeError('a chain has a stage');
  const draft: StageSetup = {
    program: source.program,
    arguments: flags.P,
    overrides: overridesOf(context, flags),
    weights: undefined,
    root: first,
    folderOf: foldersOf(chain, flags.output),
  };
  const model = declaredModel(draft, first);
  output.diagnostics(mergeDiagnostics(model.diagnostics));
  const weights = flags.weights === undefined ? undefined : await importWeights(model, flags, context.seed);
  for (const note of weights?.notes ?? []) output.note(note);
  return withSignals((signal) => execute(context, { ...draft, weights }, chain, target, flags, signal));
}

/** One stage alone has the folder that is named; several have one each inside of it. */
const foldersOf =
  (chain: readonly StageNode[], given: string | undefined): StageSetup['folderOf'] =>
  (stage) =>
    chain.length === 1 && given !== undefined ? given : folderIn(given ?? 'runs')(stage);

async function execute(
  context: Context,
  setup: StageSetup,
  chain: readonly StageNode[],
  target: string,
  flags: TrainFlags,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { output } = context;
  const { resume = false, traceNan = false, allowNonFinite } = flags;
  const outcomes: StageOutcome[] = [];
  // A single training goes on in its folder, where its settings allow it.
  const alone = chain.length === 1 && chain[0]?.word === 'train';
  const results: TrainResult[] = [];
  const onTrained = (result: TrainResult): unknown => results.push(result);
  const onOutcome = (outcome: StageOutcome): void => {
    outcomes.push(outcome);
    if (!alone || outcome.isCached) tell(context, outcome);
  };
  try {
    await withLazyDevice(context, ownCode, (device) => {
      const running = {
        setup,
        reporter: reporterOf(output),
        resume,
        traceNan,
        allowNonFinite,
        signal,
        device,
        onTrained,
      };
      return runChain(running, chain, { alone, onOutcome });
    });
  } catch (error) {
    return interrupted(context, error, signal);
  }
  const missed = judge(context, setup, outcomes);
  const [last] = outcomes.slice(-1);
  const [result] = results;
  if (alone && last && result) {
    output.data(`${endText(result)}\n${outcomeText(last, output.columns)}`);
    summarize(context, result, last.folder.path, missed);
  } else {
    const stages = outcomes.map(({ stage, isCached, figures }) => ({ name: stage.name, cached: isCached, ...figures }));
    output.event({ type: 'summary', ended: 'finished', stages, missed });
  }
  if (missed > 0) return exitCodes.assertion;
  const next = last ? nextCommands(context, target, last, flags) : [];
  if (next.length > 0 && !output.quiet) output.data(`\n${output.style('bold', 'Next')}\n  ${next.join('\n  ')}`);
  return exitCodes.ok;
}

/** The exit code of a run that a signal ended; other errors are thrown on. */
function interrupted(context: Context, error: unknown, signal: AbortSignal): ExitCode {
  if (error instanceof StageInterrupted) {
    tellInterrupted(context, error.result);
    summarize(context, error.result, error.folder, 0);
    return exitOf(signal);
  }
  if (!signal.aborted || error !== signal.reason) throw error;
  tellInterrupted(context);
  context.output.event({ type: 'summary', ended: 'interrupted' });
  return exitOf(signal);
}

/** Says which budgets of the stages are missed, and how far off they are; how many lines. What was made is kept. */
function judge({ output }: Context, { program }: StageSetup, outcomes: readonly StageOutcome[]): number {
  const accuracies = new Map(outcomes.map(({ stage, figures }) => [stage.name, figures['val.accuracy']]));
  const judged = outcomes.map(({ stage, figures }) =>
    judgeStage(program, stage.name, figures, (name) => accuracies.get(name)),
  );
  for (const text of judged.flatMap(({ open }) => open)) {
    output.note(`note: \`${text}\` was not checked, for it was not measured`);
  }
  const missed = judged.flatMap((each) => each.missed);
  output.diagnostics(missed);
  if (missed.length > 0) output.note('the results are kept; a build of a stage that misses its budget is refused');
  return missed.length;
}

function tell({ output }: Context, outcome: StageOutcome): void {
  const { stage, folder, isCached, figures } = outcome;
  output.data(outcomeText(outcome, output.columns));
  output.event({ type: 'artifact', path: folder.path, stage: stage.name, cached: isCached, figures });
}

/** Of a training alone; the last event. */
function summarize(
  { output }: Context,
  { ended, state, restoredEpoch }: TrainResult,
  folder: string,
  missed: number,
): void {
  output.event({ type: 'artifact', path: folder });
  output.event({ type: 'summary', ended, steps: state.step, seconds: state.seconds, restoredEpoch, missed });
}
