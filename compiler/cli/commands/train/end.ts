/** What `cnnc train` prints at its end: the best figures, where the weights are, and the commands that come next. */
import { join } from 'node:path';
import type { TrainResult } from '../../../../runtime/train/loop/training-run.ts';
import type { StageOutcome } from '../../../stages/run/run-stages.ts';
import { datasetsOf } from '../../../stages/run/stage-identity.ts';
import { trainingDirective } from '../../../stages/train/training-directive.ts';
import type { Context } from '../../command.ts';
import { commandLine, pathWord, resumeCommand, shownPath } from '../../command-line.ts';
import { formatFigure } from './epoch-table.ts';
import { parseTarget } from '../../../driver/project.ts';
import type { StageFlags } from '../../stage-flags.ts';
import { figureTexts } from '../../stage-table.ts';
import { count, formatMs, wrapped } from '../../../driver/text.ts';

/** Flags of `cnnc train` that say what a stage is: whoever builds it gives them again. */
export interface StageNamingFlags {
  readonly output?: string;
  readonly data?: string;
  readonly weights?: string | undefined;
  readonly set?: readonly string[];
  readonly epochs?: number;
  readonly batch?: number;
  readonly lr?: string;
  readonly limitBatches?: number;
  readonly P?: Readonly<Record<string, string>>;
}

/** The command that goes on with what was interrupted; `result` is that of the training that was under way, if any. */
export function tellInterrupted(context: Context, result?: TrainResult): void {
  const { output } = context;
  output.progress('');
  const where = result ? `after ${count(result.state.step, 'step')}` : 'between trainings';
  output.data(`interrupted ${where}; this goes on from here:\n  ${resumeCommand(context)}`);
}

/** What became of a stage, in lines that people read. */
export function outcomeText({ stage, folder, isCached, figures }: StageOutcome, width: number): string {
  const weights = pathWord(join(folder.path, 'best.safetensors'));
  const status = isCached ? `up to date, in ${shownPath(folder.path)}` : `done; its weights are ${weights}`;
  const known = figureTexts(figures);
  return [`${stage.name}: ${status}`, ...(known.length > 0 ? [wrapped(known, width, '  ')] : [])].join('\n');
}

/** How a training ended, and its best epoch. */
export function endText({ ended, state, restoredEpoch }: TrainResult): string {
  const reasons = { finished: 'finished', 'early-stop': 'stopped early', interrupted: 'interrupted' };
  const restored = restoredEpoch === undefined ? '' : `; weights of epoch ${restoredEpoch} restored`;
  const time = formatMs(state.seconds * 1000);
  const first = `${reasons[ended]} after ${count(state.step, 'step')}, ${time}${restored}`;
  const record = state.history.find(({ epoch }) => epoch === state.best?.epoch);
  if (!record) return first;
  const figures = Object.entries(record.values)
    .filter(([name], _, all) => name.startsWith('val.') || !all.some(([other]) => other.startsWith('val.')))
    .map(([name, value]) => `${name} ${formatFigure(value)}`);
  return `${first}\nbest epoch ${record.epoch}: ${figures.join(', ')}`;
}

/** Commands that work from here: the build of the last stage, and its evaluation where the data has a part for that. */
export function nextCommands(
  { program, seed }: Pick<Context, 'program' | 'seed'>,
  target: string,
  { stage, folder, figures }: StageOutcome,
  flags: StageNamingFlags,
): readonly string[] {
  const { file } = parseTarget(target);
  const artifact = join('build', stage.name.toLowerCase());
  const naming = flags.weights === undefined ? stageBuild(file, stage.name, flags, seed) : undefined;
  // Only a training leaves the network as it was declared.
  const isPlain = stage.word === 'train' || stage.word === 'distill';
  const build =
    naming ?? (isPlain && !stage.from ? modelBuild(file, stage.model, folder.path, artifact, flags) : undefined);
  if (!build) return [];
  const evaluation = evaluationData(file, stage, figures, flags);
  return [
    commandLine(program, ...build),
    ...(evaluation === undefined ? [] : [commandLine(program, 'eval', artifact, '--data', evaluation)]),
  ];
}

/** The command that runs a stage, or goes on with a run that was begun, as the flags of a build say what the stage is. */
export function trainCommand(
  { program, seed }: Pick<Context, 'program' | 'seed'>,
  target: string,
  { runs, output, isBegun, ...flags }: StageFlags & { readonly output: string; readonly isBegun: boolean },
): string {
  return commandLine(
    program,
    'train',
    target,
    ...(runs === 'runs' ? [] : ['-o', output]),
    ...namingFlags(flags, seed),
    ...(isBegun ? ['--resume'] : []),
  );
}

function stageBuild(file: string, name: string, flags: StageNamingFlags, seed: number): string[] {
  const { output, epochs, batch, lr, set = [] } = flags;
  const settings = Object.entries({ epochs, batch, lr }).flatMap(([key, value]) =>
    value === undefined ? [] : [`train.${key}=${value}`],
  );
  return [
    'build',
    `${file}:${name}`,
    ...(output === undefined ? [] : ['--runs', output]),
    ...namingFlags({ ...flags, set: [...settings, ...set] }, seed),
  ];
}

/** What belongs to a stage, and every command takes alike. */
const namingFlags = (
  { data, limitBatches, set = [], P = {} }: Pick<StageFlags, 'data' | 'limitBatches' | 'set' | 'P'>,
  seed: number,
): string[] => [
  ...set.flatMap((each) => ['--set', each]),
  ...(data === undefined ? [] : ['--data', data]),
  ...(limitBatches === undefined ? [] : ['--limit-batches', String(limitBatches)]),
  ...parametersOf(P),
  ...(seed === 0 ? [] : ['--seed', String(seed)]),
];

/** What started from given weights is no stage that a build knows: its weights are built with the model. */
function modelBuild(
  file: string,
  model: string,
  folder: string,
  artifact: string,
  { P = {} }: StageNamingFlags,
): string[] {
  const weights = join(folder, 'best.safetensors');
  return ['build', `${file}:${model}`, '--weights', weights, ...parametersOf(P), '-o', artifact];
}

const parametersOf = (given: Readonly<Record<string, string>>): string[] =>
  Object.entries(given).flatMap(([name, value]) => ['-P', `${name}=${value}`]);

/** The validation part, which is there where it was measured; undefined where the flags changed what the data is. */
function evaluationData(
  file: string,
  stage: StageOutcome['stage'],
  figures: StageOutcome['figures'],
  { data, set = [] }: StageNamingFlags,
): string | undefined {
  const isMeasured = Object.keys(figures).some((name) => name.startsWith('val.'));
  if (!isMeasured || data !== undefined || set.some((each) => each.startsWith('dataset.'))) return undefined;
  const [name] = datasetsOf(trainingDirective(stage).settings);
  return name === undefined ? undefined : `${file}:${name}.val`;
}
