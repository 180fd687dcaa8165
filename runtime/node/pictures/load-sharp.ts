/** The decoder of pictures, loaded where one is read. */
import type { SharpOptions } from 'sharp';
import { RuntimeFault } from '../../errors.ts';

type Sharp = (typeof import('sharp'))['default'];

let loading: Promise<Sharp> | undefined;

/** Loads sharp once in each thread. Throws E0912 where its parts for this machine are not installed. */
export function loadSharp(): Promise<Sharp> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Sharp> {
  try {
    const { default: sharp } = await import('sharp');
    // Every picture is decoded once: caches would only take memory. Threads are those of the callers.
    sharp.cache(false);
    sharp.concurrency(1);
    return sharp;
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    const message = `the decoder of pictures cannot be loaded: ${reason}`;
    throw new RuntimeFault(
      'E0912',
      'environment',
      message,
      'install it for this machine: npm install --include=optional sharp',
    );
  }
}

/**
 * What a file holds, as it is: no profile applied, rows as they lie, the first frame or page; anything that is not
 * whole is an error, not a grey area. Sizes are checked before anything is decoded.
 */
export const decodingOptions: SharpOptions = {
  failOn: 'warning',
  ignoreIcc: true,
  autoOrient: false,
  sequentialRead: true,
  limitInputPixels: false,
};
