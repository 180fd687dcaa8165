/** What pruning kept of each parameter: enough to cut weights, and to make the pruned graph again from its source. */
import { elementCount, stridesOf, type Tensor } from '../../ir/type.ts';
import { allocate } from '../../ops/rules/storage.ts';

/** By parameter and axis, the indices that are kept, in order; axes that are whole are left out. */
export type ChannelRecord = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;

/** Kept indices by axis. */
export type KeptAxes = ChannelRecord[string];

export const keptShapeOf = (shape: readonly number[], kept: KeptAxes): number[] =>
  shape.map((size, axis) => kept[axis]?.length ?? size);

/** The kept part of a tensor. */
export function keptTensor(tensor: Tensor, kept: KeptAxes): Tensor {
  let current = tensor;
  for (const [axis, indices] of Object.entries(kept)) current = keptAlong(current, Number(axis), indices);
  return current;
}

function keptAlong({ dtype, shape, data }: Tensor, axis: number, indices: readonly number[]): Tensor {
  const size = shape[axis] ?? 1;
  const inner = elementCount(shape.slice(axis + 1));
  const outer = elementCount(shape.slice(0, axis));
  const isSingle = data instanceof Float32Array;
  const count = outer * indices.length * inner;
  const result = isSingle ? new Float32Array(count) : allocate(dtype, count);
  for (let block = 0; block < outer; block++) {
    for (const [place, index] of indices.entries()) {
      const from = (block * size + index) * inner;
      result.set(data.subarray(from, from + inner), (block * indices.length + place) * inner);
    }
  }
  return { dtype, shape: shape.with(axis, indices.length), data: result };
}

/** The tensor of the whole network with zeros where indices are missing: the inverse of `keptTensor`. */
export function restoredTensor(tensor: Tensor, kept: KeptAxes, shape: readonly number[]): Tensor {
  const places = shape.map((size, axis) => kept[axis] ?? Array.from({ length: size }, (_, index) => index));
  const strides = stridesOf(shape);
  const data = new Float32Array(elementCount(shape));
  const coordinates = tensor.shape.map(() => 0);
  for (const value of tensor.data) {
    data[coordinates.reduce((sum, at, axis) => sum + (places[axis]?.[at] ?? 0) * (strides[axis] ?? 1), 0)] = value;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (coordinates[axis] ?? 0) + 1;
      coordinates[axis] = next < (tensor.shape[axis] ?? 1) ? next : 0;
      if (next < (tensor.shape[axis] ?? 1)) break;
    }
  }
  return { dtype: tensor.dtype, shape, data };
}

/** Weights of the pruned network; those that lost nothing are the same objects. */
export const keptWeights = (weights: ReadonlyMap<string, Tensor>, record: ChannelRecord): Map<string, Tensor> =>
  new Map(
    [...weights].map(([name, tensor]) => {
      const kept = record[name];
      return [name, kept ? keptTensor(tensor, kept) : tensor];
    }),
  );

/** Descriptions of parameters with the shapes that they have in the pruned network. */
export const keptParameters = <P extends { readonly name: string; readonly shape: readonly number[] }>(
  parameters: readonly P[],
  record: ChannelRecord,
): P[] =>
  parameters.map((parameter) => {
    const kept = record[parameter.name];
    return kept ? { ...parameter, shape: keptShapeOf(parameter.shape, kept) } : parameter;
  });

/** One record for two prunings in a row: `second` counts in what `first` kept. */
export function composeRecords(first: ChannelRecord | undefined, second: ChannelRecord): ChannelRecord {
  if (!first) return second;
  const names = new Set([...Object.keys(first), ...Object.keys(second)]);
  return Object.fromEntries(
    [...names].map((name) => {
      const [own, later] = [first[name] ?? {}, second[name] ?? {}];
      const axes = new Set([...Object.keys(own), ...Object.keys(later)]);
      const composed = [...axes].map((axis): [string, readonly number[]] => {
        const before = own[axis];
        const kept = later[axis];
        if (!before || !kept) return [axis, before ?? kept ?? []];
        return [axis, kept.map((index) => before[index] ?? index)];
      });
      return [name, Object.fromEntries(composed)];
    }),
  );
}
