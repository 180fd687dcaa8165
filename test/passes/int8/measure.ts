/** Ranges of a graph's points on given inputs, from the interpreter. */
import { evaluateGraph } from '../../../compiler/ir/evaluate.ts';
import type { Graph } from '../../../compiler/ir/node.ts';
import type { Tensor } from '../../../compiler/ir/type.ts';
import { planInt8, type PlanOptions } from '../../../compiler/passes/int8/plan.ts';
import { union, type Range } from '../../../compiler/passes/int8/scales.ts';

export function measureRanges(
  graph: Graph,
  batches: readonly Readonly<Record<string, Tensor>>[],
  options: PlanOptions = {},
): Record<string, Range> {
  const keys = new Map(planInt8(graph, options).points.map(({ key, node }) => [node, key]));
  const ranges: Record<string, Range> = {};
  const onValue = (key: string, { data }: Tensor): void => {
    let range: Range = { min: Infinity, max: -Infinity };
    for (const x of data) range = union(range, { min: x, max: x });
    ranges[key] = union(ranges[key] ?? range, range);
  };
  for (const inputs of batches) {
    evaluateGraph(graph, inputs, { onValue: (node, value) => keys.has(node) && onValue(keys.get(node) ?? '', value) });
  }
  return ranges;
}

/** Signal to quantization noise in decibels. */
export function sqnr(wanted: ArrayLike<number>, actual: ArrayLike<number>): number {
  let [signal, noise] = [0, 0];
  for (let at = 0; at < wanted.length; at++) {
    signal += (wanted[at] ?? 0) ** 2;
    noise += ((wanted[at] ?? 0) - (actual[at] ?? 0)) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}
