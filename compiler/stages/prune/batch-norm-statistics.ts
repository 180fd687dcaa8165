/**
 * Batch norms measured again after pruning: the pooled mean and variance of what each reads, in the training form, in
 * which every norm before it uses the moments of its batch (as torch.optim.swa_utils.update_bn).
 */
import type { HostTensor } from '../../../runtime/host-tensor.ts';
import { makeGraph, type Graph } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { elementCount, type Tensor } from '../../ir/type.ts';
import { dropout } from '../../ops/index.ts';
import { constantNode } from '../../passes/constants.ts';
import { boundModel } from '../../train/bound-model.ts';
import { normalisationsOf, substitute, trainingForm, type Normalisation } from '../../train/training-form.ts';

/** What the graph of a batch measures. */
export interface MomentsGraph {
  readonly graph: Graph;
  /** By output: whose statistics it is, and elements of a channel in one batch. */
  readonly norms: ReadonlyMap<string, { readonly norm: Normalisation; readonly count: number }>;
}

/** Throws a TrainingFault where sizes are open or two norms share their statistics. */
export function momentsGraph(
  graph: Graph,
  weights: ReadonlyMap<string, Tensor>,
  batch: number,
  imageSize: readonly [number, number] | undefined,
): MomentsGraph {
  const { graph: bound } = boundModel({ graph, batch, imageSize });
  const whole = substitute(bound, (node, inputs) => (isOp(node, dropout) ? inputs[0] : undefined));
  const leaf = (name: string) => {
    const tensor = weights.get(name);
    if (!tensor) throw new RangeError(`${name} has no value`);
    return constantNode(tensor, name);
  };
  const known = new Map<string, ReturnType<typeof leaf>>();
  const shared = (name: string) => {
    const node = known.get(name) ?? leaf(name);
    known.set(name, node);
    return node;
  };
  const { moments } = trainingForm(whole, shared, () => {
    throw new RangeError('nothing drops out');
  });
  const norms = new Map<string, { norm: Normalisation; count: number }>();
  const outputs = normalisationsOf(whole).flatMap((norm, index) => {
    const node = moments.get(norm.mean);
    const shape = node?.inputs[0]?.type.shape.map(Number);
    if (!node || !shape) return [];
    norms.set(`moments${index}`, { norm, count: elementCount(shape) / norm.channels });
    return [[`moments${index}`, node] as const];
  });
  return { graph: makeGraph(Object.fromEntries(outputs)), norms };
}

/** Sums over batches for one norm. */
interface Sums {
  readonly means: Float64Array;
  readonly squares: Float64Array;
  readonly variances: Float64Array;
}

export interface StatisticsMeter {
  add(outputs: Readonly<Record<string, HostTensor>>): void;
  /** Running statistics by name: the mean, and the unbiased variance over all batches together. */
  result(batches: number): Map<string, Tensor>;
}

/** Pools moments exactly: the variance of all is the mean of the variances and the variance of the means. */
export function statisticsMeter(norms: MomentsGraph['norms']): StatisticsMeter {
  const sums = new Map<string, Sums>();
  const first = new Map<string, Float64Array>();
  return {
    add: (outputs) => {
      for (const [name, { norm }] of norms) {
        const data = outputs[name]?.data;
        if (!data) throw new RangeError(`the moments of ${norm.mean} were not computed`);
        const { channels } = norm;
        const zeros = (): Float64Array => new Float64Array(channels);
        const own = sums.get(name) ?? { means: zeros(), squares: zeros(), variances: zeros() };
        // Means are counted from those of the first batch, so that no large numbers cancel.
        const start = first.get(name) ?? Float64Array.from(data.subarray(0, channels));
        for (let channel = 0; channel < channels; channel++) {
          const mean = (data[channel] ?? 0) - (start[channel] ?? 0);
          own.means[channel] = (own.means[channel] ?? 0) + mean;
          own.squares[channel] = (own.squares[channel] ?? 0) + mean * mean;
          own.variances[channel] = (own.variances[channel] ?? 0) + (data[channels + channel] ?? 0);
        }
        sums.set(name, own);
        first.set(name, start);
      }
    },
    result: (batches) =>
      new Map(
        [...norms].flatMap(([name, { norm, count }]) => {
          const [own, start] = [sums.get(name), first.get(name)];
          if (!own || !start) return [];
          const shape = [norm.channels];
          const total = count * batches;
          const mean = Float32Array.from(own.means, (sum, channel) => (start[channel] ?? 0) + sum / batches);
          const variance = Float32Array.from(own.variances, (sum, channel) => {
            const shift = (own.means[channel] ?? 0) / batches;
            const biased = sum / batches + (own.squares[channel] ?? 0) / batches - shift * shift;
            return total > 1 ? (biased * total) / (total - 1) : biased;
          });
          return [
            [norm.mean, { dtype: 'f32', shape, data: mean }],
            [norm.variance, { dtype: 'f32', shape, data: variance }],
          ] satisfies [string, Tensor][];
        }),
      ),
  };
}
