/** Settled samples in memory, so that no file is decoded twice. */
import type { LabelledPicture } from './sample.ts';

export interface SampleCache {
  /** By position in the split. */
  get(position: number): LabelledPicture | undefined;
  /** Keeps a sample while there is room. */
  put(position: number, sample: LabelledPicture): void;
}

/** A cache of up to `limit` bytes of this thread's memory. */
export function createSampleCache(limit: number): SampleCache {
  const samples = new Map<number, LabelledPicture>();
  let bytes = 0;
  return {
    get: (position) => samples.get(position),
    put(position, sample) {
      const size = sampleBytes(sample);
      if (samples.has(position) || bytes + size > limit) return;
      bytes += size;
      samples.set(position, sample);
    },
  };
}

/** Bytes of pixels of a sample. */
export function sampleBytes({ picture, target }: LabelledPicture): number {
  return picture.data.byteLength + (target.kind === 'mask' ? target.mask.data.byteLength : 0);
}
