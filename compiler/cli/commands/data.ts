/** `cnnc data`: opens a dataset, counts it, and decodes every sample of it: what is broken, sizes, colours, classes. */
import { dirname, resolve } from 'node:path';
import { brokenSamples, decodeSample, type BrokenSample, type Piece } from '../../../runtime/node/check-samples.ts';
import { accountLine } from '../../../runtime/node/data-account.ts';
import { parseDataArgument } from '../../../runtime/node/datasets/open-dataset.ts';
import { openPieces } from '../../../runtime/node/training-data.ts';
import type { DataSpec } from '../../../runtime/train/recipe.ts';
import type { Sample } from '../../../runtime/train/sample.ts';
import { dataSpecOf } from '../../stages/train/recipe.ts';
import { locateFrom } from '../../stages/run/stage-setup.ts';
import type { Configure, Context } from '../command.ts';
import { createFigures, type SampleFigures } from './data/figures.ts';
import { exitCodes, usageError, type ExitCode } from '../../driver/failure.ts';
import { integerFlag } from '../flags.ts';
import { pathFormats } from '../../../runtime/train/data-formats.ts';
import { openStages } from '../setting-flags.ts';
import { tellData } from '../../stages/run/data-line.ts';
import { count, formatInteger, formatTable, oneLine, oneOf } from '../../driver/text.ts';

interface DataFlags {
  readonly limit?: number;
}

export const configureData: Configure = (command, act) => {
  command
    .argument('<data>', `FILE.cnn[:DATASET], or FORMAT:PATH: ${oneOf(pathFormats)}`)
    .option('--limit <n>', 'only the first samples of each part', integerFlag('--limit', 1))
    .addHelpText(
      'after',
      '\nSays what is read, how it is divided and what is left out; decodes every sample and lists each that is broken\n' +
        '(exit code 3); and gives the sizes, the classes, and the mean and deviation of each channel of the training part,\n' +
        'as `normalize` takes them.',
    )
    .action((data: string, flags: DataFlags) => act((context) => describeData(context, data, flags)));
};

async function describeData({ output }: Context, text: string, { limit = Infinity }: DataFlags): Promise<ExitCode> {
  const spec = await specOf(text);
  const opened = await openPieces(spec, spec.masks === undefined ? 'class' : 'mask');
  try {
    const { account, pieces } = opened;
    tellData(output, accountLine(account), account, []);
    await tellClasses(output, pieces);
    const broken: BrokenSample[] = [];
    const total = pieces.reduce((sum, { indices }) => sum + Math.min(limit, indices.length), 0);
    let done = 0;
    for (const piece of pieces) {
      const figures = createFigures();
      await readAll(piece, limit, {
        read: (sample) => figures.add(sample),
        broken: (each) => broken.push(each),
        done: () =>
          output.progress(`${piece.part}: ${formatInteger(++done)} of ${formatInteger(total)}`, { done, total }),
      });
      output.progress('');
      tellFigures(output, piece, figures.result());
    }
    for (const { path, reason } of broken) {
      output.data(oneLine(path === undefined ? `broken: ${reason}` : `broken: ${path}: ${reason}`));
      output.event({ type: 'metric', kind: 'broken', path, reason });
    }
    if (broken.length > 0) throw brokenSamples(broken, total);
    output.data(`${count(total, 'sample')} decoded, none broken`);
    output.event({ type: 'summary', samples: total, broken: 0 });
    return exitCodes.ok;
  } finally {
    await opened.close();
  }
}

