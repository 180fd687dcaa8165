/** What the loader and its worker threads say to one another. */
import { RuntimeFault } from '../errors.ts';
import type { FaultKind, RuntimeCode } from '../errors.ts';
import type { BatchPlace, BatchValues, LoaderSettings } from '../train/loader.ts';
import type { SplitName } from '../train/splits.ts';
import type { SharedCacheMemory } from './shared-cache.ts';
import type { DataOrigin } from './training-data.ts';

/** Given to a worker when it starts. */
export interface WorkerTask {
  readonly origin: DataOrigin;
  readonly split: SplitName;
  readonly settings: LoaderSettings;
  readonly cache: SharedCacheMemory;
}

/** Asks for a batch in the memory that comes along; replies come in the order of the requests. */
export interface BatchRequest {
  readonly place: BatchPlace;
  readonly values: BatchValues;
}

/** The memory comes back in either case, filled or not. */
export interface BatchReply {
  readonly values: BatchValues;
  readonly failure: Failure | undefined;
}

/** An error as it crosses threads, where classes are lost. */
export type Failure =
  | {
      readonly kind: 'fault';
      readonly code: RuntimeCode;
      readonly fault: FaultKind;
      readonly message: string;
      readonly help: string | undefined;
    }
  | { readonly kind: 'error'; readonly message: string };

export function toFailure(error: unknown): Failure {
  if (error instanceof RuntimeFault) {
    return { kind: 'fault', code: error.code, fault: error.kind, message: error.message, help: error.help };
  }
  return { kind: 'error', message: error instanceof Error ? error.message : String(error) };
}

export function fromFailure(failure: Failure): Error {
  if (failure.kind === 'error') return new Error(failure.message);
  return new RuntimeFault(failure.code, failure.fault, failure.message, failure.help);
}

/** The memory of a batch, for transfer. */
export function buffersOf(values: BatchValues): ArrayBuffer[] {
  return Object.values(values).flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : []));
}
