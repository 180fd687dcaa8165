/**
 * From a sample to the model's input in two halves: what is the same in every epoch (channels, `resize` and
 * `center_crop` of the model's preprocessing), and what is drawn anew (augmentation) with the values behind it.
 *
 * `random_crop` stands for the preprocessing's `center_crop`, and `random_resized_crop` for its `resize`, too, as in
 * torchvision's training recipes; everything else of the preprocessing happens in training and evaluation alike.
 * Tensors of numbers are taken for preprocessed: they are neither resized nor normalized.
 */
import type { PreprocessStep } from '../../artifact.ts';
import { RuntimeFault } from '../../errors.ts';
import {
  channelOrder,
  cropOffset,
  fitImage,
  lookUp,
  preprocessedSize,
  valueTables,
} from '../../pictures/preprocess.ts';
import { augmentSample, colourless } from './augment.ts';
import { checkCrop, cropMask, resizeMask } from './crop.ts';
import { pictureOf } from '../sample.ts';
import type { LabelledPicture, Mask8, Picture, Sample, Target } from '../sample.ts';
import type { Augment } from '../recipe.ts';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Mask pixels that come from beyond the picture, where the data has no class to ignore. Classes end at 254. */
export const outsideClass = 255;

export interface Preparation {
  /** `[channels, height, width]` of the model's input. */
  readonly shape: readonly [number, number, number];
  readonly preprocess: readonly PreprocessStep[];
  /** Empty in evaluation. */
  readonly augment: readonly Augment[];
  /** Class of the data that counts for nothing. */
  readonly ignore: number | undefined;
}

export interface Preparer {
  /** The half that is worth keeping. Throws E0906 and E0715. */
  settle(sample: Sample): LabelledPicture;
  /**
   * The rest for sample `index` of an epoch: the input in CHW order goes to `values`, a mask as class numbers to
   * `classes` (-1 for what lies beyond the picture), a class to its one element. Throws E0906.
   */
  finish(
    sample: LabelledPicture,
    draw: { readonly seed: number; readonly epoch: number; readonly index: number },
    values: Float32Array,
    classes: Float32Array,
  ): void;
}

/** Throws E0715 for preprocessing that no declaration can mean. */
export function createPreparer({ shape, preprocess, augment, ignore }: Preparation): Preparer {
  const [channels, height, width] = shape;
  const fitting = fittingSteps(preprocess, augment);
  const tables = valueTables(preprocess, channels);
  const order = channelOrder(preprocess, channels);
  const zeros = order.map((c) => zeroByte(tables[c]));
  const outside = ignore ?? outsideClass;
  return {
    settle(sample) {
      const seen = pictureOf(sample, channels, preprocess);
      if (sample.target.kind === 'mask') checkMaskSize(sample.name, sample.target.mask, seen);
      const picture = fitPicture(seen, fitting);
      return { picture, target: fitTarget(sample.target, fitting, outside) };
    },
    finish(sample, { seed, epoch, index }, values, classes) {
      const mean = sample.picture.data instanceof Uint8Array ? zeros : [];
      const context = { seed, epoch, sample: index, outside, mean };
      const { picture, target } = augmentSample(sample, augment, context);
      if (picture.width !== width || picture.height !== height) {
        const changed = fitting.length > 0 || augment.length > 0;
        const kind = picture.data instanceof Uint8Array ? 'image' : 'tensor';
        throw misfit(`sample ${index}`, picture, changed, kind, { shape, augment });
      }
      writePlanes(picture, tables, order, values);
      if (target.kind === 'class') classes[0] = target.label;
      else
        target.mask.data.forEach(
          (value, at) => (classes[at] = value === outsideClass && ignore === undefined ? -1 : value),
        );
    },
  };
}

/** Throws E0714 for a mask that fits the rows of a picture as they are stored, where the picture is turned. */
export function checkMaskSize(name: string, mask: Size, seen: Size): void {
  if (mask.width === seen.width && mask.height === seen.height) return;
  const message = `the mask of ${name} is ${mask.width}x${mask.height}, but the picture is seen as ${seen.width}x${seen.height}`;
  const help =
    'turn the mask as well, or write `orientation = ignore` in preprocess where masks were drawn on the stored rows';
  throw new RuntimeFault('E0714', 'input', message, help);
}

/** Width and height of what `settle` gives for samples of one known shape. */
export function settledSize(
  [, height, width]: readonly [number, number, number],
  kind: 'image' | 'tensor',
  { preprocess, augment }: Pick<Preparation, 'preprocess' | 'augment'>,
): Size {
  return preprocessedSize({ width, height }, kind === 'image' ? fittingSteps(preprocess, augment) : []);
}

