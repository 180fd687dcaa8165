/** `cnnc plan`: the stages of a source, which of them have to run and why, and what is known of each without running. */
import { openStages } from '../setting-flags.ts';
import type { NamedFigures } from '../../driver/measured-budgets.ts';
import type { Diagnostic } from '../../../grammar/diagnostics.ts';
import { mergeDiagnostics } from '../../analyze/index.ts';
import { compileStage } from '../../stages/run/compile-stage.ts';
import { staticFigures } from '../../stages/run/measure-stage.ts';
import { declaredStage } from '../../stages/run/restore-stage.ts';
import type { StageNode } from '../../stages/run/stage-graph.ts';
import { declaredModel, type StageSetup } from '../../stages/run/stage-setup.ts';
import { statusOfChain, type StageStatus } from '../../stages/run/stage-status.ts';
import { initialWeights } from '../../driver/load-weights.ts';
import type { Configure, Context } from '../command.ts';
import { exitCodes, usageError, type ExitCode } from '../../driver/failure.ts';
import { setupOf } from '../flagged-setup.ts';
import { stageFlags, withArguments, type StageFlags } from '../stage-flags.ts';
import { judgeStage } from '../../stages/run/judge-stage.ts';
import { pickChain, type StagedProject } from '../../stages/run/pick-stages.ts';
import { figureColumns, figureOf } from '../stage-table.ts';
import { count, formatTable } from '../../driver/text.ts';

interface PlanFlags extends StageFlags {
  readonly detailedExitcode?: boolean;
}

export const configurePlan: Configure = (command, act) => {
  withArguments(stageFlags(command))
    .argument('<file[:stage]>', '.cnn file, and the stage to end with (default: all stages)')
    .option('--detailed-exitcode', 'exit with 6 where a stage has to run')
    .addHelpText(
      'after',
      '\nA stage is up to date where its folder was made by this version of cnnc from the same network, the same settings,\n' +
        'the same data (by names, sizes and times of its files, and by their contents where times differ), and the same\n' +
        'result of the stage before. Nothing runs on a device. Exit code 4: a stage misses its budget, by what is known of it.',
    )
    .action((target: string, flags: PlanFlags) => act((context) => plan(context, target, flags)));
};

interface Row {
  readonly stage: StageNode;
  readonly status: StageStatus;
  readonly figures: NamedFigures;
}

async function plan(context: Context, target: string, flags: PlanFlags): Promise<ExitCode> {
  const { output } = context;
  const source = await openStages(target, flags);
  const chain = source.name === undefined ? source.stages : pickChain(source);
  if (chain.length === 0) {
    throw usageError(`${source.file} has no stages`, 'write `train NAME for MODEL { ... }`');
  }
  output.diagnostics(mergeDiagnostics(source.program.diagnostics));
  const setup = await setupOf(context, source, flags);
  const statuses = await statusOfChain(setup, chain);
  const rows = rowsOf(setup, statuses);
  output.data(table(rows));
  for (const { stage, status, figures } of rows) {
    output.event({
      type: 'metric',
      kind: 'stage',
      name: stage.name,
      word: stage.word,
      model: stage.model,
      from: stage.from?.name,
      status: status.kind,
      reasons: reasonsOf(status),
      folder: setup.folderOf(stage),
      ...figures,
    });
  }
  const stale = rows.filter(({ status }) => status.kind !== 'cached').map(({ stage }) => stage.name);
  const missed = missedIn(source, rows);
  const names = rows.flatMap(({ stage: { name } }) => (missed.has(name) ? [name] : []));
  const told =
    stale.length === 0 ? 'everything is up to date' : `${count(stale.length, 'stage')} to run: ${stale.join(', ')}`;
  output.data(`\n${told}${names.length === 0 ? '' : `; budgets are missed by ${names.join(', ')}`}`);
  output.diagnostics(mergeDiagnostics(...missed.values()));
  output.event({ type: 'summary', stages: rows.length, stale, missed: names });
  if (names.length > 0) return exitCodes.assertion;
  return flags.detailedExitcode && stale.length > 0 ? exitCodes.difference : exitCodes.ok;
}

/** Lines of budgets that the figures miss, as far as they are known, by stage. */
function missedIn({ program }: StagedProject, rows: readonly Row[]): ReadonlyMap<string, readonly Diagnostic[]> {
  const accuracies = new Map(rows.map(({ stage, figures }) => [stage.name, figures['val.accuracy']]));
  return new Map(
    rows.flatMap(({ stage: { name }, figures }) => {
      const { missed } = judgeStage(program, name, figures, (other) => accuracies.get(other));
      return missed.length > 0 ? [[name, missed] as const] : [];
    }),
  );
}

const reasonsOf = (status: StageStatus): readonly string[] => (status.kind === 'cached' ? [] : status.reasons);

/** Training changes weights alone, so that a network that is known stays known behind it. */
function rowsOf(setup: StageSetup, statuses: ReadonlyMap<StageNode, StageStatus>): Row[] {
  const known = new Map<StageNode, NamedFigures>();
  const declared = new Map<string, NamedFigures>();
  return [...statuses].map(([stage, status]) => {
    const figures = status.kind === 'cached' ? status.folder.record.figures : expected(setup, stage, known, declared);
    known.set(stage, figures);
    return { stage, status, figures };
  });
}

function expected(
  setup: StageSetup,
  stage: StageNode,
  known: ReadonlyMap<StageNode, NamedFigures>,
  declared: Map<string, NamedFigures>,
): NamedFigures {
  if (stage.word !== 'train' && stage.word !== 'distill') return {};
  if (stage.from) return staticPart(known.get(stage.from) ?? {});
  const figures = declared.get(stage.model) ?? declaredFigures(setup, stage);
  declared.set(stage.model, figures);
  return figures;
}

const staticKeys = ['params', 'macs', 'size', 'peak_memory'];
const staticPart = (figures: NamedFigures): NamedFigures =>
  Object.fromEntries(Object.entries(figures).filter(([key]) => staticKeys.includes(key)));

function declaredFigures(setup: StageSetup, stage: StageNode): NamedFigures {
  const source = declaredModel(setup, stage);
  const model = declaredStage(source, initialWeights(source.built.parameters, 0));
  return staticFigures(compileStage(model, stage.directive.declaration.word.span).artifact);
}

const words = { cached: 'up to date', stale: 'stale', unfinished: 'unfinished', missing: 'to run' } as const;

function table(rows: readonly Row[]): string {
  const head = ['stage', '', 'from', 'status', ...figureColumns.map(({ title }) => title), 'why'];
  const lines = rows.map(({ stage, status, figures }) => [
    stage.name,
    stage.word,
    stage.from?.name ?? '-',
    words[status.kind],
    ...figureColumns.map((column) => {
      const value = figureOf(figures, column);
      return value === undefined ? '?' : column.text(value);
    }),
    reasonsOf(status).join('; '),
  ]);
  return formatTable([head, ...lines], [4, 5, 6, 7, 8, 9]);
}
