/** Masks in PNG files: the palette index or grey value of every pixel is its class. */
import { RuntimeFault } from '../../errors.ts';
import type { Mask8 } from '../../train/sample.ts';
import { readBytes } from '../file-access.ts';
import { fileKind } from './picture-kind.ts';
import { readPngNumbers } from './png-rows.ts';

const maxMaskPixels = 64_000_000;

/** Reads a mask. Throws E0710 (cannot be read) and E0713 (no PNG file, grey or palette, of numbers up to 255). */
export async function readMask(path: string): Promise<Mask8> {
  return decodeMask(await readBytes(path), path);
}

/**
 * Decodes a PNG file of one channel, not through a palette, which would turn classes into colours: the numbers that
 * Pillow gives for modes P, L and I. Of 1 bit they are 0 and 1. Throws E0713.
 */
export function decodeMask(file: Uint8Array, name: string): Mask8 {
  try {
    return decode(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RuntimeFault('E0713', 'input', `cannot decode the mask ${name}: ${reason.split('\n')[0]}`);
  }
}

function decode(file: Uint8Array): Mask8 {
  const { format, words } = fileKind(file);
  if (format === 'jpeg') throw new Error(`it is ${words}, whose values are not exact; masks are PNG files`);
  if (format !== 'png') throw new Error(`it is ${words}; masks are PNG files`);
  const { width, height, data } = readPngNumbers(file, maxMaskPixels);
  const odd = data.findIndex((value) => value > 255);
  if (odd < 0) return { width, height, data: Uint8Array.from(data) };
  throw new Error(`pixel (${odd % width}, ${Math.floor(odd / width)}) is ${data[odd]}; classes end at 254`);
}
