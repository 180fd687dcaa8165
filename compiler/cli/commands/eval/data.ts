/** What `cnnc eval --data` names: files of a format, or a split of a dataset that a source file declares. */
import { dirname, resolve } from 'node:path';
import { openDataset, parseDataArgument } from '../../../../runtime/node/datasets/open-dataset.ts';
import { nameList } from '../../../../runtime/class-names.ts';
import { alignParts, type Scores } from '../../../../runtime/node/align-classes.ts';
import { checkSamples } from '../../../../runtime/node/check-samples.ts';
import { accountOf, type DataAccount } from '../../../../runtime/node/data-account.ts';
import { openTrainingData } from '../../../../runtime/node/training-data.ts';
import type { Sample } from '../../../../runtime/train/sample.ts';
import type { SplitName } from '../../../../runtime/train/splits.ts';
import { usageError } from '../../../driver/failure.ts';

export interface EvalData {
  readonly size: number;
  readonly target: 'class' | 'mask';
  /** A class that counts for nothing. */
  readonly ignore?: number | undefined;
  readonly classNames?: readonly string[] | undefined;
  readonly account: DataAccount;
  /** The part that is measured, of a dataset that has several. */
  readonly part: SplitName | undefined;
  /** What its user should know: see `TrainingData`. */
  readonly notes: readonly string[];
  /** As of a `SampleSource`. */
  filesOf?(index: number): readonly string[];
  read(index: number): Promise<Sample>;
  close(): Promise<void>;
}

interface Expected {
  readonly labels: string | undefined;
  readonly scores: Scores;
  readonly target: 'class' | 'mask';
}

/** What a model without names leaves to be believed. */
function unnamed({ model, names }: Scores, classNames: readonly string[] | undefined): readonly string[] {
  if (names || !classNames) return [];
  return [`${model} names no classes: its scores are taken in the order of the data, ${nameList(classNames)}`];
}

/** Throws E0001 for a text that names nothing, SourceError for a faulty file, and what opening the data throws. */
export async function openEvalData(text: string, expected: Expected): Promise<EvalData> {
  const declared = /^(?<file>.+\.cnn):(?<name>\w+)(?:\.(?<split>\w+))?$/i.exec(text)?.groups;
  if (declared) return openDeclared(declared['file'] ?? '', declared['name'] ?? '', declared['split'], expected);
  const { format, path } = parseDataArgument(text);
  const { labels, scores, target } = expected;
  const pool = await openDataset(format, path, { labels, classes: scores.classes, target });
  try {
    const { leftOut, size } = pool;
    const indices = Array.from({ length: size }, (_, index) => index);
    await checkSamples([{ dataset: pool, indices, words: path }], undefined);
    const given = { name: path, pool, leftOut };
    const { parts, classNames, notes } = alignParts(given, {}, scores);
    const account = await accountOf(given, { train: 0, val: 0, test: size }, []);
    return { ...parts.pool, classNames, account, part: undefined, notes: [...unnamed(scores, classNames), ...notes] };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

const splits = ['train', 'val', 'test'] as const;

async function openDeclared(
  file: string,
  name: string,
  wanted: string | undefined,
  { labels, scores, target }: Expected,
): Promise<EvalData> {
  if (labels !== undefined)
    throw usageError('--labels is for files of a format', `${file} names the labels of ${name}`);
  const chosen = splits.find((split) => split === wanted);
  if (wanted !== undefined && !chosen)
    throw usageError(`a dataset has no split ${wanted}`, `it has ${splits.join(', ')}`);
  // Data that a format and a path name needs no compiler.
  const [{ openStages }, { dataSpecOf }] = await Promise.all([
    import('../../setting-flags.ts'),
    import('../../../stages/train/recipe.ts'),
  ]);
  const { program } = await openStages(file, {});
  const datasets = program.directives.filter(({ word }) => word === 'dataset');
  const dataset = datasets.find((each) => each.name === name);
  if (!dataset) {
    const names = datasets.map((each) => each.name).join(', ');
    throw usageError(`${file} declares no dataset ${name}`, names === '' ? undefined : `it has ${names}`);
  }
  const folder = resolve(dirname(file));
  const spec = dataSpecOf(dataset, (path) => resolve(folder, path));
  const data = await openTrainingData(spec, folder, { target, scores, needsTraining: false });
  const part = chosen ?? (data.test ? 'test' : data.val ? 'val' : 'train');
  const source = data[part];
  if (source) {
    const { ignore } = spec;
    return {
      size: source.size,
      target: data.target,
      ignore,
      classNames: data.classNames,
      account: data.account,
      part,
      notes: [...unnamed(scores, data.classNames), ...data.notes],
      ...(source.filesOf ? { filesOf: source.filesOf.bind(source) } : {}),
      read: (index) => source.read(index),
      close: () => data.close(),
    };
  }
  await data.close();
  throw usageError(`${name} has no samples in its ${chosen} split`);
}
