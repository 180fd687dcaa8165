/** Decodes PNG and JPEG files to 8-bit RGB, with limits checked before anything is decoded. */
import { inflateSync } from 'node:zlib';
import { decode as decodeJpeg } from 'jpeg-js';
import { PNG } from 'pngjs';
import { RuntimeFault } from '../errors.ts';
import type { Image8 } from '../image.ts';
import { readBytes } from './file-access.ts';
import { pngLayout, readImageHeader } from './image-header.ts';
import type { ImageHeader } from './image-header.ts';

/** Largest picture that is decoded, in pixels. */
const maxImagePixels = 64_000_000;
/** Encoders may leave some bytes behind the last row; more is refused. */
const spareBytes = 1024;
/** jpeg-js keeps coefficients and planes of the whole picture: about 20 bytes for each pixel. */
const jpegMemoryMiB = 2048;

/** Reads and decodes an image file. Throws E0710 (cannot be read) and E0713 (cannot be decoded). */
export async function readImage(path: string): Promise<Image8> {
  return decodeImage(await readBytes(path), path);
}

/**
 * Decodes PNG (1 to 16 bits, grey, palette or colour; 16 bits are rounded to 8, alpha is dropped) or JPEG (baseline
 * or progressive) to RGB. Throws E0713, naming the file, for a broken file and for more than 64 megapixels.
 */
export function decodeImage(file: Uint8Array, name: string): Image8 {
  try {
    const header = readImageHeader(file);
    checkSize(header);
    return header.format === 'png' ? decodePng(file, header) : decodeJpegFile(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RuntimeFault('E0713', 'input', `cannot decode ${name}: ${reason.split('\n')[0]}`);
  }
}

function checkSize({ width, height }: ImageHeader): void {
  if (width === 0 || height === 0) throw new Error(`it is ${width}x${height} pixels`);
  if (width * height > maxImagePixels) {
    throw new Error(`it is ${width}x${height}, more than ${maxImagePixels / 1e6} megapixels`);
  }
}

function decodePng(file: Uint8Array, { width, height }: ImageHeader): Image8 {
  const { compressed, rowBytes, opaque } = pngLayout(file);
  // pngjs takes missing rows for zeros, and does not bound what it inflates where the picture is interlaced.
  const rows = inflateSync(compressed, { maxOutputLength: rowBytes + spareBytes });
  if (rows.length < rowBytes) throw new Error(`the picture has ${rows.length} of ${rowBytes} bytes`);
  const decoded = PNG.sync.read(Buffer.from(opaque.buffer, opaque.byteOffset, opaque.byteLength));
  return { width, height, channels: 3, data: withoutAlpha(decoded.data, width * height) };
}

function withoutAlpha(rgba: Uint8Array, pixels: number): Uint8Array {
  if (rgba.length !== pixels * 4) throw new Error('the decoder gave an incomplete picture');
  const rgb = new Uint8Array(pixels * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4) {
    rgb[to++] = rgba[from] ?? 0;
    rgb[to++] = rgba[from + 1] ?? 0;
    rgb[to++] = rgba[from + 2] ?? 0;
  }
  return rgb;
}

function decodeJpegFile(file: Uint8Array): Image8 {
  const { width, height, data } = decodeJpeg(file, {
    useTArray: true,
    formatAsRGBA: false,
    tolerantDecoding: false,
    maxResolutionInMP: maxImagePixels / 1e6,
    maxMemoryUsageInMB: jpegMemoryMiB,
  });
  return { width, height, channels: 3, data };
}
