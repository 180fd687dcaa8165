/** How much each class of channels matters, from its weights and gradients alone (Torch-Pruning's group importance). */
import { isParameter } from '../../ir/leaves.ts';
import { topologicalOrder, type Graph } from '../../ir/node.ts';
import { elementCount, type Tensor } from '../../ir/type.ts';
import type { ChannelAnalysis, ChannelClass } from './analyze.ts';

export type Criterion =
  /** Mean over the weights and scales of a class of the sum of |w| (`l1`) or w^2 (`l2`) over the slice. */
  | { readonly kind: 'l1' | 'l2' }
  /** Mean |gamma| of the batch norms and group norms of a class (Liu et al. 2017, "Network Slimming"). */
  | { readonly kind: 'bn_scale' }
  /**
   * Mean over the slices of all that is learnt in a class of the sum of |w * dL/dw|: how the loss changes, to first
   * order, without single weights (Molchanov et al. 2017). Summed with their signs, the products of a trained network
   * come to nearly nothing, because its gradient is nearly zero.
   */
  | { readonly kind: 'taylor' }
  /** `draw` gives so many numbers from 0 to 1. */
  | { readonly kind: 'random'; readonly draw: (count: number) => ArrayLike<number> };

export interface LearntTensors {
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Of the loss by each parameter that is learnt; `taylor` needs them. */
  readonly gradients?: ReadonlyMap<string, Tensor> | undefined;
}

type Role = 'weight' | 'scale' | 'other';

/** What each parameter is to the op that reads it. */
function rolesOf(graph: Graph): Map<string, Role> {
  const roles = new Map<string, Role>();
  for (const { op, inputs } of topologicalOrder(graph)) {
    const second = inputs[1];
    if (!second || !isParameter(second)) continue;
    if (op.traits?.kind === 'layer') roles.set(second.attrs.name, 'weight');
    else if (op.traits?.scalesChannels) roles.set(second.attrs.name, 'scale');
  }
  return roles;
}

/** The sum of a function over each slice along an axis. */
function sliceSums({ shape, data }: Tensor, axis: number, of: (value: number, at: number) => number): Float64Array {
  const size = shape[axis] ?? 1;
  const inner = elementCount(shape.slice(axis + 1));
  const sums = new Float64Array(size);
  for (let at = 0; at < data.length; at++) {
    const index = Math.floor(at / inner) % size;
    sums[index] = (sums[index] ?? 0) + of(data[at] ?? 0, at);
  }
  return sums;
}

const measures: Readonly<Record<'l1' | 'l2' | 'bn_scale', (value: number) => number>> = {
  l1: Math.abs,
  l2: (value) => value * value,
  bn_scale: Math.abs,
};

/** Sums over slices, each computed once. */
function memoized(sums: (name: string, axis: number) => Float64Array | undefined) {
  const known = new Map<string, Float64Array | undefined>();
  return (name: string, axis: number): Float64Array | undefined => {
    const key = `${axis}:${name}`;
    if (!known.has(key)) known.set(key, sums(name, axis));
    return known.get(key);
  };
}

/** The mean over the slices of a class, one a parameter and axis however many indices it has; NaN of none. */
function meanOfSlices(
  { members }: ChannelClass,
  sumsOf: (name: string, axis: number) => Float64Array | undefined,
): number {
  const slices = new Map<string, number>();
  for (const { parameter, axis, index } of members) {
    const sum = sumsOf(parameter.attrs.name, axis)?.[index];
    if (sum === undefined) continue;
    const key = `${axis}:${parameter.attrs.name}`;
    slices.set(key, (slices.get(key) ?? 0) + sum);
  }
  return [...slices.values()].reduce((sum, value) => sum + value, 0) / slices.size;
}

/**
 * A score for each class, by its id; NaN where the criterion says nothing of a class, as `bn_scale` of one that no norm
 * scales. Throws a RangeError where `taylor` is asked for without gradients.
 */
export function channelImportance(
  analysis: ChannelAnalysis,
  criterion: Criterion,
  { weights, gradients }: LearntTensors,
): Float64Array {
  const { classes, graph } = analysis;
  const { kind } = criterion;
  if (kind === 'random') return Float64Array.from(criterion.draw(classes.length));
  if (kind === 'taylor') {
    if (!gradients) throw new RangeError('taylor needs gradients');
    return taylorImportance(classes, weights, gradients);
  }
  const roles = rolesOf(graph);
  const wanted: readonly Role[] = kind === 'bn_scale' ? ['scale'] : ['weight', 'scale'];
  const sumsOf = memoized((name, axis) => {
    const tensor = weights.get(name);
    return tensor && wanted.includes(roles.get(name) ?? 'other') ? sliceSums(tensor, axis, measures[kind]) : undefined;
  });
  return Float64Array.from(classes, (each) => meanOfSlices(each, sumsOf));
}

function taylorImportance(
  classes: readonly ChannelClass[],
  weights: ReadonlyMap<string, Tensor>,
  gradients: ReadonlyMap<string, Tensor>,
): Float64Array {
  const sumsOf = memoized((name, axis) => {
    const [weight, gradient] = [weights.get(name), gradients.get(name)];
    if (!weight || !gradient) return undefined;
    return sliceSums(weight, axis, (value, at) => Math.abs(value * (gradient.data[at] ?? 0)));
  });
  return Float64Array.from(classes, (each) => meanOfSlices(each, sumsOf));
}
