/** Batches of a training run in Node: prepared ahead by worker threads while the device computes. */
import { availableParallelism } from 'node:os';
import { RuntimeFault } from '../errors.ts';
import {
  allocateBatch,
  countBatches,
  countSamples,
  createBatchMaker,
  createLoader,
  defaultCacheBytes,
  preparationOf,
  toBatch,
} from '../train/loader.ts';
import type { Batch, BatchValues, Loader, LoaderSettings, SampleSource } from '../train/loader.ts';
import { settledSize } from '../train/pictures/prepare-sample.ts';
import { createSampleCache } from '../train/sample-cache.ts';
import type { SplitName } from '../train/splits.ts';
import { checkSizes } from './check-sizes.ts';
import { startThread, threadsAvailable } from './loader-threads.ts';
import type { LoaderThread } from './loader-threads.ts';
import type { WorkerTask } from './loader-protocol.ts';
import { once } from './once.ts';
import { allocateSharedCache } from './shared-cache.ts';
import type { TrainingData } from './training-data.ts';

export interface LoaderOptions extends Omit<LoaderSettings, 'shuffle' | 'augment' | 'preprocess'> {
  readonly data: TrainingData;
  readonly split: SplitName;
  /** In training unless told. */
  readonly shuffle?: boolean | undefined;
  readonly augment?: LoaderSettings['augment'] | undefined;
  readonly preprocess?: LoaderSettings['preprocess'] | undefined;
  /** Worker threads: by the machine and the work unless told, 0 for this thread. */
  readonly workers?: number | undefined;
  /** Most bytes of pixels that are kept in memory; 1 GiB unless told. */
  readonly cacheBytes?: number | undefined;
}

/** Batches that each thread may be ahead. */
const ahead = 2;
const mostWorkers = 4;
/** Below this many numbers an epoch is prepared in less time than a thread takes to start. */
const tinyEpoch = 2 ** 22;

/**
 * Opens a split for training or evaluation; the batches are the same for any number of workers. Where threads cannot be
 * started (from TypeScript sources on a Node without type stripping) and for tiny splits, this thread prepares them.
 * Threads open the data once more, so the files must stay until `close`. Throws E0719 for a split that is missing or
 * smaller than a batch, and E0906 and E0714 for samples that do not fit, pictures of many sizes among them (see
 * `checkSizes`); `epoch` throws what reading the data throws.
 */
export async function openLoader(options: LoaderOptions): Promise<Loader> {
  const { data, split, mode, batch, seed, input, target, cacheBytes = defaultCacheBytes } = options;
  const source = data[split];
  if (!source) {
    const message = `the data has no ${split} split`;
    throw new RuntimeFault('E0719', 'input', message, `give it samples: split { ${split} = ... }`);
  }
  const { shuffle = mode === 'train', augment = [], preprocess = [] } = options;
  const { limitBatches } = options;
  const settings: LoaderSettings = { mode, batch, limitBatches, seed, shuffle, augment, preprocess, input, target };
  // Says at once what is wrong with the settings, before any file is looked at.
  createBatchMaker(source, settings, createSampleCache(0));
  const preparation = preparationOf(settings);
  await once(['sizes', data.origin, split, preparation], () => checkSizes(source, preparation));
  const workers = threadsAvailable ? (options.workers ?? defaultWorkers(source, settings)) : 0;
  if (workers === 0) return createLoader(source, settings, createSampleCache(cacheBytes));
  const cache = allocateSharedCache(source.size, Math.min(cacheBytes, neededBytes(source, settings)));
  return threadedLoader(source, settings, workers, { origin: data.origin, split, settings, cache });
}

function defaultWorkers({ size }: SampleSource, { input }: LoaderSettings): number {
  const numbers = input.shape.reduce((product, length) => product * length, size);
  return numbers <= tinyEpoch ? 0 : Math.min(mostWorkers, Math.max(1, availableParallelism() - 1));
}

/** Of all settled samples, each rounded up to the cache's unit; unbounded where pictures differ in size. */
function neededBytes({ size, kind, shape }: SampleSource, settings: LoaderSettings): number {
  if (!shape) return Infinity;
  const { input, target } = settings;
  const { width, height } = settledSize(shape, kind, preparationOf(settings));
  const pixel = input.shape[0] * (kind === 'image' ? 1 : 4) + (target.kind === 'mask' ? 1 : 0);
  return size * (width * height * pixel + 16);
}

function threadedLoader(source: SampleSource, settings: LoaderSettings, workers: number, task: WorkerTask): Loader {
  const stepsPerEpoch = countBatches(source, settings);
  const free: BatchValues[] = [];
  let threads: readonly LoaderThread[] | undefined;
  const request = (epoch: number, index: number): Promise<BatchValues> => {
    threads ??= Array.from({ length: workers }, () => startThread(task));
    const thread = threads.reduce((best, each) => (each.waiting < best.waiting ? each : best));
    return thread.request({ epoch, index }, free.pop() ?? allocateBatch(settings), (values) => free.push(values));
  };
  return {
    stepsPerEpoch,
    samples: countSamples(source, settings),
    epoch: (epoch, fromBatch = 0) =>
      batchesAhead(source, settings, { epoch, fromBatch, stepsPerEpoch }, request, free, workers * ahead),
    async close() {
      await Promise.all((threads ?? []).map((thread) => thread.stop()));
    },
  };
}

/** Keeps up to `most` batches asked for; their memory goes back to `free` when the next one is taken. */
async function* batchesAhead(
  source: SampleSource,
  settings: LoaderSettings,
  at: { readonly epoch: number; readonly fromBatch: number; readonly stepsPerEpoch: number },
  request: (epoch: number, index: number) => Promise<BatchValues>,
  free: BatchValues[],
  most: number,
): AsyncGenerator<Batch> {
  const pending: Promise<BatchValues>[] = [];
  let next = at.fromBatch;
  try {
    for (let index = at.fromBatch; index < at.stepsPerEpoch; index++) {
      while (pending.length < most && next < at.stepsPerEpoch) {
        const asked = request(at.epoch, next++);
        // Looked at when its turn comes; a failure before that is not unhandled.
        asked.catch(() => undefined);
        pending.push(asked);
      }
      const values = await pending.shift();
      if (!values) throw new RangeError(`batch ${index} was not asked for`);
      yield toBatch(source, settings, { epoch: at.epoch, index }, values);
      free.push(values);
    }
  } finally {
    for (const each of await Promise.allSettled(pending)) if (each.status === 'fulfilled') free.push(each.value);
  }
}
