/** What is looked at before work starts: whether pictures are whole, numbers are finite, and anything in a part counts. */
import { RuntimeFault } from '../errors.ts';
import { inLanes } from '../lanes.ts';
import type { Sample } from '../train/sample.ts';
import { maskHelp } from './datasets/check-mask.ts';
import { badData } from './datasets/dataset.ts';
import type { Dataset } from './datasets/dataset.ts';
import { openFile } from './file-access.ts';
import { endsAsItShould, fileHeader, headerOf } from './pictures/image-header.ts';

/** Some samples of a dataset. */
export interface Piece {
  readonly dataset: Dataset;
  readonly indices: ArrayLike<number>;
  /** How messages name it. */
  readonly words: string;
}

export interface BrokenSample {
  /** Undefined where the sample has no file of its own; the reason names it then. */
  readonly path: string | undefined;
  readonly reason: string;
  readonly help: string | undefined;
}

/** Files that were found whole; they are not looked at again in the same process. */
const whole = new Set<string>();

/** Files that are open at once. */
const atOnce = 16;

/** Files that an error names. */
const mostNamed = 10;

/**
 * Looks at every picture's first and last bytes, at some masks, and through all arrays: less than an epoch of training
 * reads, and before it. Throws E0713 for pictures, and E0714 for labels, masks and numbers that cannot be used.
 */
export async function checkSamples(pieces: readonly Piece[], ignore: number | undefined): Promise<void> {
  await checkPictures(pieces);
  await checkTargets(pieces, ignore);
  await checkNumbers(pieces);
}

/**
 * Looks at the first and last bytes of every picture; where they are not as they should be, the picture is decoded.
 * Throws E0713 that names all that are broken, up to ten.
 */
async function checkPictures(pieces: readonly Piece[]): Promise<void> {
  const broken: BrokenSample[] = [];
  let total = 0;
  for (const { dataset, indices } of pieces) {
    if (!dataset.filesOf) continue;
    total += indices.length;
    const found = await inLanes(Array.from(indices), atOnce, (index) => brokenSample(dataset, index));
    broken.push(...found.filter((each) => each !== undefined));
  }
  if (broken.length > 0) throw brokenSamples(broken, total);
}

/** The fault that names broken samples, up to ten: E0713 for pictures, E0714 for samples in arrays. */
export function brokenSamples(broken: readonly BrokenSample[], total: number): RuntimeFault {
  const named = broken
    .slice(0, mostNamed)
    .map(({ path, reason }) => (path === undefined ? reason : `${path} (${reason})`));
  const more = broken.length > mostNamed ? `, and ${broken.length - mostNamed} more` : '';
  const inArrays = broken.find(({ path }) => path === undefined);
  if (inArrays) {
    if (broken.length === 1) return badData(inArrays.reason, inArrays.help);
    return badData(`${broken.length} of ${total} samples cannot be used: ${named.join(', ')}${more}`, inArrays.help);
  }
  return new RuntimeFault(
    'E0713',
    'input',
    `${broken.length} of ${total} pictures cannot be decoded: ${named.join(', ')}${more}`,
    'mend them or take them out of the folder; `cnnc data` decodes every picture, and lists all that are broken',
  );
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
    const [, path = dataset.filesOf?.(index)[0], reason = error.message] =
      /^cannot (?:decode|read) (?:the mask )?(.*?): (.*)$/s.exec(error.message) ?? [];
    return { broken: { path, reason, help: error.help } };
  }
}

/** Whether a picture begins and ends as its format does, and is not too large. */
async function looksWhole(path: string): Promise<boolean> {
  const file = await openFile(path).catch(() => undefined);
  if (!file) return false;
  try {
    const { format } = await fileHeader(file);
    return (await endsAsItShould(file, format)) ?? true;
  } catch (error) {
    if (error instanceof RuntimeFault) return false;
    throw error;
  } finally {
    await file.close();
  }
}

/** Pixels of masks that are decoded in each part: a second or two. */
const mostPixels = 2 ** 26;
/** Masks that are decoded however large they are, and those whose values a message looks at. */
const fewMasks = 8;
const mostMasks = 32;

/**
 * Looks at the masks of arrays, and of files at as many as `mostPixels` allow, spread over each part; goes on until it
 * finds a pixel that counts. Throws E0714 for a part of which nothing counts, and for values that are no class.
 */
async function checkTargets(pieces: readonly Piece[], ignore: number | undefined): Promise<void> {
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
  const chosen = await chosenMasks(piece);
  const others = chosen.length < indices.length ? Array.from(indices) : [];
  let counts = false;
  for (const [at, index] of [...chosen, ...others].entries()) {
    if (at >= chosen.length && counts) return;
    const mask = await dataset.readMask?.(index).catch((error: unknown) => explained(piece, ignore, error));
    counts ||= mask?.data.some((label) => label !== ignore) ?? true;
  }
  if (!counts && ignore !== undefined) throw nothingCounts(piece, ignore, 'pixel of the masks');
}

async function chosenMasks({ dataset, indices }: Piece): Promise<readonly number[]> {
  const all = Array.from(indices);
  const [, path] = dataset.filesOf?.(all[0] ?? 0) ?? [];
  if (path === undefined) return all;
  const { width, height } = await headerOf(path);
  const count = Math.min(all.length, Math.max(fewMasks, Math.floor(mostPixels / (width * height))));
  return Array.from({ length: count }, (_, at) => all[Math.floor((at * all.length) / count)] ?? 0);
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

/** Reads the samples of arrays of numbers through. Throws E0714 that names those that cannot be used, up to ten. */
async function checkNumbers(pieces: readonly Piece[]): Promise<void> {
  const broken: BrokenSample[] = [];
  let total = 0;
  for (const { dataset, indices } of pieces) {
    if (dataset.kind !== 'tensor') continue;
    total += indices.length;
    const found = await inLanes(
      Array.from(indices),
      atOnce,
      async (index) => (await decodeSample(dataset, index)).broken,
    );
    broken.push(...found.filter((each) => each !== undefined));
  }
  if (broken.length > 0) throw brokenSamples(broken, total);
}
