/** Windows of pictures and masks, and the two random crops. */
import { RuntimeFault } from '../../errors.ts';
import { resizeImage } from '../../pictures/resize-image.ts';
import type { RandomStream } from '../random-stream.ts';
import { resizeFloats } from './resize-floats.ts';
import { zerosLike } from '../sample.ts';
import type { Mask8, Picture } from '../sample.ts';

/** May reach beyond the picture. */
export interface Window {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

interface Grid {
  readonly width: number;
  readonly height: number;
}

/** The window of a picture; black where it reaches beyond. */
export function cropPicture(picture: Picture, window: Window): Picture {
  const data = zerosLike(picture, window.width * window.height * picture.channels);
  copyRows(picture, picture.data, window, data, picture.channels);
  return { width: window.width, height: window.height, channels: picture.channels, data };
}

/** The window of a mask; `outside` where it reaches beyond. */
export function cropMask(mask: Mask8, window: Window, outside: number): Mask8 {
  const data = new Uint8Array(window.width * window.height).fill(outside);
  copyRows(mask, mask.data, window, data, 1);
  return { width: window.width, height: window.height, data };
}

function copyRows(
  from: Grid,
  source: Uint8Array | Float32Array,
  { left, top, width, height }: Window,
  target: Uint8Array | Float32Array,
  channels: number,
): void {
  const begin = Math.max(0, -left);
  const end = Math.min(width, from.width - left);
  if (begin >= end) return;
  for (let y = Math.max(0, -top); y < Math.min(height, from.height - top); y++) {
    const at = ((y + top) * from.width + begin + left) * channels;
    target.set(source.subarray(at, at + (end - begin) * channels), (y * width + begin) * channels);
  }
}

interface Crop {
  readonly size: number;
  readonly pad: number;
}

/** Throws E0906 for a picture that is too small for a random crop. */
export function checkCrop({ width, height }: Grid, { size, pad }: Crop, name: string): void {
  if (Math.min(width, height) + 2 * pad >= size) return;
  const border = pad === 0 ? '' : ` with a border of ${pad}`;
  const message = `random_crop(${size}px) is larger than ${name}, which is ${width}x${height}${border}`;
  throw new RuntimeFault('E0906', 'input', message, 'give random_crop a smaller size or a larger pad');
}

/** torchvision's `RandomCrop(size, padding)`: a square window of the picture with a border of `pad` black pixels. */
export function randomCropWindow(grid: Grid, crop: Crop, random: RandomStream): Window {
  const { size, pad } = crop;
  const [spareX, spareY] = [grid.width + 2 * pad - size, grid.height + 2 * pad - size];
  const top = random.below(spareY + 1) - pad;
  const left = random.below(spareX + 1) - pad;
  return { left, top, width: size, height: size };
}

/**
 * torchvision's `RandomResizedCrop.get_params`: ten tries at a share of the area and a ratio, uniform and log-uniform;
 * then the largest window in the middle whose ratio is in range.
 */
export function randomResizedWindow(
  { width, height }: Grid,
  scale: readonly [number, number],
  ratio: readonly [number, number],
  random: RandomStream,
): Window {
  const [logLow, logHigh] = [Math.log(ratio[0]), Math.log(ratio[1])];
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = width * height * random.between(scale[0], scale[1]);
    const aspect = Math.exp(random.between(logLow, logHigh));
    const w = roundHalfEven(Math.sqrt(area * aspect));
    const h = roundHalfEven(Math.sqrt(area / aspect));
    if (w <= 0 || w > width || h <= 0 || h > height) continue;
    const top = random.below(height - h + 1);
    return { left: random.below(width - w + 1), top, width: w, height: h };
  }
  const own = width / height;
  const w = own > ratio[1] ? roundHalfEven(height * ratio[1]) : width;
  const h = own < ratio[0] ? roundHalfEven(width / ratio[0]) : height;
  return { left: Math.floor((width - w) / 2), top: Math.floor((height - h) / 2), width: w, height: h };
}

/** As Python rounds. */
function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** Bilinear with antialiasing, bit for bit Pillow's on bytes. */
export function resizePicture(picture: Picture, width: number, height: number): Picture {
  const { channels, data } = picture;
  if (data instanceof Float32Array) return resizeFloats({ ...picture, data }, width, height);
  if (channels === 1 || channels === 3) {
    return resizeImage({ width: picture.width, height: picture.height, channels, data }, width, height);
  }
  throw new RangeError(`a picture of bytes has ${channels} channels`);
}

/** Nearest neighbour; positions add up as in Pillow's ImagingScaleAffine, so that ties fall the same way. */
export function resizeMask(mask: Mask8, width: number, height: number): Mask8 {
  const columns = nearest(mask.width, width);
  const rows = nearest(mask.height, height);
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = (rows[y] ?? 0) * mask.width;
    for (let x = 0; x < width; x++) data[y * width + x] = mask.data[row + (columns[x] ?? 0)] ?? 0;
  }
  return { width, height, data };
}

function nearest(from: number, to: number): Int32Array {
  const step = from / to;
  const positions = new Int32Array(to);
  let at = step * 0.5;
  for (let target = 0; target < to; target++, at += step) positions[target] = Math.min(Math.floor(at), from - 1);
  return positions;
}
