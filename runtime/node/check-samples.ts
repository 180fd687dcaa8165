/** What is looked at before work starts: whether pictures are whole, and whether anything in a part counts. */
import { RuntimeFault } from '../errors.ts';
import type { Sample } from '../train/sample.ts';
import { maskHelp } from './datasets/check-mask.ts';
import { badData } from './datasets/dataset.ts';
import type { Dataset } from './datasets/dataset.ts';
import { openFile } from './file-access.ts';
import { endsAsItShould } from './image-header.ts';
import { fileKind, kindBytes } from './picture-kind.ts';

/** Some samples of a dataset. */
export interface Piece {
  readonly dataset: Dataset;
  readonly indices: ArrayLike<number>;
  /** How messages name it. */
  readonly words: string;
}

export interface BrokenSample {
  readonly path: string;
  readonly reason: string;
}

/** Files that were found whole; they are not looked at again in the same process. */
const whole = new Set<string>();

/** Files that are open at once. */
const atOnce = 16;

/** Files that an error names. */
const mostNamed = 10;

/**
 * Looks at the first and last bytes of every picture; where they are not as they should be, the picture is decoded.
 * Throws E0713 that names all that are broken, up to ten.
 */
export async function checkPictures(pieces: readonly Piece[]): Promise<void> {
  const broken: BrokenSample[] = [];
  let total = 0;
  for (const { dataset, indices } of pieces) {
    if (!dataset.filesOf) continue;
    total += indices.length;
    broken.push(...(await brokenIn(dataset, Array.from(indices))));
  }
  if (broken.length > 0) throw brokenPictures(broken, total);
}

/** The fault that names broken pictures, up to ten: E0713. */
export function brokenPictures(broken: readonly BrokenSample[], total: number): RuntimeFault {
  const named = broken.slice(0, mostNamed).map(({ path, reason }) => `${path} (${reason})`);
  const more = broken.length > mostNamed ? `, and ${broken.length - mostNamed} more` : '';
  return new RuntimeFault(
    'E0713',
    'input',
    `${broken.length} of ${total} pictures cannot be decoded: ${named.join(', ')}${more}`,
    'mend them or take them out of the folder; `cnnc data` decodes every picture, and lists all that are broken',
  );
}

async function brokenIn(dataset: Dataset, indices: readonly number[]): Promise<readonly BrokenSample[]> {
  const found: (BrokenSample | undefined)[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < indices.length) {
      const at = next++;
      found[at] = await brokenSample(dataset, indices[at] ?? 0);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return found.filter((each) => each !== undefined);
}

async function brokenSample(dataset: Dataset, index: number): Promise<BrokenSample | undefined> {
  const files = (dataset.filesOf?.(index) ?? []).filter((path) => !whole.has(path));
  const doubtful: string[] = [];
  for (const path of files) {
    if (await looksWhole(path)) whole.add(path);
    else doubtful.push(path);
  }
  if (doubtful.length === 0) return undefined;
  const { broken } = await decodeSample(dataset, index);
  if (!broken) for (const path of doubtful) whole.add(path);
  return broken;
}

/** One sample, or what is wrong with it. Throws what has nothing to do with the sample. */
export async function decodeSample(
  dataset: Dataset,
  index: number,
): Promise<{ readonly sample?: Sample; readonly broken?: BrokenSample }> {
  try {
    return { sample: await dataset.read(index) };
  } catch (error) {
    if (!(error instanceof RuntimeFault) || !['E0710', 'E0713', 'E0714'].includes(error.code)) throw error;
    const [, path = dataset.filesOf?.(index)[0] ?? '', reason = error.message] =
      /^cannot (?:decode|read) (?:the mask )?(.*?): (.*)$/s.exec(error.message) ?? [];
    return { broken: { path, reason } };
  }
}

/**
 * Whether a picture begins and ends as its format does. Where the end tells nothing, the beginning has to do; a BigTIFF is
 * rare enough to be decoded.
 */
async function looksWhole(path: string): Promise<boolean> {
  const file = await openFile(path).catch(() => undefined);
  if (!file) return false;
  try {
    const start = await file.read(0, Math.min(kindBytes, file.bytes));
    const { format } = fileKind(start);
    const isBigTiff = format === 'tiff' && start.subarray(2, 4).includes(0x2b);
    return format !== undefined && !isBigTiff && (await endsAsItShould(file, format)) !== false;
  } finally {
    await file.close();
  }
}

/** Masks that are decoded at first sight, and those whose values a message looks at. */
const firstMasks = 8;
const mostMasks = 32;

/**
 * Decodes the first masks of each part, and goes on until it finds a pixel that counts. Throws E0714 for a part of which
 * nothing counts, and for values that are no class.
 */
export async function checkTargets(pieces: readonly Piece[], ignore: number | undefined): Promise<void> {
  for (const piece of pieces) {
    const { dataset, indices } = piece;
    if (dataset.readMask) await checkMasks(piece, ignore);
    else if (ignore !== undefined && dataset.labels) {
      const labels = await dataset.labels();
      if (Array.from(indices).every((index) => labels[index] === ignore)) throw nothingCounts(piece, ignore, 'sample');
    }
  }
}

async function checkMasks(piece: Piece, ignore: number | undefined): Promise<void> {
  const { dataset, indices } = piece;
  let counts = false;
  for (let at = 0; at < indices.length && (at < firstMasks || !counts); at++) {
    const mask = await dataset.readMask?.(indices[at] ?? 0).catch((error: unknown) => explained(piece, ignore, error));
    counts ||= mask?.data.some((label) => label !== ignore) ?? true;
  }
  if (!counts && ignore !== undefined) throw nothingCounts(piece, ignore, 'pixel of the masks');
}

function nothingCounts({ words }: Piece, ignore: number, what: string): RuntimeFault {
  const help = '`ignore` is the class that counts for nothing: leave it out where it should count';
  return badData(`every ${what} of ${words} is ${ignore}, which is ignored`, help);
}

/** What to write follows from the values of several masks: one alone may lack some. */
async function explained({ dataset, indices }: Piece, ignore: number | undefined, error: unknown): Promise<never> {
  if (!(error instanceof RuntimeFault) || error.code !== 'E0714' || !dataset.readMask) throw error;
  const values = new Set<number>();
  for (let at = 0; at < Math.min(indices.length, mostMasks); at++) {
    const mask = await dataset.readMask(indices[at] ?? 0, true).catch(() => undefined);
    mask?.data.forEach((value) => values.add(value));
  }
  throw badData(error.message, maskHelp([...values], dataset.maskClasses ?? 256, ignore) ?? error.help);
}
