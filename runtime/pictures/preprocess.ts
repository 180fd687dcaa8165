/** Turns an image into a model's input, as the model's `preprocess` declaration says. Follows torchvision on PIL images. */
import type { PreprocessStep } from '../artifact.ts';
import { RuntimeFault } from '../errors.ts';
import { toColour, toGrey } from './image.ts';
import type { Image8, StoredImage } from './image.ts';
import { resizeImage } from './resize-image.ts';
import { pictureStep, seenImage, seenSize } from './seen-image.ts';

/** One sample of the model's input, without the batch. */
export interface ImageShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Applies the steps and gives float32 in CHW order, 0..1 before `normalize`: `[channels, height, width]` of `target`.
 * The picture is taken as people see it unless a `picture` step says otherwise (see `seenImage`). A grey image fills
 * three equal channels, a colour image becomes grey (BT.601 luma) for a model of one channel.
 * Throws E0906 where the result does not fit `target`, and E0715 for steps that no declaration can mean.
 */
export function preprocessImage(
  image: StoredImage,
  steps: readonly PreprocessStep[],
  target: ImageShape,
): Float32Array {
  const fitted = fitImage(withChannels(image, target.channels, steps), steps);
  if (fitted.width !== target.width || fitted.height !== target.height) throw misfit(fitted, steps, target);
  return toPlanes(fitted, valueTables(steps, target.channels), channelOrder(steps, target.channels));
}

/** Applies `resize` and `center_crop` alone. Throws E0715. */
export function fitImage(image: Image8, steps: readonly PreprocessStep[]): Image8 {
  let current = image;
  for (const [at, step] of steps.entries()) {
    const [before, next] = [steps[at - 1], steps[at + 1]];
    if (before?.op === 'normalize') throw unsupported(`${step.op} behind normalize`);
    if (step.op === 'resize')
      current = resizeBy(current, step.size, next?.op === 'center_crop' ? next.size : undefined);
    else if (step.op === 'center_crop') current = cropCentre(current, step.size);
  }
  return current;
}

/** Width and height of an image after the steps, before anything is computed. */
export function preprocessedSize(
  image: Pick<StoredImage, 'width' | 'height' | 'orientation'>,
  steps: readonly PreprocessStep[],
): { readonly width: number; readonly height: number } {
  let { width, height } = seenSize(image, pictureStep(steps));
  for (const step of steps) {
    if (step.op === 'center_crop') [width, height] = [step.size, step.size];
    if (step.op !== 'resize') continue;
    [width, height] = typeof step.size === 'number' ? shorterSideTo({ width, height }, step.size) : step.size;
  }
  return { width, height };
}

/** The image as people see it, with 1 or 3 channels as the model takes it. Throws E0906 for any other number. */
export function withChannels(image: StoredImage, channels: number, steps: readonly PreprocessStep[]): Image8 {
  if (channels === 1) return toGrey(seenImage(image, pictureStep(steps)));
  if (channels === 3) return toColour(seenImage(image, pictureStep(steps)));
  throw new RuntimeFault(
    'E0906',
    'input',
    `an image has 1 or 3 channels, but the model's input has ${channels}`,
    'give the input as an .npy file',
  );
}

/** Only the middle of `crop` pixels a side is computed, where it lies inside: cropping again leaves it as it is. */
function resizeBy(image: Image8, size: number | readonly [number, number], crop: number | undefined): Image8 {
  const [width, height] = typeof size === 'number' ? shorterSideTo(image, size) : size;
  if (![width, height].every((side) => Number.isSafeInteger(side) && side > 0 && side <= 65536)) {
    throw unsupported(`resize to ${width}x${height}`);
  }
  if (crop === undefined || !Number.isSafeInteger(crop) || crop < 1 || crop > Math.min(width, height)) {
    return resizeImage(image, width, height);
  }
  const part = { left: cropOffset(width, crop), top: cropOffset(height, crop), width: crop, height: crop };
  return resizeImage(image, width, height, part);
}

/** torchvision's `Resize(size)`: the longer side is scaled alike and rounded down. */
function shorterSideTo({ width, height }: Pick<Image8, 'width' | 'height'>, size: number): readonly [number, number] {
  return width <= height ? [size, Math.trunc((size * height) / width)] : [Math.trunc((size * width) / height), size];
}

