/** Unstructured pruning: which single weights of layers become zero (Han et al. 2015; Zhu and Gupta 2017). */
import { isParameter } from '../ir/leaves.ts';
import { topologicalOrder, type Graph } from '../ir/node.ts';
import type { Tensor } from '../ir/type.ts';

/** Names of the weights of layers, which alone are pruned, in the order of the graph. */
export function layerWeights(graph: Graph): string[] {
  const names = topologicalOrder(graph).flatMap(({ op, inputs }) => {
    const weight = op.traits?.kind === 'layer' ? inputs[1] : undefined;
    return weight && isParameter(weight) ? [weight.attrs.name] : [];
  });
  return [...new Set(names)];
}

export interface MaskOptions {
  /** Magnitude of each element by weight; the smallest go. */
  readonly scores: ReadonlyMap<string, Float64Array>;
  /** One ranking of all elements; otherwise every weight loses the same share. */
  readonly isGlobal: boolean;
  /** The largest share of its elements that a weight may lose. */
  readonly maxRatio: number;
}

/** Elements of a weight from the least to the most important; of equals the first. */
const ascending = (scores: Float64Array): Uint32Array =>
  Uint32Array.from(scores.keys()).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0) || a - b);

/**
 * Masks with `count` zeros in all: 0 for elements that go, else 1. Fewer where `maxRatio` holds more back; of a local
 * ranking each weight loses its share, rounded down, and the rest in the order of the weights.
 */
export function magnitudeMasks({ scores, isGlobal, maxRatio }: MaskOptions, count: number): Map<string, Float32Array> {
  const orders = [...scores].map(([name, own]) => {
    const allowed = Math.floor(maxRatio * own.length);
    return { name, own, order: ascending(own).subarray(0, allowed) };
  });
  const taken = isGlobal ? globalCounts(orders, count) : localCounts(orders, count);
  return new Map(
    orders.map(({ name, own, order }, at) => {
      const mask = new Float32Array(own.length).fill(1);
      for (const element of order.subarray(0, taken[at])) mask[element] = 0;
      return [name, mask];
    }),
  );
}

interface Order {
  readonly own: Float64Array;
  readonly order: Uint32Array;
}

/** How many each weight loses to the threshold that takes `count` in all; equals at it in the order of the weights. */
function globalCounts(orders: readonly Order[], count: number): number[] {
  const all = orders.flatMap(({ own, order }) => [Float64Array.from(order, (element) => own[element] ?? 0)]);
  const sorted = new Float64Array(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    sorted.set(part, at);
    at += part.length;
  }
  sorted.sort();
  const threshold = count > 0 ? (sorted[Math.min(count, sorted.length) - 1] ?? -Infinity) : -Infinity;
  const below = all.map((part) => firstIndex(part, (score) => score >= threshold));
  let left = Math.min(count, sorted.length) - below.reduce((sum, each) => sum + each, 0);
  return all.map((part, index) => {
    const start = below[index] ?? 0;
    const equal = Math.min(left, firstIndex(part, (score) => score > threshold) - start);
    left -= equal;
    return start + equal;
  });
}

/** The first index of an ascending list at which something holds, which then holds for all behind it. */
function firstIndex(list: Float64Array, holds: (value: number) => boolean): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(list[middle] ?? 0)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function localCounts(orders: readonly Order[], count: number): number[] {
  const total = orders.reduce((sum, { own }) => sum + own.length, 0);
  const counts = orders.map(({ own, order }) => Math.min(order.length, Math.floor((count / total) * own.length)));
  let left = count - counts.reduce((sum, each) => sum + each, 0);
  return counts.map((each, index) => {
    const more = Math.min(left, (orders[index]?.order.length ?? 0) - each);
    left -= more;
    return each + more;
  });
}

/** Weights with zeros where their masks are. */
export const masked = (
  weights: ReadonlyMap<string, Tensor>,
  masks: ReadonlyMap<string, Float32Array>,
): Map<string, Tensor> =>
  new Map(
    [...weights].map(([name, tensor]): [string, Tensor] => {
      const mask = masks.get(name);
      if (!mask) return [name, tensor];
      // Not a product: a masked element is zero whatever it was, also NaN and negative zero.
      const data = Float32Array.from(tensor.data, (value, at) => (mask[at] === 0 ? 0 : value));
      return [name, { ...tensor, data }];
    }),
  );
