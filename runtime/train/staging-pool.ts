/** Buffers that the host reads from: one for every read in flight, used again when it is done. */
import { align, usage } from '../buffers.ts';
import { readStaging } from '../guarded.ts';

/** Larger ones, as for whole vectors of state, are not kept. */
const keptBytes = 2 ** 22;

export interface StagingPool {
  /** A buffer of at least so many bytes that nothing else uses. */
  take(bytes: number): GPUBuffer;
  /** Waits for the copy into a buffer, hands over the first bytes of it and takes the buffer back. */
  read<T>(buffer: GPUBuffer, use: (mapped: ArrayBuffer) => T): Promise<T>;
  dispose(): void;
}

export function createStagingPool(device: GPUDevice): StagingPool {
  const free: GPUBuffer[] = [];
  const all = new Set<GPUBuffer>();
  return {
    take: (bytes) => {
      const size = align(bytes);
      const at = free.findIndex((buffer) => buffer.size === size);
      const [known] = at >= 0 ? free.splice(at, 1) : [];
      const buffer = known ?? device.createBuffer({ size, usage: usage.mapRead | usage.copyDst });
      all.add(buffer);
      return buffer;
    },
    read: async (buffer, use) => {
      const result = use(await readStaging(device, buffer));
      buffer.unmap();
      if (buffer.size <= keptBytes) free.push(buffer);
      else {
        all.delete(buffer);
        buffer.destroy();
      }
      return result;
    },
    dispose: () => {
      for (const buffer of all) buffer.destroy();
      all.clear();
      free.length = 0;
    },
  };
}