/** torchvision's `CenterCrop(size)`: an image that is too small is first padded with black. */
function cropCentre(image: Image8, size: number): Image8 {
  if (!Number.isSafeInteger(size) || size < 1 || size > 65536) throw unsupported(`center_crop of ${size}`);
  const { width, height, channels, data } = image;
  if (width === size && height === size) return image;
  const left = cropOffset(width, size);
  const top = cropOffset(height, size);
  const result = new Uint8Array(size * size * channels);
  for (let y = Math.max(0, -top); y < Math.min(size, height - top); y++) {
    const begin = Math.max(0, -left);
    const end = Math.min(size, width - left);
    const from = ((y + top) * width + begin + left) * channels;
    result.set(data.subarray(from, from + (end - begin) * channels), (y * size + begin) * channels);
  }
  return { width: size, height: size, channels, data: result };
}

/** Half of what is cut off, rounded half to even as Python rounds; what is missing goes half in front, rounded down. */
export function cropOffset(length: number, size: number): number {
  const cut = length - size;
  if (cut < 0) return -Math.floor(-cut / 2);
  const half = Math.floor(cut / 2);
  return cut % 2 === 1 && half % 2 === 1 ? half + 1 : half;
}

function toPlanes(
  { channels, data, width, height }: Image8,
  tables: readonly Float32Array[],
  order: readonly number[],
): Float32Array {
  const pixels = width * height;
  const planes = new Float32Array(channels * pixels);
  for (const [c, table] of tables.entries()) {
    lookUp(table, data, { first: order[c] ?? c, step: channels }, planes.subarray(c * pixels, (c + 1) * pixels));
  }
  return planes;
}

/** Writes what the table has for the bytes at `first`, `first + step`, ... */
export function lookUp(
  table: Float32Array,
  data: Uint8Array,
  { first, step }: { readonly first: number; readonly step: number },
  values: Float32Array,
): void {
  for (let index = 0, at = first; index < values.length; index++, at += step) {
    values[index] = table[data[at] ?? 0] ?? 0;
  }
}

/** For each channel of the model's input the channel of the image that it shows: others than its own for `bgr`. */
export function channelOrder(steps: readonly PreprocessStep[], channels: number): readonly number[] {
  const order = Array.from({ length: channels }, (_, c) => c);
  return pictureStep(steps).channels === 'bgr' && channels === 3 ? order.toReversed() : order;
}

/**
 * What each of the 256 bytes becomes in each channel of the model's input: `(value / 255 - mean) / std` by the steps'
 * `normalize` (`(value - mean) / std` where white is 255), rounded to float32 after every operation as torchvision does.
 * Throws E0715.
 */
export function valueTables(steps: readonly PreprocessStep[], channels: number): readonly Float32Array[] {
  const { mean, std } = steps.find((step) => step.op === 'normalize') ?? { mean: [0], std: [1] };
  const { scale = 1 } = pictureStep(steps);
  return Array.from({ length: channels }, (_, c) =>
    valueTable(scale, channelValue(mean, c, channels, 'mean'), channelValue(std, c, channels, 'std')),
  );
}

function valueTable(scale: 1 | 255, mean: number, std: number): Float32Array {
  const centre = Math.fround(mean);
  const spread = Math.fround(std);
  if (!(spread > 0)) throw unsupported(`normalize with std ${std}`);
  return Float32Array.from(
    { length: 256 },
    (_, byte) => Math.fround(Math.fround((byte * scale) / 255) - centre) / spread,
  );
}

/** One value for every channel, or one for each. */
function channelValue(values: readonly number[], channel: number, channels: number, name: string): number {
  const value = values.length === 1 ? values[0] : values[channel];
  if (value === undefined || (values.length !== 1 && values.length !== channels)) {
    throw unsupported(`normalize with ${values.length} values of ${name} for ${channels} channels`);
  }
  return value;
}

function unsupported(what: string): RuntimeFault {
  return new RuntimeFault('E0715', 'input', `the preprocessing cannot do ${what}`);
}

function misfit(image: Image8, steps: readonly PreprocessStep[], target: ImageShape): RuntimeFault {
  const origin = steps.some(({ op }) => op === 'resize' || op === 'center_crop')
    ? 'the image after preprocessing'
    : 'the image';
  return new RuntimeFault(
    'E0906',
    'input',
    `${origin} is ${image.width}x${image.height}, but the model's input is ${target.width}x${target.height}`,
    `add resize(...) and center_crop(...) to the model's preprocess declaration`,
  );
}
