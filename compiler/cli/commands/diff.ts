/**
 * `cnnc diff`: figures of stages and artifacts side by side, with ratios to the first. Latencies have none: they were
 * measured at different times, when the machine was busy with other work for one and not for the other.
 */
import type { NamedFigures } from '../../driver/measured-budgets.ts';
import { basename, join, resolve } from 'node:path';
import { RuntimeFault } from '../../../runtime/errors.ts';
import { pathKind } from '../../../runtime/node/file-access.ts';
import { readBuilt } from '../read-built.ts';
import { latencyFigures, staticFigures } from '../../stages/run/measure-stage.ts';
import { readStageFolder } from '../../stages/run/stage-folder.ts';
import type { Configure, Context } from '../command.ts';
import { commandLine } from '../command-line.ts';
import { exitCodes, usageError, type ExitCode } from '../../driver/failure.ts';
import { withLazyDevice } from '../open-session.ts';
import { figureColumns, figureOf, pointsText, ratioText, type FigureColumn } from '../stage-table.ts';
import { formatTable } from '../../driver/text.ts';

interface DiffFlags {
  readonly latency: boolean;
}

export const configureDiff: Configure = (command, act) => {
  command
    .argument('<paths...>', 'folders of stages (runs/NAME) or artifacts, two at least')
    .option('--no-latency', 'do not run artifacts on a device')
    .addHelpText(
      'after',
      '\nA stage has the figures that were measured when it ran. The latency of an artifact is measured now, its accuracy\n' +
        'is that of the stage that it was built from. Latencies have no ratio, since each was measured at its own time:\n' +
        '`bench A B` measures artifacts in turns.',
    )
    .action((paths: readonly string[], flags: DiffFlags) => act((context) => diff(context, paths, flags)));
};

interface Subject {
  readonly path: string;
  readonly title: string;
  readonly isArtifact: boolean;
  readonly figures: NamedFigures;
}

async function diff(context: Context, paths: readonly string[], { latency }: DiffFlags): Promise<ExitCode> {
  const { output } = context;
  if (paths.length < 2) throw usageError('there is nothing to compare with', 'name two folders at least');
  const subjects = await withLazyDevice(context, {}, async (device) => {
    const found: Subject[] = [];
    for (const path of paths) found.push(await subjectAt(path, latency ? device : undefined));
    return found;
  });
  output.data(table(subjects));
  const timed = subjects.filter(({ figures }) => figures['latency_p50_ms'] !== undefined);
  if (timed.length > 1) output.note(latencyNote(context, timed));
  for (const { path, title, figures } of subjects) {
    output.event({ type: 'metric', kind: 'figures', path, name: title, ...figures });
  }
  const [first, ...others] = subjects;
  const ratios = others.map(({ path, figures }) => ({ path, ...ratiosOf(figures, first?.figures ?? {}) }));
  output.event({ type: 'summary', first: first?.path, ratios });
  return exitCodes.ok;
}

type Device = Parameters<Parameters<typeof withLazyDevice>[2]>[0];

async function subjectAt(path: string, device: Device | undefined): Promise<Subject> {
  const stage = await readStageFolder(path);
  if (stage) return { path, title: stage.record.name, isArtifact: false, figures: stage.record.figures };
  if ((await pathKind(path)) === 'folder' && (await pathKind(join(path, 'manifest.json'))) === undefined) {
    const help = 'name a folder that cnnc train or cnnc build has written';
    throw new RuntimeFault('E0715', 'input', `${path} is neither a stage nor an artifact`, help);
  }
  const artifact = await readBuilt(path);
  const measured = device ? await latencyFigures(await device(), artifact) : {};
  const { latency_p50_ms: _, ...ofStage } = artifact.manifest.stage?.figures ?? {};
  const figures = { ...ofStage, ...staticFigures(artifact), ...measured };
  return { path, title: basename(resolve(path)), isArtifact: true, figures };
}

function latencyNote({ program }: Context, timed: readonly Subject[]): string {
  const areBuilt = timed.every(({ isArtifact }) => isArtifact);
  const artifacts = areBuilt ? timed.map(({ path }) => path) : ['A', 'B'];
  const what = areBuilt ? 'these' : 'artifacts that are built of them';
  const why = 'latencies were measured at different times, and are not compared';
  return `note: ${why}; ${commandLine(program, 'bench', ...artifacts)} measures ${what} in turns`;
}

const isTime = ({ key }: FigureColumn): boolean => key === 'latency_p50_ms';

/** By the key of the column; the accuracy is a difference of shares, all others are quotients. Times have none. */
function ratiosOf(figures: NamedFigures, first: NamedFigures): Record<string, number> {
  return Object.fromEntries(
    figureColumns.flatMap((column): [string, number][] => {
      const [value, base] = [figureOf(figures, column), figureOf(first, column)];
      if (value === undefined || base === undefined || isTime(column)) return [];
      if (column.key === 'accuracy') return [['accuracy', value - base]];
      return base === 0 ? [] : [[column.key, value / base]];
    }),
  );
}

function againstText(column: FigureColumn, value: number | undefined, base: number | undefined): string {
  if (isTime(column)) return '';
  return column.key === 'accuracy' ? pointsText(value, base) : ratioText(value, base);
}

function table(subjects: readonly Subject[]): string {
  const [first] = subjects;
  const cell = (column: FigureColumn, { figures }: Subject): string[] => {
    const value = figureOf(figures, column);
    const base = first && figureOf(first.figures, column);
    return [value === undefined ? '?' : column.text(value), againstText(column, value, base)];
  };
  const rows = figureColumns.map((column) => [
    column.title,
    ...subjects.flatMap((subject, at) => (at === 0 ? cell(column, subject).slice(0, 1) : cell(column, subject))),
  ]);
  const head = ['', ...subjects.flatMap(({ title }, at) => (at === 0 ? [title] : [title, '']))];
  return formatTable([head, ...rows], [...head.keys()].slice(1));
}