/** Throws E0001 for a dataset that the file does not declare, or where it declares several. */
async function specOf(text: string): Promise<DataSpec> {
  const declared = /^(?<file>.+\.cnn)(?::(?<name>\w+))?$/i.exec(text)?.groups;
  if (!declared) {
    const { format, path } = parseDataArgument(text);
    return { name: path, format, path: resolve(path), split: { seed: 0 } };
  }
  const { file = '', name: wanted } = declared;
  const { program } = await openStages(file, {});
  const datasets = program.directives.filter(({ word }) => word === 'dataset');
  const names = datasets.map(({ name }) => name).join(', ');
  const fitting = wanted === undefined ? datasets : datasets.filter(({ name }) => name === wanted);
  const [only, second] = fitting;
  if (!only) {
    const message = wanted === undefined ? `${file} declares no dataset` : `${file} declares no dataset ${wanted}`;
    throw usageError(message, names === '' ? undefined : `it has ${names}`);
  }
  if (second) throw usageError(`${file} declares several datasets: ${names}`, `name one: ${file}:${only.name}`);
  const locate = locateFrom(program);
  const folder = resolve(dirname(file));
  return dataSpecOf(only, (path) => resolve(folder, locate(path)));
}

type Part = Piece & { readonly part: string };

/** Decodes at once; reading files and decoding go on in the threads of the decoder. */
const atOnce = 4;

async function readAll(
  { dataset, indices }: Piece,
  limit: number,
  told: { read: (sample: Sample) => void; broken: (each: BrokenSample) => void; done: () => void },
): Promise<void> {
  const size = Math.min(limit, indices.length);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < size) {
      const index = indices[next++] ?? 0;
      const { sample, broken } = await decodeSample(dataset, index);
      if (sample) told.read(sample);
      if (broken) told.broken(broken);
      told.done();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

/** Most classes that a table lists. */
const mostClasses = 50;

async function tellClasses(output: Context['output'], pieces: readonly Part[]): Promise<void> {
  const table = new Map<string, number[]>();
  for (const [at, { dataset, indices }] of pieces.entries()) {
    const labels = await dataset.labels?.();
    if (!labels) return;
    const names = dataset.classNames ?? [];
    for (const name of names)
      if (!table.has(name))
        table.set(
          name,
          pieces.map(() => 0),
        );
    for (const index of Array.from(indices)) {
      const name = names[labels[index] ?? 0] ?? String(labels[index]);
      const row = table.get(name) ?? pieces.map(() => 0);
      row[at] = (row[at] ?? 0) + 1;
      table.set(name, row);
    }
  }
  const isNumbered = [...table.keys()].every((name) => /^\d+$/.test(name));
  const entries = isNumbered ? [...table].toSorted(([a], [b]) => Number(a) - Number(b)) : [...table];
  const rows = entries.map(([name, counts]) => [name, ...counts.map(formatInteger)]);
  if (rows.length > mostClasses) return;
  output.data(
    formatTable(
      [['class', ...pieces.map(({ part }) => part)], ...rows],
      pieces.map((_, at) => at + 1),
    ),
  );
}

function tellFigures(output: Context['output'], { part, dataset }: Part, figures: SampleFigures): void {
  const { samples, sizes, mean, std, labels } = figures;
  const [most, ...others] = sizes;
  const size = most === undefined ? '' : `, ${most.size}`;
  const more =
    others.length === 0
      ? ''
      : ` (${formatInteger(most?.count ?? 0)}), ${others.length} other sizes from ${figures.least} to ${figures.most}`;
  output.data(`${part}: ${count(samples, 'sample')}${size}${more}`);
  const list = (values: readonly number[]): string => values.map((each) => Number(each.toPrecision(4))).join(', ');
  if (part === 'train' && mean.length > 0) output.data(`  normalize(mean=[${list(mean)}], std=[${list(std)}])`);
  const all = labels.reduce((sum, each) => sum + each.pixels, 0);
  const rows = labels.map(({ label, pixels, samples: inSamples }) => [
    `  ${dataset.classNames?.[label] ?? `class ${label}`}`,
    `${((pixels / all) * 100).toFixed(2)}%`,
    formatInteger(inSamples),
  ]);
  if (rows.length > 0) output.data(formatTable([['  class', 'pixels', 'masks'], ...rows], [1, 2]));
  output.event({ type: 'metric', kind: 'part', name: part, ...figures });
}
