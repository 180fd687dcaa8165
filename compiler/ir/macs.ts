/** The work of a graph, as its ops count it. */
import { addDims, type Dim } from './dim.ts';
import { topologicalOrder, type Graph } from './node.ts';

/** Multiply-accumulates of one evaluation of the graph. */
export function macsOf(graph: Graph): Dim {
  let sum: Dim = 0;
  for (const node of topologicalOrder(graph)) {
    const types = node.inputs.map((operand) => operand.type);
    sum = addDims(sum, node.op.macs?.(types, node.type, node.attrs) ?? 0);
  }
  return sum;
}
