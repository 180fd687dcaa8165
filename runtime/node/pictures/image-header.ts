/** What the header of a picture says, before anything is decoded, and whether the file seems whole. */
import type { Metadata } from 'sharp';
import { RuntimeFault } from '../../errors.ts';
import { inMemoryFile, openFile } from '../file-access.ts';
import type { RandomAccessFile } from '../file-access.ts';
import { decodingOptions, loadSharp } from './load-sharp.ts';
import { fileKind, kindBytes } from './picture-kind.ts';
import type { ImageHeader, PictureFormat } from './picture-kind.ts';
import { plainHeader, readHead } from './plain-header.ts';

/** Largest picture that is decoded, in pixels. */
const maxImagePixels = 64_000_000;

/**
 * Reads the header of a picture in memory. Throws an Error that says what is wrong: no picture that can be read, more
 * than 64 megapixels, numbers that no 8-bit picture can hold.
 */
export const readImageHeader = (file: Uint8Array): Promise<ImageHeader> => readHeader(inMemoryFile('', file), file);

/** `decoded`: what the decoder reads, where it has to be asked. */
async function readHeader(file: RandomAccessFile, decoded: Uint8Array | string): Promise<ImageHeader> {
  const head = await readHead(file);
  const header = (await plainHeader(file, head)) ?? (await decodedHeader(formatOf(head), decoded));
  const { width, height } = header;
  if (width * height > maxImagePixels) {
    throw new Error(`it is ${width}x${height}, more than ${maxImagePixels / 1e6} megapixels`);
  }
  return header;
}

/**
 * The header of a file, with a look at its end, in a few small reads: cheap enough for every picture of a folder. Where
 * the end is not where it should be (as in a file cut short, or with a film behind the picture), the picture is
 * decoded to tell. Throws E0710 (cannot be read) and E0713 (not a whole picture), naming the file.
 */
export async function checkImageFile(path: string): Promise<ImageHeader> {
  const file = await openFile(path);
  try {
    const header = await fileHeader(file);
    if ((await endsAsItShould(file, header.format)) !== true) {
      const sharp = await loadSharp();
      await naming(path, () =>
        sharp(path, decodingOptions)
          .stats()
          .then(() => undefined),
      );
    }
    return header;
  } finally {
    await file.close();
  }
}

/** The header alone. Throws E0710 and E0713, naming the file. */
export const fileHeader = (file: RandomAccessFile): Promise<ImageHeader> =>
  naming(file.path, () => readHeader(file, file.path));

/** The same of the file at a path. */
export async function headerOf(path: string): Promise<ImageHeader> {
  const file = await openFile(path);
  try {
    return await fileHeader(file);
  } finally {
    await file.close();
  }
}

/** Runs `action`; an Error that it throws becomes E0713 with the file's name. */
export async function naming<T>(name: string, action: () => Promise<T>, subject = ''): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof RuntimeFault) throw error;
    throw new RuntimeFault('E0713', 'input', `cannot decode ${subject}${name}: ${reasonOf(error)}`);
  }
}

/** The first of the decoder's words that says something, without the names of its parts. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text.split('\n').map((line) =>
    line
      .replace(/^Input (?:buffer|file) has corrupt header: ?/, '')
      .replace(/^(?:Vips\w+|vips\w+|webp|gifload\w*|heif|tiff2vips): /, '')
      .trim(),
  );
  return lines.find((line) => line !== '') ?? 'its header is corrupt';
}

function formatOf(start: Uint8Array): PictureFormat {
  const { format, words } = fileKind(start.subarray(0, kindBytes));
  if (format) return format;
  throw new Error(`it is ${words}; PNG, JPEG, WebP, AVIF, GIF and TIFF pictures can be read`);
}

async function decodedHeader(format: PictureFormat, file: Uint8Array | string): Promise<ImageHeader> {
  const sharp = await loadSharp();
  const found: Metadata = await sharp(file, decodingOptions).metadata();
  const { width, height, channels, depth, space, hasAlpha, orientation = 1 } = found;
  if (depth !== 'uchar' && depth !== 'ushort') {
    throw new Error(
      `its values are of type ${depth}; pictures have 8 or 16 bits without a sign, other numbers fit .npy`,
    );
  }
  const colours = colourSpaces.get(space);
  if (!colours) throw new Error(`its colours are ${space}; grey, RGB and CMYK can be read`);
  const expected = { grey: 1, rgb: 3, cmyk: 4 }[colours] + (hasAlpha ? 1 : 0);
  if (channels !== expected) throw new Error(`it has ${channels} channels; grey, RGB and CMYK can be read`);
  const bits = depth === 'ushort' ? 16 : 8;
  return { format, width, height, channels, depth: bits, colours, hasAlpha, orientation };
}

/** By libvips' names of interpretations. */
const colourSpaces: ReadonlyMap<string, ImageHeader['colours']> = new Map([
  ['b-w', 'grey'],
  ['grey16', 'grey'],
  ['srgb', 'rgb'],
  ['rgb', 'rgb'],
  ['rgb16', 'rgb'],
  ['cmyk', 'cmyk'],
]);

/** Bytes at the end of a file in which the end of its picture is looked for. */
const tailBytes = 32;

/**
 * Whether a file that begins as its format does has the first chunk and the end of one; undefined where the end tells
 * nothing, since tables of offsets say where the parts lie.
 */
export async function endsAsItShould(file: RandomAccessFile, format: PictureFormat): Promise<boolean | undefined> {
  if (format === 'webp') {
    const size = Buffer.from(await file.read(4, 4)).readUInt32LE(0);
    return size + 8 <= file.bytes;
  }
  if (format === 'tiff' || format === 'avif') return undefined;
  const length = Math.min(tailBytes, file.bytes);
  const tail = Buffer.from(await file.read(file.bytes - length, length));
  if (format === 'gif') return tail.at(-1) === 0x3b;
  if (format === 'jpeg') return tail.includes(Buffer.of(0xff, 0xd9));
  const chunk = await file.read(8, Math.min(8, file.bytes - 8));
  return Buffer.from(chunk).toString('latin1') === '\0\0\0\rIHDR' && tail.includes('IEND', 0, 'latin1');
}
