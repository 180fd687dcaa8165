/** Static figures of a built model. */
import { addDims, evaluateDim, symbolsOf, type Dim } from '../ir/dim.ts';
import { topologicalOrder, type Graph } from '../ir/node.ts';
import { elementCount } from '../ir/type.ts';
import type { BuiltModel } from './build-ir.ts';

export interface Cost {
  /** Trainable elements, as `sum(p.numel() for p in model.parameters())` counts them in PyTorch. */
  readonly parameters: number;
  /** Multiply-accumulates of one sample; undefined while a size other than the batch is symbolic. */
  readonly macs: number | undefined;
}

/** Multiply-accumulates of one evaluation of the graph. */
export function macsOf(graph: Graph): Dim {
  let sum: Dim = 0;
  for (const node of topologicalOrder(graph)) {
    const types = node.inputs.map((operand) => operand.type);
    sum = addDims(sum, node.op.macs?.(types, node.type, node.attrs) ?? 0);
  }
  return sum;
}

export function costOf({ graph, parameters, inputs }: BuiltModel): Cost {
  const trainable = parameters.filter((parameter) => parameter.trainable);
  const count = trainable.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const batches = inputs.flatMap(({ type }) => symbolsOf(type.shape[0] ?? 1));
  const macs = graph && macsOf(graph);
  const isKnown = macs !== undefined && symbolsOf(macs).every((symbol) => batches.includes(symbol));
  const one = Object.fromEntries(batches.map((symbol) => [symbol, 1]));
  return { parameters: count, macs: isKnown ? evaluateDim(macs, one) : undefined };
}