/** Throws E0906 where no sample can have the channels of the model: what `settle` would say of the first of them. */
export function checkChannels(
  {
    kind,
    shape,
    name,
  }: { readonly kind: string; readonly shape: readonly number[] | undefined; readonly name: string },
  channels: number,
): void {
  const isImage = kind === 'image';
  const fits = isImage ? channels === 1 || channels === 3 : shape === undefined || shape[0] === channels;
  if (fits) return;
  const found = isImage ? 'images, of 1 or 3 channels' : `samples of ${shape?.[0]} channels`;
  throw new RuntimeFault('E0906', 'input', `${name} has ${found}, but the model's input has ${channels}`);
}

/** Throws E0906 where samples of one known shape cannot fit the model: what `finish` would say of the first of them. */
export function checkSampleSize(
  found: readonly [number, number, number],
  kind: 'image' | 'tensor',
  preparation: Preparation,
  name: string,
): void {
  const { shape, augment } = preparation;
  let size = settledSize(found, kind, preparation);
  for (const change of augment) {
    if (change.kind === 'color_jitter' && kind === 'tensor') throw colourless(name);
    if (change.kind === 'random_crop') checkCrop(size, change, name);
    if (isCrop(change)) size = { width: change.size, height: change.size };
  }
  const changed = size.width !== found[2] || size.height !== found[1];
  if (size.width === shape[2] && size.height === shape[1]) return;
  throw misfit(changed ? `${name} (${found[2]}x${found[1]})` : name, size, changed, kind, preparation);
}

const isCrop = (change: Augment): change is Extract<Augment, { kind: 'random_crop' | 'random_resized_crop' }> =>
  change.kind === 'random_crop' || change.kind === 'random_resized_crop';

function fittingSteps(steps: readonly PreprocessStep[], augment: readonly Augment[]): readonly PreprocessStep[] {
  const resized = augment.some(({ kind }) => kind === 'random_resized_crop');
  const cropped = resized || augment.some(({ kind }) => kind === 'random_crop');
  return steps.filter(({ op }) => (op === 'resize' && !resized) || (op === 'center_crop' && !cropped));
}

function fitPicture(picture: Picture, steps: readonly PreprocessStep[]): Picture {
  const { width, height, channels, data } = picture;
  if (!(data instanceof Uint8Array) || (channels !== 1 && channels !== 3)) return picture;
  return fitImage({ width, height, channels, data }, steps);
}

function fitTarget(target: Target, steps: readonly PreprocessStep[], outside: number): Target {
  if (target.kind === 'class') return target;
  const mask = steps.reduce<Mask8>((current, step) => {
    const { width, height } = preprocessedSize(current, [step]);
    if (step.op !== 'center_crop') return resizeMask(current, width, height);
    const left = cropOffset(current.width, width);
    return cropMask(current, { left, top: cropOffset(current.height, height), width, height }, outside);
  }, target.mask);
  return { kind: 'mask', mask };
}

/** The byte whose value is nearest to zero. */
function zeroByte(table: Float32Array = new Float32Array(256)): number {
  let best = 0;
  table.forEach((value, byte) => {
    if (Math.abs(value) < Math.abs(table[best] ?? 0)) best = byte;
  });
  return best;
}

function writePlanes(
  picture: Picture,
  tables: readonly Float32Array[],
  order: readonly number[],
  values: Float32Array,
): void {
  const { channels, data } = picture;
  const pixels = picture.width * picture.height;
  for (let c = 0; c < channels; c++) {
    const plane = values.subarray(c * pixels, (c + 1) * pixels);
    const table = tables[c];
    if (data instanceof Float32Array || !table) {
      for (let pixel = 0, at = c; pixel < pixels; pixel++, at += channels) plane[pixel] = data[at] ?? 0;
    } else {
      lookUp(table, data, { first: order[c] ?? c, step: channels }, plane);
    }
  }
}

function misfit(
  name: string,
  { width, height }: Size,
  changed: boolean,
  kind: 'image' | 'tensor',
  preparation: Pick<Preparation, 'shape' | 'augment'>,
): RuntimeFault {
  const [, wantedHeight, wantedWidth] = preparation.shape;
  const state = changed ? ' after resizing and cropping' : '';
  const message = `${name} is ${width}x${height}${state}, but the model's input is ${wantedWidth}x${wantedHeight}`;
  return new RuntimeFault('E0906', 'input', message, sizeHelp(kind, preparation));
}

/** What gives pictures the size that the model takes. */
function sizeHelp(
  kind: 'image' | 'tensor',
  { shape: [, height, width], augment }: Pick<Preparation, 'shape' | 'augment'>,
): string {
  const isSquare = width === height;
  if (augment.some(isCrop)) {
    return isSquare
      ? `give the last crop in augment the size ${width}px`
      : 'crops in augment are square: leave them out';
  }
  if (kind === 'tensor') return `arrays that are not bytes go in as they are: save samples of ${width}x${height}`;
  const steps = isSquare
    ? `\`resize(${width}px)\` and \`center_crop(${width}px)\` in the model's preprocess bring`
    : `\`resize(${width}px, ${height}px)\` in the model's preprocess brings`;
  return `${steps} any picture to this size`;
}
