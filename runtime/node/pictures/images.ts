/** Decodes picture files to 8-bit images, with limits checked before anything is decoded. */
import type { Sharp } from 'sharp';
import type { StoredImage } from '../../pictures/image.ts';
import { divideBy255 } from '../../pictures/seen-image.ts';
import { readBytes } from '../file-access.ts';
import { naming, readImageHeader } from './image-header.ts';
import { decodingOptions, loadSharp } from './load-sharp.ts';
import type { ImageHeader } from './picture-kind.ts';

/** Reads and decodes an image file. Throws E0710 (cannot be read) and E0713 (cannot be decoded). */
export async function readImage(path: string): Promise<StoredImage> {
  return decodeImage(await readBytes(path), path);
}

/**
 * Decodes a JPEG, PNG, WebP, AVIF, GIF or TIFF file to what it holds, in 8 bits: JPEG to the bytes that libjpeg-turbo
 * and Pillow give, 16 bits rounded to nearest (`v / 257`), CMYK to RGB as Pillow converts it, palettes to colours; alpha
 * and orientation as they are (`seenImage` applies them); of several frames or pages the first. Throws E0713, naming the
 * file, for one that is broken or not whole, and for more than 64 megapixels.
 */
export function decodeImage(file: Uint8Array, name: string): Promise<StoredImage> {
  return naming(name, async () => {
    const header = await readImageHeader(file);
    const sharp = await loadSharp();
    return decode(sharp(file, decodingOptions), header);
  });
}

async function decode(picture: Sharp, header: ImageHeader): Promise<StoredImage> {
  const { width, height, depth, colours, hasAlpha, orientation } = header;
  const alpha = hasAlpha ? 1 : 0;
  if (colours === 'cmyk') {
    if (depth !== 8) throw new Error('it is CMYK of 16 bits');
    const inks = await pixels(picture.pipelineColourspace('cmyk').toColourspace('cmyk'), header, 4 + alpha);
    return { width, height, channels: 3, data: cmykToRgb(inks, 4 + alpha), orientation };
  }
  const channels = colours === 'grey' ? (hasAlpha ? 2 : 1) : hasAlpha ? 4 : 3;
  if (depth === 16) {
    const space = colours === 'grey' ? 'grey16' : 'rgb16';
    const words = await pixels(picture.pipelineColourspace(space).toColourspace(space), header, channels, 2);
    return { width, height, channels, data: to8Bits(words), orientation };
  }
  // Grey alone comes as one channel; with alpha, sharp gives it as three.
  const given = channels === 1 ? 1 : 3 + alpha;
  const bytes = await pixels(picture.toColourspace(given === 1 ? 'b-w' : 'srgb'), header, given);
  return { width, height, channels, data: channels === 2 ? firstAndAlpha(bytes) : bytes, orientation };
}

function firstAndAlpha(rgba: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: rgba.length / 2 }, (_, at) => rgba[at % 2 === 0 ? at * 2 : at * 2 + 1] ?? 0);
}

async function pixels(
  picture: Sharp,
  { width, height }: ImageHeader,
  channels: number,
  bytes = 1,
): Promise<Uint8Array> {
  const raw = picture.raw({ depth: bytes === 2 ? 'ushort' : 'uchar' });
  // What the decoders say of one and the same file is not always the same.
  const { data, info } = await raw.toBuffer({ resolveWithObject: true }).catch(() => {
    throw new Error('its data is damaged, or a part of it is missing');
  });
  if (info.width === width && info.height === height && data.length === width * height * channels * bytes) {
    // A plain array: engines compile loops over one kind of it better.
    return new Uint8Array(data.buffer, data.byteOffset, data.length);
  }
  throw new Error(`the decoder gave ${info.width}x${info.height} pixels of ${info.channels} channels`);
}

/** `round(v * 255 / 65535)`, which is `round(v / 257)`. */
function to8Bits(bytes: Uint8Array): Uint8Array {
  const words = new Uint16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  return Uint8Array.from(words, (word) => Math.round(word / 257));
}

/** Pillow's conversion: ink covers white, black ink covers all (libImaging/Convert.c, `cmyk2rgb`). */
function cmykToRgb(inks: Uint8Array, channels: number): Uint8Array {
  const rgb = new Uint8Array((inks.length / channels) * 3);
  for (let from = 0, to = 0; to < rgb.length; from += channels) {
    const light = 255 - (inks[from + 3] ?? 0);
    for (let c = 0; c < 3; c++) rgb[to++] = light - divideBy255((inks[from + c] ?? 0) * light);
  }
  return rgb;
}
