/** Opens a dataset by the name of its format, as `dataset` declarations and `--data FORMAT:PATH` give it. */
import { RuntimeFault } from '../../errors.ts';
import { openCifarBinary } from './cifar-binary.ts';
import { datasetFormats } from './dataset.ts';
import type { Dataset, DatasetFormat, DatasetOptions } from './dataset.ts';
import { openIdx } from './idx.ts';
import { openImageFolder } from './image-folder.ts';
import { openNpy } from './npy.ts';
import { openNpz } from './npz.ts';

const openers: Readonly<Record<DatasetFormat, (path: string, options: DatasetOptions) => Promise<Dataset>>> = {
  'cifar-binary': openCifarBinary,
  idx: openIdx,
  'image-folder': openImageFolder,
  npy: openNpy,
  npz: openNpz,
};

/** Opens a dataset; samples are read when asked for. Throws E0710, E0712, E0714 and E0718. */
export function openDataset(format: DatasetFormat, path: string, options: DatasetOptions = {}): Promise<Dataset> {
  return openers[format](path, options);
}

export function isDatasetFormat(name: string): name is DatasetFormat {
  return datasetFormats.some((format) => format === name);
}

/** Splits `FORMAT:PATH`, as in `cifar-binary:data/test_batch.bin`. Throws E0714 (usage) for any other form. */
export function parseDataArgument(text: string): { readonly format: DatasetFormat; readonly path: string } {
  const colon = text.indexOf(':');
  const format = text.slice(0, Math.max(colon, 0));
  const path = text.slice(colon + 1);
  if (isDatasetFormat(format) && path !== '') return { format, path };
  throw new RuntimeFault(
    'E0714',
    'usage',
    `'${text}' does not name a dataset`,
    `write FORMAT:PATH with one of the formats ${datasetFormats.join(', ')}`,
  );
}
