/** Between the tensors of a training state and the flat vectors that hold them on the device. */
import { usage, type StateBuffers } from '../buffers.ts';
import { RuntimeFault } from '../errors.ts';
import type { HostTensor } from '../host-tensor.ts';
import { packInto, unpack } from '../layout.ts';
import { storageOf, type StateVectorEntry } from './training-artifact.ts';

const fault = (message: string): RuntimeFault => new RuntimeFault('E0906', 'input', message);

/** Throws E0902 where a vector is larger than a buffer of the device may be, before there is any. */
export function createStateBuffers(device: GPUDevice, vectors: readonly StateVectorEntry[]): StateBuffers {
  const limit = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
  const large = vectors.find(({ bytes }) => bytes > limit);
  if (large) {
    const message = `the state ${large.name} takes ${large.bytes} bytes, the device binds at most ${limit}`;
    throw new RuntimeFault('E0902', 'environment', message);
  }
  const flags = usage.storage | usage.copySrc | usage.copyDst;
  return new Map(
    vectors.map(({ name, bytes }) => [name, device.createBuffer({ label: name, size: bytes, usage: flags })]),
  );
}

/** The tensors of a vector, from its elements. */
export const unpackVector = ({ tensors }: StateVectorEntry, flat: Float32Array): [string, HostTensor][] =>
  tensors.map((tensor) => [tensor.name, { shape: tensor.shape, data: unpack(flat, storageOf(tensor)) }]);

/** The elements of a vector, from its tensors; those that are absent are zero. Throws E0906 where one does not fit. */
export function packVector(vector: StateVectorEntry, tensors: ReadonlyMap<string, HostTensor>): Float32Array {
  const flat = new Float32Array(vector.floats);
  for (const tensor of vector.tensors) {
    const given = tensors.get(tensor.name);
    if (!given) continue;
    const count = tensor.shape.reduce((product, size) => product * size, 1);
    if (given.shape.join() !== tensor.shape.join() || given.data.length !== count) {
      const shapes = [given.shape, tensor.shape].map((shape) => `[${shape.join(', ')}]`);
      throw fault(`the state tensor ${tensor.name} is ${shapes[0]} of ${given.data.length} values, not ${shapes[1]}`);
    }
    packInto(flat, given.data, storageOf(tensor));
  }
  return flat;
}

/**
 * The vectors that some tensors make up. Throws E0906 for a name that no vector has, and for a vector of which only
 * some tensors are given.
 */
export function vectorsOf(
  vectors: readonly StateVectorEntry[],
  tensors: ReadonlyMap<string, HostTensor>,
): StateVectorEntry[] {
  const known = new Set(vectors.flatMap((vector) => vector.tensors.map(({ name }) => name)));
  const stranger = [...tensors.keys()].find((name) => !known.has(name));
  if (stranger !== undefined) throw fault(`the training state has no tensor ${stranger}`);
  return vectors.filter((vector) => {
    const missing = vector.tensors.filter(({ name }) => !tensors.has(name));
    if (missing.length > 0 && missing.length < vector.tensors.length) {
      throw fault(`the tensor ${missing[0]?.name} of the state ${vector.name} is missing`);
    }
    return vector.tensors.length > 0 && missing.length === 0;
  });
}
