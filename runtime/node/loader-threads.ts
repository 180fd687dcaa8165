/** Worker threads that prepare batches, and the memory that travels between them and their owner. */
import { Worker } from 'node:worker_threads';
import { RuntimeFault } from '../errors.ts';
import type { BatchPlace, BatchValues } from '../train/loader.ts';
import { buffersOf, fromFailure } from './loader-protocol.ts';
import type { BatchReply, BatchRequest, WorkerTask } from './loader-protocol.ts';

export interface LoaderThread {
  /** Batches asked for and not there yet. */
  readonly waiting: number;
  /** Fills the memory, which is gone until then. `failed` gets the memory back where nothing could be prepared. */
  request(place: BatchPlace, values: BatchValues, failed: (values: BatchValues) => void): Promise<BatchValues>;
  stop(): Promise<void>;
}

/** Whether a worker can be started: a file of JavaScript, or a Node that takes the types out of TypeScript itself. */
export const threadsAvailable =
  import.meta.url.endsWith('.js') || ('typescript' in process.features && process.features.typescript !== false);

const script = new URL(import.meta.url.endsWith('.js') ? './loader-worker.js' : './loader-worker.ts', import.meta.url);

interface Waiting {
  readonly resolve: (values: BatchValues) => void;
  readonly reject: (error: Error) => void;
  readonly failed: (values: BatchValues) => void;
}

/** Starts a thread. It keeps the process alive only while a batch is asked for. */
export function startThread(task: WorkerTask): LoaderThread {
  const worker = new Worker(script, { workerData: task });
  const queue: Waiting[] = [];
  let ended: Error | undefined;
  worker.unref();
  const fail = (error: Error): void => {
    ended = error;
    for (const { reject } of queue.splice(0)) reject(error);
  };
  worker.on('message', ({ values, failure }: BatchReply) => {
    const first = queue.shift();
    if (queue.length === 0) worker.unref();
    if (failure) first?.failed(values);
    if (failure) first?.reject(fromFailure(failure));
    else first?.resolve(values);
  });
  worker.on('error', (error) => fail(threadFault(error.message)));
  worker.on('exit', () => fail(ended ?? threadFault('it ended by itself')));
  return {
    get waiting() {
      return queue.length;
    },
    request(place, values, failed) {
      if (ended) return Promise.reject(ended);
      return new Promise((resolve, reject) => {
        queue.push({ resolve, reject, failed });
        worker.ref();
        const message: BatchRequest = { place, values };
        worker.postMessage(message, buffersOf(values));
      });
    },
    async stop() {
      ended = threadFault('it was stopped');
      await worker.terminate();
    },
  };
}

function threadFault(reason: string): RuntimeFault {
  return new RuntimeFault('E0999', 'runtime', `a thread that prepares batches failed: ${reason}`);
}
