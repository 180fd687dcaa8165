/** Opens a dataset by the name of its format, as `dataset` declarations and `--data FORMAT:PATH` give it. */
import { readdirSync } from 'node:fs';
import { RuntimeFault } from '../../errors.ts';
import { locateCifarBinary } from './cifar-binary.ts';
import { locateCsv } from './csv.ts';
import { pathFormats } from '../../train/data-formats.ts';
import { badData } from './dataset.ts';
import type { Dataset, DatasetFormat, DatasetOptions } from './dataset.ts';
import { locateIdx } from './idx.ts';
import { locateImageFolder } from './image-folder.ts';
import type { Located } from './located.ts';
import { locateNpy } from './npy.ts';
import { locateNpz } from './npz.ts';
import { folderParts } from './part-folders.ts';

/** Finds data that one path names, or the part of it that the options name. */
export const locators: Readonly<Record<DatasetFormat, (path: string, options: DatasetOptions) => Promise<Located>>> = {
  'cifar-binary': locateCifarBinary,
  csv: locateCsv,
  idx: locateIdx,
  'image-folder': locateOneFolder,
  npy: locateNpy,
  npz: locateNpz,
};

/**
 * Opens a dataset of at least one sample; samples are read when asked for. Throws E0710, E0712, E0718, and E0714, also for
 * a folder that holds several parts, of which none is named.
 */
export async function openDataset(format: DatasetFormat, path: string, options: DatasetOptions = {}): Promise<Dataset> {
  return notEmpty(await (await locators[format](path, options)).open(), path);
}

async function locateOneFolder(path: string, options: DatasetOptions): Promise<Located> {
  const parts = options.labels === undefined ? await folderParts(path) : undefined;
  if (!parts) return locateImageFolder(path, options);
  const names = Object.values(parts.folders).join(', ');
  throw badData(
    `${path} holds the parts ${names}`,
    `name one, as in image-folder:${path}/${Object.values(parts.folders).at(-1)}`,
  );
}

/** The dataset itself; one without samples is closed, and is E0714. */
export async function notEmpty(dataset: Dataset, path: string): Promise<Dataset> {
  if (dataset.size > 0) return dataset;
  await dataset.close();
  throw badData(`${path} has no samples`);
}

export function isDatasetFormat(name: string): name is DatasetFormat {
  return pathFormats.some((format) => format === name);
}

/** Splits `FORMAT:PATH`, as in `cifar-binary:data/test_batch.bin`. Throws E0714 (usage) for any other form. */
export function parseDataArgument(text: string): { readonly format: DatasetFormat; readonly path: string } {
  const colon = text.indexOf(':');
  const format = text.slice(0, Math.max(colon, 0));
  const path = text.slice(colon + 1);
  if (isDatasetFormat(format) && path !== '') return { format, path };
  throw new RuntimeFault('E0714', 'usage', `'${text}' does not name a dataset`, formatHelp(text));
}

/** The argument that may be meant, where a path stands alone and what lies there tells its format. */
function formatHelp(path: string): string {
  const format = formatAt(path);
  return format === undefined
    ? `write FORMAT:PATH with one of the formats ${pathFormats.join(', ')}`
    : `write ${format}:${path}`;
}

const endings: readonly (readonly [RegExp, DatasetFormat])[] = [
  [/\.npy$/i, 'npy'],
  [/\.npz$/i, 'npz'],
  [/\.[ct]sv$/i, 'csv'],
  [/\.bin$/i, 'cifar-binary'],
  [/-ubyte(?:\.gz)?$/i, 'idx'],
];

function formatAt(path: string): DatasetFormat | undefined {
  const byEnding = endings.find(([ending]) => ending.test(path));
  if (byEnding) return byEnding[1];
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    if (entries.some(({ name }) => /_batch(?:_\d)?\.bin$/.test(name))) return 'cifar-binary';
    if (entries.some(({ name }) => /-ubyte(?:\.gz)?$/.test(name))) return 'idx';
    return entries.some((entry) => entry.isDirectory() || entry.isSymbolicLink()) ? 'image-folder' : undefined;
  } catch {
    return undefined;
  }
}
