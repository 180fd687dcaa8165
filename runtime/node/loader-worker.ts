/** A worker thread of the loader: opens the data once more and prepares the batches that it is asked for, in order. */
import { parentPort, workerData } from 'node:worker_threads';
import { createBatchMaker } from '../train/loader.ts';
import type { BatchMaker } from '../train/loader.ts';
import { buffersOf, toFailure } from './loader-protocol.ts';
import type { BatchReply, BatchRequest, Failure, WorkerTask } from './loader-protocol.ts';
import { openSharedCache } from './shared-cache.ts';
import { reopenSplits } from './training-data.ts';

async function open({ origin, split, settings, cache }: WorkerTask): Promise<BatchMaker> {
  const source = (await reopenSplits(origin))[split];
  if (!source) throw new RangeError(`the data has no ${split} split any more`);
  return createBatchMaker(source, settings, openSharedCache(cache));
}

async function attempt(action: () => Promise<void>): Promise<Failure | undefined> {
  try {
    await action();
    return undefined;
  } catch (error) {
    return toFailure(error);
  }
}

const task: WorkerTask = workerData;
let maker: Promise<BatchMaker> | undefined;
let last: Promise<void> = Promise.resolve();

async function serve({ place, values }: BatchRequest): Promise<void> {
  maker ??= open(task);
  const making = maker;
  const reply: BatchReply = { values, failure: await attempt(async () => (await making)(place, values)) };
  parentPort?.postMessage(reply, buffersOf(values));
}

parentPort?.on('message', (request: BatchRequest) => {
  last = last.then(() => serve(request));
});
