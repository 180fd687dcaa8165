/** Pictures and their masks in two places, paired by the names of the files without their endings. */
import { openFile } from '../file-access.ts';
import { readImage } from '../images.ts';
import { readMask } from '../mask-png.ts';
import { checkMask } from './check-mask.ts';
import { badData, checkIndex, readClassNames } from './dataset.ts';
import type { Dataset, DatasetOptions } from './dataset.ts';
import { findFiles } from './glob.ts';
import type { FoundFile } from './glob.ts';

interface Pair {
  readonly image: string;
  readonly mask: string;
}

/** Absolute patterns of files (see `findFiles`). */
export interface ImageMaskPaths {
  readonly images: string;
  readonly masks: string;
}

/**
 * Opens pictures (png, jpg) and masks (png, palette index or grey value) in order of name. Throws E0714 for a pattern
 * without files, a picture without a mask or the other way round, and a mask of another size than its picture; of PNG
 * pictures before anything is decoded.
 */
export async function openImageMaskFolder(paths: ImageMaskPaths, options: DatasetOptions = {}): Promise<Dataset> {
  const classNames = await readClassNames(options.classNames);
  const { ignore } = options;
  const range = { classes: options.classes ?? classNames?.length, ignore };
  const pairs = await pairFiles(paths);
  for (const pair of pairs) await checkSizes(pair);
  return {
    format: 'image-mask-folder',
    target: 'mask',
    kind: 'image',
    size: pairs.length,
    classNames,
    shape: undefined,
    async read(index) {
      checkIndex(index, pairs.length);
      const pair = pairs[index] ?? { image: '', mask: '' };
      const [image, mask] = await Promise.all([readImage(pair.image), readMask(pair.mask)]);
      compareSizes(pair, image, mask);
      checkMask(mask, range, pair.mask);
      return { input: { kind: 'image', image }, target: { kind: 'mask', mask }, name: pair.image };
    },
    close: () => Promise.resolve(),
  };
}

async function pairFiles({ images, masks }: ImageMaskPaths): Promise<readonly Pair[]> {
  const imageFiles = byStem(await found(images, /\.(png|jpe?g)$/i, 'png or jpg'));
  const maskFiles = byStem(await found(masks, /\.png$/i, 'png'));
  const pairs: Pair[] = [];
  for (const [stem, image] of imageFiles) {
    const mask = maskFiles.get(stem);
    if (mask === undefined) throw badData(`${image} has no mask: none of ${masks} is named ${stem}.png`);
    pairs.push({ image, mask });
  }
  for (const [stem, mask] of maskFiles) {
    if (!imageFiles.has(stem)) throw badData(`the mask ${mask} has no picture: none of ${images} is named ${stem}`);
  }
  return pairs;
}

async function found(pattern: string, ending: RegExp, kinds: string): Promise<readonly FoundFile[]> {
  const files = (await findFiles(pattern)).filter(({ path }) => ending.test(path));
  if (files.length === 0) throw badData(`no ${kinds} file matches ${pattern}`);
  return files;
}

function byStem(files: readonly FoundFile[]): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const { path, relative } of files) {
    const stem = relative.replace(/\.[^./]*$/, '');
    const other = paths.get(stem);
    if (other !== undefined) throw badData(`${other} and ${path} have the same name, so that no mask fits one alone`);
    paths.set(stem, path);
  }
  return paths;
}

/** Sizes of two PNG files stand in their first bytes; others are compared when they are decoded. */
async function checkSizes(pair: Pair): Promise<void> {
  const [image, mask] = [await pngSize(pair.image), await pngSize(pair.mask)];
  if (image && mask) compareSizes(pair, image, mask);
}

interface Size {
  readonly width: number;
  readonly height: number;
}

async function pngSize(path: string): Promise<Size | undefined> {
  if (!/\.png$/i.test(path)) return undefined;
  const file = await openFile(path);
  try {
    if (file.bytes < 24) return undefined;
    const start = await file.read(0, 24);
    const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
    return view.getUint32(0) === 0x89504e47 ? { width: view.getUint32(16), height: view.getUint32(20) } : undefined;
  } finally {
    await file.close();
  }
}

function compareSizes(pair: Pair, image: Size, mask: Size): void {
  if (image.width === mask.width && image.height === mask.height) return;
  const sizes = `${mask.width}x${mask.height}, but its picture ${pair.image} is ${image.width}x${image.height}`;
  throw badData(`the mask ${pair.mask} is ${sizes}`);
}
