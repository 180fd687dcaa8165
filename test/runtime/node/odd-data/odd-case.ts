/** Odd folders and files: what a reader meets, and what becomes of it. */
import { RuntimeFault } from '../../../../runtime/errors.ts';
import { accountLine, measuredLine } from '../../../../runtime/node/data-account.ts';
import { openTrainingData, type DataOverrides } from '../../../../runtime/node/training-data.ts';
import type { DataSpec } from '../../../../runtime/train/recipe.ts';
import type { Sample } from '../../../../runtime/train/sample.ts';
import { temporaryFolder } from '../temporary-folder.ts';

export type Files = Readonly<Record<string, Uint8Array | string>>;

export interface OddCase {
  /** What is met, as the page has it. */
  readonly what: string;
  readonly files: Files;
  /** Puts into the folder what is no file: links and pipes. */
  readonly prepare?: (folder: string) => void;
  /** Reads what lies in the folder, and gives in words what was read. */
  readonly read: (folder: string) => Promise<string>;
  /** What these words, or `CODE: message` of a fault, have in them. */
  readonly becomes: string | RegExp;
  readonly help?: string | RegExp;
}

/** The cases of one reader. */
export interface OddCases {
  readonly reader: string;
  /** Those that the page prints. */
  readonly listed: readonly OddCase[];
  /** Those that are like one of them. */
  readonly others: readonly OddCase[];
}

export interface Outcome {
  /** What was read, or `CODE: message`, with paths from the folder on. */
  readonly text: string;
  readonly help: string | undefined;
}

/** Runs a case in a folder of its own. */
export async function outcomeOf({ files, prepare, read }: OddCase): Promise<Outcome> {
  const folder = temporaryFolder(files);
  prepare?.(folder);
  const plain = (text: string): string => text.replaceAll(`${folder}/`, '').replaceAll(folder, '.');
  try {
    return { text: plain(await read(folder)), help: undefined };
  } catch (error) {
    if (!(error instanceof RuntimeFault)) throw error;
    return { text: plain(`${error.code}: ${error.message}`), help: error.help };
  }
}

type Spec = Partial<DataSpec> & Pick<DataSpec, 'format'>;

/**
 * Opens data as a training does, and reads every sample once: the line that is said before work starts, and the notes.
 * Without a split all samples are for training, and the line does not tell parts.
 */
export const trainedOn =
  (spec: Spec, overrides: DataOverrides = {}, check?: (samples: readonly Sample[]) => void) =>
  async (folder: string): Promise<string> => {
    const everything = { train: { share: 1 }, seed: 0 };
    const data = await openTrainingData({ name: 'd', split: everything, ...spec }, folder, overrides);
    try {
      const samples: Sample[] = [];
      for (const source of [data.train, data.val, data.test].filter((each) => each !== undefined)) {
        for (let at = 0; at < source.size; at++) samples.push(await source.read(at));
      }
      check?.(samples);
      const line = spec.split ? accountLine(data.account) : measuredLine(data.account, undefined);
      return [line, ...data.notes].join('; ');
    } finally {
      await data.close();
    }
  };
