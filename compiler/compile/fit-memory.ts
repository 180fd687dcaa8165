/** Decides what a training step recomputes: by the number of segments, or by the memory that it may take. */
import type { Graph } from '../ir/node.ts';
import { recompute } from '../passes/recompute.ts';
import { forwardPart, segmentations, type Segmentation } from '../passes/rules/segments.ts';
import { runPipeline, type PipelineOptions } from '../passes/pipelines.ts';
import { TrainingFault } from '../train/training-fault.ts';

/**
 * `segments` cuts into at most so many, such that they take least memory; `auto` into at most the square root of the
 * number of stored values.
 */
export type Recomputation =
  | { readonly kind: 'auto' }
  | { readonly kind: 'segments'; readonly count: number }
  /** The arena of a step must not take more; it recomputes as little as that allows. */
  | { readonly kind: 'memory'; readonly bytes: number };

/** Outputs of a step that its forward part ends with. */
export const forwardOutputs = ['loss', 'correct'] as const;

/** `arenaOf` gives the bytes of a graph's arena. Throws a TrainingFault where no way to cut is small enough. */
export function recomputed(
  step: Graph,
  setting: Recomputation,
  arenaOf: (graph: Graph) => number,
  options: PipelineOptions = {},
): Graph {
  const part = forwardPart(step, forwardOutputs);
  const choices = segmentations(part);
  const applied = (segmentation: Segmentation): Graph => {
    const run = (graph: Graph): Graph => recompute.run(graph, { forward: forwardOutputs, segmentation });
    return runPipeline(step, [{ ...recompute, run }], options);
  };
  if (setting.kind === 'memory') {
    const leastWorkFirst = choices.toSorted((a, b) => a.work - b.work);
    return firstWithin(setting.bytes, [() => step, ...leastWorkFirst.map((each) => () => applied(each))], arenaOf);
  }
  const most = setting.kind === 'segments' ? setting.count : Math.max(2, Math.round(Math.sqrt(part.stored.size)));
  const allowed = choices.filter(({ count }) => count <= most);
  const [best] = allowed.toSorted((a, b) => a.bytes - b.bytes || a.work - b.work);
  return best ? applied(best) : step;
}

function firstWithin(limit: number, candidates: readonly (() => Graph)[], arenaOf: (graph: Graph) => number): Graph {
  let least = Infinity;
  for (const candidate of candidates) {
    const graph = candidate();
    const bytes = arenaOf(graph);
    if (bytes <= limit) return graph;
    least = Math.min(least, bytes);
  }
  const [needed, missing] = [least, least - limit].map((bytes) => `${(bytes / 2 ** 20).toFixed(2)} MiB`);
  const message = `a step takes at least ${needed ?? ''}, ${missing ?? ''} more than it may`;
  throw new TrainingFault('recompute', message, 'use a smaller batch or smaller images');
}
