/** Arrays saved by NumPy: one npy file of samples in NCHW order and one of labels or masks. */
import { basename, dirname, join } from 'node:path';
import { openFile, pathKind } from '../file-access.ts';
import type { RandomAccessFile } from '../file-access.ts';
import { badData, readClassNames } from './dataset.ts';
import type { DatasetOptions } from './dataset.ts';
import { located } from './located.ts';
import type { Located, Opened } from './located.ts';
import { arrayDataset, openArray } from './stored-arrays.ts';
import type { SampleLayout, StoredArray } from './stored-arrays.ts';

/**
 * Finds samples `[N, C, H, W]` and the labels `[N]` or masks `[N, H, W]` beside them: `images` in the name becomes
 * `labels`, else `NAME-labels.npy` or `labels.npy`. Unsigned bytes with 1 or 3 channels are pictures; every other type
 * is a tensor for the model as it is. Throws E0710 for a missing file; opening throws E0712 for a broken one and E0714 for
 * shapes that disagree.
 */
export async function locateNpy(path: string, options: DatasetOptions = {}): Promise<Located> {
  const labelsPath = options.labels ?? (await labelsBeside(path));
  const names = typeof options.classNames === 'string' ? [options.classNames] : [];
  return located([path, labelsPath, ...names], [], () => openArrays(path, labelsPath, options));
}

async function openArrays(path: string, labelsPath: string, options: DatasetOptions): Promise<Opened> {
  const classNames = await readClassNames(options.classNames);
  const files: RandomAccessFile[] = [];
  try {
    const labels = await openOne(labelsPath, files);
    const samples = await openOne(path, files);
    const range = { ...options, classes: options.classes ?? classNames?.length };
    return { ...(await arrayDataset('npy', samples, layoutOf(samples), labels, range)), classNames };
  } catch (error) {
    for (const file of files) await file.close();
    throw error;
  }
}

async function openOne(path: string, files: RandomAccessFile[]): Promise<StoredArray> {
  const file = await openFile(path);
  files.push(file);
  return openArray(file);
}

async function labelsBeside(path: string): Promise<string> {
  const name = basename(path);
  const candidates = [name.replace('images', 'labels'), name.replace(/\.npy$/, '-labels.npy'), 'labels.npy'];
  for (const candidate of candidates) {
    const labels = join(dirname(path), candidate);
    if (candidate !== name && (await pathKind(labels)) === 'file') return labels;
  }
  throw badData(`there is no labels.npy beside ${path}`, 'name the file of labels with the option labels');
}

function layoutOf({ file, shape }: StoredArray): SampleLayout {
  const [n, channels, height, width] = shape;
  if (n === undefined || channels === undefined || height === undefined || width === undefined || shape.length !== 4) {
    throw badData(`${file.path} has the shape [${shape.join(', ')}], not [N, C, H, W]`);
  }
  return { channels, height, width, channelsLast: false };
}
