/** Batches of a split: their order, their tensors, and a loader that prepares them in this thread. */
import type { PreprocessStep } from '../artifact.ts';
import { RuntimeFault } from '../errors.ts';
import type { HostTensor } from '../host-tensor.ts';
import { inLanes } from '../lanes.ts';
import { drawMixing, mixImages } from './pictures/mixup.ts';
import { checkChannels, checkSampleSize, createPreparer } from './pictures/prepare-sample.ts';
import type { Preparation } from './pictures/prepare-sample.ts';
import { permutation, purposes, randomStream } from './random-stream.ts';
import type { Augment } from './recipe.ts';
import { createSampleCache } from './sample-cache.ts';
import type { SampleCache } from './sample-cache.ts';
import type { LabelledPicture, Sample } from './sample.ts';

/** Pixels kept in memory by each loader, unless told. */
export const defaultCacheBytes = 2 ** 30;

/** A part of a dataset. */
export interface SampleSource {
  /** As messages name it. */
  readonly name: string;
  readonly size: number;
  readonly kind: 'image' | 'tensor';
  /** `[channels, height, width]`; undefined where pictures differ in size. */
  readonly shape: readonly [number, number, number] | undefined;
  /** The files of a sample's picture and mask, where it has some of its own. */
  filesOf?(position: number): readonly string[];
  /** Index in the whole dataset: augmentation follows it, so that it does not depend on the split. */
  indexOf(position: number): number;
  read(position: number): Promise<Sample>;
}

export interface LoaderSettings {
  /** Training leaves the incomplete last batch out; evaluation fills it up with samples that do not count. */
  readonly mode: 'train' | 'evaluate';
  readonly batch: number;
  /** Only so many batches of each epoch, all where it is absent. */
  readonly limitBatches?: number | undefined;
  readonly seed: number;
  /** Whether every epoch has an order of its own; the order of the data otherwise. */
  readonly shuffle: boolean;
  readonly augment: readonly Augment[];
  readonly preprocess: readonly PreprocessStep[];
  /** Name and `[channels, height, width]` of the model's input. */
  readonly input: { readonly name: string; readonly shape: readonly [number, number, number] };
  readonly target: { readonly kind: 'class' | 'mask'; readonly ignore?: number | undefined };
}

export interface Batch {
  readonly epoch: number;
  /** From 0 in every epoch. */
  readonly index: number;
  /** Samples that count: all, or fewer in the last batch of an evaluation. */
  readonly count: number;
  /**
   * Inputs of the step: the image `[B, C, H, W]`, `labels` `[B]` or `[B, H, W]`; with mixup `labels2` and `lambda`
   * `[1, 1]`; in evaluation `valid` `[B]`. Their memory is used again once the next batch is asked for.
   */
  readonly inputs: Readonly<Record<string, HostTensor>>;
}

export interface Loader {
  readonly stepsPerEpoch: number;
  /** Samples that count in an epoch. */
  readonly samples: number;
  /** The batches of an epoch from one on: the same whatever was loaded before. One epoch at a time. */
  epoch(epoch: number, fromBatch?: number): AsyncIterable<Batch>;
  close(): Promise<void>;
}

/** The values of a batch by the names of its tensors. */
export type BatchValues = Readonly<Record<string, Float32Array>>;

/** Batches in an epoch. Throws E0719 for a training split that does not fill one. */
export function countBatches({ name, size }: Pick<SampleSource, 'name' | 'size'>, settings: LoaderSettings): number {
  const { mode, batch, limitBatches = Infinity } = settings;
  if (mode === 'evaluate' ? size > 0 : size >= batch)
    return Math.min(limitBatches, mode === 'train' ? Math.floor(size / batch) : Math.ceil(size / batch));
  const message =
    size === 0 ? `${name} has no samples` : `${name} has ${size} samples, fewer than one batch of ${batch}`;
  throw new RuntimeFault('E0719', 'input', message, size === 0 ? undefined : `set batch to ${size} or less`);
}

/** Samples that count in an epoch. */
export function countSamples({ size }: Pick<SampleSource, 'size'>, settings: LoaderSettings): number {
  const { mode, batch, limitBatches = Infinity } = settings;
  return Math.min(limitBatches * batch, mode === 'train' ? size - (size % batch) : size);
}

/** The tensors of a batch with their shapes. */
export function tensorShapes(settings: LoaderSettings): Readonly<Record<string, readonly number[]>> {
  const { mode, batch, input, target } = settings;
  const [, height, width] = input.shape;
  const labels = target.kind === 'class' ? [batch] : [batch, height, width];
  const mixes = mode === 'train' && settings.augment.some(({ kind }) => kind === 'mixup');
  return {
    [input.name]: [batch, ...input.shape],
    labels,
    ...(mixes ? { labels2: labels, lambda: [1, 1] } : {}),
    ...(mode === 'evaluate' ? { valid: [batch] } : {}),
  };
}

/** Memory for one batch. */
export function allocateBatch(settings: LoaderSettings): BatchValues {
  return Object.fromEntries(
    Object.entries(tensorShapes(settings)).map(([name, shape]) => [
      name,
      new Float32Array(shape.reduce((product, size) => product * size, 1)),
    ]),
  );
}

