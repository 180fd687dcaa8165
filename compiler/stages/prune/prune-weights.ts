/** Unstructured pruning of a staged model: single weights become zero, and masks keep them so. */
import { uniformValues } from '../../../runtime/philox.ts';
import { elementCount, type Tensor } from '../../ir/type.ts';
import { layerWeights, magnitudeMasks, masked } from '../../passes/weight-masks.ts';
import { isExcepted } from '../../train/regularize.ts';
import { learntElements } from './prune-channels.ts';
import type { StagedModel } from '../run/staged-model.ts';
import { isGlobal, PruneFault, type PruneSettings } from './prune-settings.ts';

export interface WeightPlan {
  /** Weights whose elements may go. */
  readonly names: readonly string[];
  /** How many elements go in the end. */
  readonly zeros: number;
}

/** Throws a PruneFault where nothing can go, or less than the target asks for. */
export function planWeights(
  { graph, parameters }: Pick<StagedModel, 'graph' | 'parameters'>,
  { skip, target, maxRatio }: PruneSettings,
): WeightPlan {
  const sizes = new Map(parameters.map(({ name, shape }) => [name, elementCount(shape)]));
  const names = layerWeights(graph).filter((name) => !skip.some((pattern) => isExcepted(pattern, name, 'weight')));
  const counts = names.map((name) => sizes.get(name) ?? 0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) throw new PruneFault('skip', 'no weights are left to go', 'skip less');
  const learnt = learntElements(parameters);
  const { figure, kind, value } = target;
  const zeros = figure === 'share' ? value * total : kind === 'change' ? value * learnt : Math.max(0, learnt - value);
  const most = counts.reduce((sum, count) => sum + Math.floor(maxRatio * count), 0);
  if (Math.ceil(zeros) <= most) return { names, zeros: Math.ceil(zeros) };
  const count = (amount: number): string => Math.floor(amount).toLocaleString('en');
  const message = `pruning cannot remove ${count(zeros)} weights: ${count(most)} of ${count(learnt)} learnt elements may go`;
  throw new PruneFault('target', message, 'ask for less, skip less, or raise `max_ratio` where it is given', 'value');
}

export interface WeightState {
  readonly model: StagedModel;
  /** By weight: 0 where an element is gone, else 1. */
  readonly masks: ReadonlyMap<string, Tensor>;
}

/** Lets more weights go, until the given part of all that is to go is gone. What is gone stays gone. */
export function removeWeights(
  plan: WeightPlan,
  settings: PruneSettings,
  { model, masks }: WeightState,
  part: number,
  gradients: ReadonlyMap<string, Tensor> | undefined,
): WeightState {
  const { maxRatio } = settings;
  const scores = new Map(
    plan.names.flatMap((name, index) => {
      const weight = model.weights.get(name);
      return weight ? [[name, scoresOf(settings, weight, gradients?.get(name), index, masks.get(name))] as const] : [];
    }),
  );
  const found = magnitudeMasks({ scores, isGlobal: isGlobal(settings), maxRatio }, Math.round(part * plan.zeros));
  const shaped = [...found].map(([name, data]): [string, Tensor] => {
    return [name, { dtype: 'f32', shape: model.weights.get(name)?.shape ?? [data.length], data }];
  });
  return { model: { ...model, weights: masked(model.weights, found) }, masks: new Map(shaped) };
}

/** Importance of single weights; those that are gone come first. */
function scoresOf(
  { criterion }: PruneSettings,
  { data }: Tensor,
  gradient: Tensor | undefined,
  stream: number,
  mask: Tensor | undefined,
): Float64Array {
  const drawn = criterion.kind === 'random' ? uniformValues(data.length, criterion.seed, stream, [0, 1]) : undefined;
  return Float64Array.from(data, (value, at) => {
    if (mask?.data[at] === 0) return -1;
    if (drawn) return drawn[at] ?? 0;
    return criterion.kind === 'taylor' ? Math.abs(value * (gradient?.data[at] ?? 0)) : Math.abs(value);
  });
}

/** The share of zeros among the elements of the weights that may lose some. */
export function sparsityOf({ names }: WeightPlan, weights: StagedModel['weights']): number {
  let [zeros, total] = [0, 0];
  for (const name of names) {
    const data = weights.get(name)?.data ?? [];
    total += data.length;
    for (const value of data) if (value === 0) zeros++;
  }
  return total === 0 ? 0 : zeros / total;
}
