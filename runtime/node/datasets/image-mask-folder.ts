/** Pictures and their masks in two places, paired by the names of the files without their endings. */
import { readImage } from '../pictures/images.ts';
import { readMask } from '../pictures/mask-png.ts';
import { seenSize } from '../../pictures/seen-image.ts';
import { createLeftOut, endingOf } from './account.ts';
import type { LeftOutCounter } from './account.ts';
import { maskClasses } from './check-mask.ts';
import { archiveHelp } from '../file-access.ts';
import { badData, checkIndex, readClassNames } from './dataset.ts';
import type { DatasetOptions } from './dataset.ts';
import { findFiles } from './glob.ts';
import type { FilePattern, FoundFile } from './glob.ts';
import { located } from './located.ts';
import type { Located, Opened } from './located.ts';
import { hasPictureEnding, pictureEndings } from './picture-endings.ts';

interface Pair {
  readonly image: string;
  readonly mask: string;
}

export interface ImageMaskPaths {
  readonly images: FilePattern;
  readonly masks: FilePattern;
}

/**
 * Finds pictures and masks (png, palette index or grey value) in order of name. Throws E0714 for a pattern without files
 * and for a picture without a mask or the other way round. Sizes are compared when a sample is read; see `checkSizes` for
 * all of them before.
 */
export async function locateImageMaskFolder(paths: ImageMaskPaths, options: DatasetOptions = {}): Promise<Located> {
  const leftOut = createLeftOut();
  const pairs = await pairFiles(paths, leftOut);
  const names = typeof options.classNames === 'string' ? [options.classNames] : [];
  const files = [...pairs.flatMap(({ image, mask }) => [image, mask]), ...names];
  return located(files, leftOut.all(), () => openPairs(pairs, options));
}

async function openPairs(pairs: readonly Pair[], options: DatasetOptions): Promise<Opened> {
  const classNames = await readClassNames(options.classNames);
  const range = { ...options, classes: options.classes ?? classNames?.length };
  const pairAt = (index: number): Pair => {
    checkIndex(index, pairs.length);
    return pairs[index] ?? { image: '', mask: '' };
  };
  const classesOf = async (path: string) => {
    const mask = await readMask(path);
    return { ...mask, data: maskClasses(mask, range, path) };
  };
  return {
    format: 'image-mask-folder',
    target: 'mask',
    kind: 'image',
    size: pairs.length,
    classNames,
    shape: undefined,
    maskClasses: range.classes,
    filesOf: (index) => [pairAt(index).image, pairAt(index).mask],
    readMask: (index, raw = false) => (raw ? readMask(pairAt(index).mask) : classesOf(pairAt(index).mask)),
    async read(index) {
      const pair = pairAt(index);
      const [image, mask] = await Promise.all([readImage(pair.image), readMask(pair.mask)]);
      compareSizes(pair, image, mask);
      const target = { kind: 'mask', mask: { ...mask, data: maskClasses(mask, range, pair.mask) } } as const;
      return { input: { kind: 'image', image }, target, name: pair.image };
    },
    close: () => Promise.resolve(),
  };
}

async function pairFiles({ images, masks }: ImageMaskPaths, leftOut: LeftOutCounter): Promise<readonly Pair[]> {
  const imageFiles = byStem(await found(images, hasPictureEnding, pictureEndings, leftOut));
  const maskFiles = byStem(await found(masks, (name) => /\.png$/i.test(name), '.png', leftOut));
  const withoutMask = [...imageFiles].filter(([stem]) => !maskFiles.has(stem));
  const [image] = withoutMask;
  if (image) {
    const others = sameFor(withoutMask.map(([, path]) => path));
    throw badData(`${image[1]} has no mask: none of ${masks.pattern} is named ${image[0]}.png${others}`);
  }
  const withoutPicture = [...maskFiles].filter(([stem]) => !imageFiles.has(stem));
  const [mask] = withoutPicture;
  if (mask) {
    const others = sameFor(withoutPicture.map(([, path]) => path));
    throw badData(`the mask ${mask[1]} has no picture: none of ${images.pattern} is named ${mask[0]}${others}`);
  }
  return [...imageFiles].map(([stem, path]) => ({ image: path, mask: maskFiles.get(stem) ?? '' }));
}

const mostListed = 10;

/** `; the same holds for b.png, c.png` behind what is said of the first; empty where that is alone. */
function sameFor([, ...others]: readonly string[]): string {
  if (others.length === 0) return '';
  const rest = others.length >= mostListed ? `, and ${others.length + 1 - mostListed} more` : '';
  return `; the same holds for ${others.slice(0, mostListed - 1).join(', ')}${rest}`;
}

async function found(
  pattern: FilePattern,
  fits: (name: string) => boolean,
  kinds: string,
  leftOut: LeftOutCounter,
): Promise<readonly FoundFile[]> {
  const files = await findFiles(pattern);
  const fitting = files.filter(({ path }) => fits(path));
  if (fitting.length === 0) {
    const others = files.length === 0 ? '' : `; it matches other files, as ${files[0]?.relative}`;
    throw badData(
      `no ${kinds} file matches ${pattern.pattern} in ${pattern.folder}${others}`,
      (files[0] && archiveHelp(files[0].path)) ??
        '`*` and `?` stand for characters of a name, `**` for folders, `[*]` for the character itself',
    );
  }
  for (const { path, relative } of files) if (!fits(path)) leftOut.add(endingOf(path), relative);
  return fitting;
}

function byStem(files: readonly FoundFile[]): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const { path, relative } of files) {
    // Systems write the same letter with accent in two ways.
    const stem = relative.replace(/\.[^./]*$/, '').normalize('NFC');
    const other = paths.get(stem);
    if (other !== undefined) throw badData(`${other} and ${path} have the same name, so that no mask fits one alone`);
    paths.set(stem, path);
  }
  return paths;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * A mask is as large as its picture is seen, or as it is stored: which of them counts, `preprocess` says. Throws E0714
 * for any other size.
 */
export function compareSizes(
  pair: Pair,
  image: Size & { readonly orientation?: number | undefined },
  mask: Size,
): void {
  const fits = ({ width, height }: Size) => width === mask.width && height === mask.height;
  if (fits(image) || fits(seenSize(image, {}))) return;
  const sizes = `${mask.width}x${mask.height}, but its picture ${pair.image} is ${image.width}x${image.height}`;
  throw badData(`the mask ${pair.mask} is ${sizes}`);
}