/** A batch around its values. */
export function toBatch(source: SampleSource, settings: LoaderSettings, at: BatchPlace, values: BatchValues): Batch {
  const shapes = tensorShapes(settings);
  const inputs = Object.fromEntries(
    Object.entries(values).map(([name, data]) => [name, { shape: shapes[name] ?? [], data }]),
  );
  return { ...at, count: Math.min(settings.batch, source.size - at.index * settings.batch), inputs };
}

export interface BatchPlace {
  readonly epoch: number;
  readonly index: number;
}

/** Fills batches; the same values for the same place in whatever order they are asked for. */
export type BatchMaker = (at: BatchPlace, values: BatchValues) => Promise<void>;

/** How the samples of a loader become inputs. */
export function preparationOf({ mode, input, preprocess, augment, target }: LoaderSettings): Preparation {
  return { shape: input.shape, preprocess, augment: mode === 'train' ? augment : [], ignore: target.ignore };
}

/** Throws E0719 and E0906 at once for what can be known. */
export function createBatchMaker(source: SampleSource, settings: LoaderSettings, cache: SampleCache): BatchMaker {
  countBatches(source, settings);
  const { input, target, batch, seed } = settings;
  const preparation = preparationOf(settings);
  const { augment } = preparation;
  const preparer = createPreparer(preparation);
  checkChannels(source, input.shape[0]);
  if (source.shape) checkSampleSize(source.shape, source.kind, preparation, source.name);
  const mixup = augment.find((each) => each.kind === 'mixup');
  const orderOf = epochOrders(source.size, settings);
  const settle = async (position: number): Promise<LabelledPicture> => {
    const kept = cache.get(position);
    if (kept) return kept;
    const settled = preparer.settle(checkKind(await source.read(position), target.kind));
    cache.put(position, settled);
    return settled;
  };
  let unmixed: Float32Array | undefined;
  return async (at, values) => {
    const positions = batchPositions(orderOf(at.epoch), at.index, batch);
    const samples = await inLanes(positions, lanes, settle);
    const { [input.name]: image, labels, labels2, lambda, valid } = values;
    if (!image || !labels) throw new RangeError(`a batch has no ${input.name} or no labels`);
    if (mixup) unmixed ??= new Float32Array(image.length);
    const images = mixup && unmixed ? unmixed : image;
    const [pixels, classes] = [images.length / batch, labels.length / batch];
    for (const [slot, sample] of samples.entries()) {
      const draw = { seed, epoch: at.epoch, index: source.indexOf(positions[slot] ?? 0) };
      const planes = images.subarray(slot * pixels, (slot + 1) * pixels);
      preparer.finish(sample, draw, planes, labels.subarray(slot * classes, (slot + 1) * classes));
      if (valid) valid[slot] = at.index * batch + slot < source.size ? 1 : 0;
    }
    if (mixup && labels2 && lambda) {
      const mixing = drawMixing(batch, mixup.alpha, seed, at.epoch, at.index);
      mixImages(images, image, mixing);
      for (const [slot, partner] of mixing.partners.entries()) {
        labels2.set(labels.subarray(partner * classes, (partner + 1) * classes), slot * classes);
      }
      lambda[0] = mixing.lambda;
    }
  };
}

/** Pictures decoded at once: enough to keep decoders busy, few enough that large ones fit into memory. */
const lanes = 4;

function checkKind(sample: Sample, wanted: 'class' | 'mask'): Sample {
  if (sample.target.kind === wanted) return sample;
  const words = { class: 'a class', mask: 'a mask' };
  const message = `${sample.name} has ${words[sample.target.kind]}, but the loss needs ${words[wanted]}`;
  throw new RuntimeFault('E0714', 'input', message);
}

/** Positions in the split; behind the last sample they begin again with the first. */
function batchPositions(order: Uint32Array, index: number, batch: number): readonly number[] {
  return Array.from({ length: batch }, (_, slot) => order[(index * batch + slot) % order.length] ?? 0);
}

/** The order of each epoch; the last one is kept. */
function epochOrders(size: number, { shuffle, seed }: LoaderSettings): (epoch: number) => Uint32Array {
  let last: { readonly epoch: number; readonly order: Uint32Array } | undefined;
  const straight = Uint32Array.from({ length: size }, (_, position) => position);
  return (epoch) => {
    if (!shuffle) return straight;
    if (last?.epoch !== epoch)
      last = { epoch, order: permutation(size, randomStream(seed, purposes.shuffle, epoch, 0)) };
    return last.order;
  };
}

/**
 * Prepares batches in this thread when they are asked for, while the device computes the batch before. Throws E0719 for
 * a split without a batch, E0906 for samples that do not fit the model, and what reading a sample throws.
 */
export function createLoader(
  source: SampleSource,
  settings: LoaderSettings,
  cache: SampleCache = createSampleCache(defaultCacheBytes),
): Loader {
  const make = createBatchMaker(source, settings, cache);
  const stepsPerEpoch = countBatches(source, settings);
  const values = allocateBatch(settings);
  return {
    stepsPerEpoch,
    samples: countSamples(source, settings),
    async *epoch(epoch, fromBatch = 0) {
      for (let index = fromBatch; index < stepsPerEpoch; index++) {
        await make({ epoch, index }, values);
        yield toBatch(source, settings, { epoch, index }, values);
      }
    },
    close: () => Promise.resolve(),
  };
}
