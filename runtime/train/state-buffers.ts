/** Between the tensors of a training state and the flat vectors that hold them on the device. */
import { usage, type StateBuffers } from '../buffers.ts';
import { RuntimeFault } from '../errors.ts';
import type { HostTensor } from '../host-tensor.ts';
import { packInto, unpack, type ConcreteLayout } from '../layout.ts';
import type { StateTensorInfo, StateVectorEntry } from './training-artifact.ts';

const fault = (message: string): RuntimeFault => new RuntimeFault('E0906', 'input', message);

/** Throws E0902 where a vector is larger than a buffer of the device may be. */
export function createStateBuffers(device: GPUDevice, vectors: readonly StateVectorEntry[]): StateBuffers {
  const limit = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
  return new Map(
    vectors.map(({ name, bytes }) => {
      if (bytes > limit) {
        const message = `the state ${name} takes ${bytes} bytes, the device binds at most ${limit}`;
        throw new RuntimeFault('E0902', 'environment', message);
      }
      const flags = usage.storage | usage.copySrc | usage.copyDst;
      return [name, device.createBuffer({ label: name, size: bytes, usage: flags })];
    }),
  );
}

/** Storage order is the device's layout without borders; a vector `[c]` counts as `[1, c]`. */
function layoutOf({ shape, offset }: StateTensorInfo): ConcreteLayout {
  const [batch = 1, channels = 1, ...rest] = shape.length < 2 ? [1, ...shape] : shape;
  const width = rest.reduce((product, size) => product * size, 1);
  const pixelStride = Math.ceil(channels / 4) * 4;
  const sizes = { batch, channels, height: 1, width, rows: 1, columns: width };
  return { ...sizes, top: 0, left: 0, isInteger: false, pixelStride, firstChannel: offset };
}

/** The tensors of a vector, from its elements. */
export const unpackVector = ({ tensors }: StateVectorEntry, flat: Float32Array): [string, HostTensor][] =>
  tensors.map((tensor) => [tensor.name, { shape: tensor.shape, data: unpack(flat, layoutOf(tensor)) }]);

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
    packInto(flat, given.data, layoutOf(tensor));
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
