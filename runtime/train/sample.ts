/** One labelled sample of a dataset, and the picture that augmentation works on. */
import type { PreprocessStep } from '../artifact.ts';
import { RuntimeFault } from '../errors.ts';
import type { StoredImage } from '../pictures/image.ts';
import { withChannels } from '../pictures/preprocess.ts';

/** A picture, or a tensor that is ready for the model: float32 in CHW order. */
export type SampleInput =
  | { readonly kind: 'image'; readonly image: StoredImage }
  | { readonly kind: 'tensor'; readonly values: Float32Array; readonly shape: readonly [number, number, number] };

/** A class for every pixel, rows from the top. */
export interface Mask8 {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** What a sample's picture shows: one class, or a class for every pixel. */
export type Target =
  | { readonly kind: 'class'; readonly label: number }
  | { readonly kind: 'mask'; readonly mask: Mask8 };

export interface Sample {
  readonly input: SampleInput;
  readonly target: Target;
  /** Where the sample comes from, for messages: a file, or a file and a record. */
  readonly name: string;
}

/** Of bytes or of numbers: rows from the top, channels interleaved, `data[(y * width + x) * channels + c]`. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array | Float32Array;
}

/** A picture and its target, which is a mask of the same size or a class. */
export interface LabelledPicture {
  readonly picture: Picture;
  readonly target: Target;
}

/** The class of a sample. Throws E0714 for one that has a mask instead. */
export function labelOf({ target, name }: Sample): number {
  if (target.kind === 'class') return target.label;
  throw new RuntimeFault('E0714', 'input', `${name} has a mask and no class`);
}

/**
 * The picture of a sample, as people see it unless `steps` say otherwise, for a model that takes `channels`: grey and
 * colour become one another, tensors must fit. Throws E0906.
 */
export function pictureOf({ input, name }: Sample, channels: number, steps: readonly PreprocessStep[]): Picture {
  if (input.kind === 'image') return withChannels(input.image, channels, steps);
  const [found, height, width] = input.shape;
  if (found !== channels) {
    throw new RuntimeFault('E0906', 'input', `${name} has ${found} channels, but the model's input has ${channels}`);
  }
  const data = new Float32Array(input.values.length);
  const pixels = height * width;
  for (let c = 0; c < channels; c++) {
    for (let pixel = 0; pixel < pixels; pixel++) data[pixel * channels + c] = input.values[c * pixels + pixel] ?? 0;
  }
  return { width, height, channels, data };
}

/** Zeros of the same kind as the picture's data. */
export function zerosLike({ data }: Picture, length: number): Uint8Array | Float32Array {
  return data instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length);
}
