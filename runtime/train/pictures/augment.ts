/**
 * Random changes of training pictures, in the order of the recipe, before the values are normalized. What is drawn for
 * a sample depends on seed, epoch and sample alone. Masks move with their pictures, by nearest neighbour.
 */
import { RuntimeFault } from '../../errors.ts';
import { jitterColours } from './colour.ts';
import {
  checkCrop,
  cropMask,
  cropPicture,
  randomCropWindow,
  randomResizedWindow,
  resizeMask,
  resizePicture,
} from './crop.ts';
import type { Window } from './crop.ts';
import { purposes, randomStream } from '../random-stream.ts';
import type { RandomStream } from '../random-stream.ts';
import type { Augment } from '../recipe.ts';
import { flipped, gatherMask, gatherPicture, rotated } from './turn.ts';
import type { Gather } from './turn.ts';
import type { LabelledPicture, Mask8, Picture } from '../sample.ts';

/** Which draw this is, and what new pixels get. */
export interface AugmentContext {
  readonly seed: number;
  readonly epoch: number;
  /** Index in the dataset, so that neither the split's order nor the batch matters. */
  readonly sample: number;
  /** Class of mask pixels that come from beyond the picture. */
  readonly outside: number;
  /** Value of each channel that normalization takes to zero: what `cutout` leaves (DeVries and Taylor 2017). */
  readonly mean: readonly number[];
}

/** Applies all but `mixup`, which works on batches. Throws E0906 for a picture that a change does not fit. */
export function augmentSample(
  sample: LabelledPicture,
  augments: readonly Augment[],
  context: AugmentContext,
): LabelledPicture {
  let current = sample;
  for (const [position, augment] of augments.entries()) {
    if (augment.kind === 'mixup') continue;
    const purpose = purposes.augment + position * 256;
    current = applyOne(current, augment, randomStream(context.seed, purpose, context.epoch, context.sample), context);
  }
  return current;
}

function applyOne(
  sample: LabelledPicture,
  augment: Exclude<Augment, { kind: 'mixup' }>,
  random: RandomStream,
  context: AugmentContext,
): LabelledPicture {
  const { picture } = sample;
  switch (augment.kind) {
    case 'random_crop': {
      checkCrop(picture, augment, `sample ${context.sample}`);
      return cropBoth(sample, randomCropWindow(picture, augment, random), context.outside);
    }
    case 'random_resized_crop': {
      const cropped = cropBoth(
        sample,
        randomResizedWindow(picture, augment.scale, augment.ratio, random),
        context.outside,
      );
      return resizeBoth(cropped, augment.size);
    }
    case 'horizontal_flip':
      return random.uniform() < augment.p ? flipBoth(sample, 'horizontal') : sample;
    case 'vertical_flip':
      return random.uniform() < augment.p ? flipBoth(sample, 'vertical') : sample;
    case 'color_jitter':
      return { ...sample, picture: jitter(picture, augment.strength, random, context) };
    case 'random_rotation': {
      const degrees = random.between(-augment.degrees, augment.degrees);
      return gatherBoth(sample, rotated(picture.width, picture.height, degrees), context.outside);
    }
    case 'cutout':
      if (random.uniform() >= augment.p) return sample;
      return { ...sample, picture: cutHole(picture, augment.size, random, context.mean) };
  }
}

function onMask(sample: LabelledPicture, picture: Picture, change: (mask: Mask8) => Mask8): LabelledPicture {
  const { target } = sample;
  return { picture, target: target.kind === 'mask' ? { kind: 'mask', mask: change(target.mask) } : target };
}

function cropBoth(sample: LabelledPicture, window: Window, outside: number): LabelledPicture {
  return onMask(sample, cropPicture(sample.picture, window), (mask) => cropMask(mask, window, outside));
}

function resizeBoth(sample: LabelledPicture, size: number): LabelledPicture {
  return onMask(sample, resizePicture(sample.picture, size, size), (mask) => resizeMask(mask, size, size));
}

function gatherBoth(sample: LabelledPicture, gather: Gather, outside: number): LabelledPicture {
  return onMask(sample, gatherPicture(sample.picture, gather), (mask) => gatherMask(mask, gather, outside));
}

function flipBoth(sample: LabelledPicture, axis: 'horizontal' | 'vertical'): LabelledPicture {
  const { width, height } = sample.picture;
  return gatherBoth(sample, flipped(width, height, axis), 0);
}

function jitter(picture: Picture, strength: number, random: RandomStream, { sample }: AugmentContext): Picture {
  const { width, height, channels, data } = picture;
  if (data instanceof Uint8Array && (channels === 1 || channels === 3)) {
    return jitterColours({ width, height, channels, data }, strength, random);
  }
  throw colourless(`sample ${sample}`);
}

/** The fault for numbers whose colours cannot be changed: E0906. */
export function colourless(name: string): RuntimeFault {
  const message = `color_jitter changes pictures of bytes, but ${name} is a tensor of numbers`;
  return new RuntimeFault('E0906', 'input', message, 'leave color_jitter out, or store the pictures as unsigned bytes');
}

/** A square hole with its centre anywhere in the picture, cut off at the border; masks keep their classes below it. */
function cutHole(picture: Picture, size: number, random: RandomStream, mean: readonly number[]): Picture {
  const { width, height, channels } = picture;
  const top = random.below(height) - Math.floor(size / 2);
  const left = random.below(width) - Math.floor(size / 2);
  const data = picture.data.slice();
  for (let y = Math.max(0, top); y < Math.min(height, top + size); y++) {
    for (let x = Math.max(0, left); x < Math.min(width, left + size); x++) {
      for (let c = 0; c < channels; c++) data[(y * width + x) * channels + c] = mean[c] ?? 0;
    }
  }
  return { ...picture, data };
}
