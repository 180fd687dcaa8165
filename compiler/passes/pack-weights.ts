/** `pack-weights`: a weight that is computed or learned is brought on the device into the order that kernels read. */
import { isConstant } from '../ir/leaves.ts';
import { makeNode, type Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import { rewriteGraph, type Visit } from '../ir/rewrite.ts';
import { packWeights } from '../ops/index.ts';
import { packedFormOf } from '../ops/rules/packed-form.ts';
import type { Pass } from './pass.ts';

const name = 'pack-weights';

function pack(node: Node): Node | undefined {
  const [x, weight, ...rest] = node.inputs;
  const attrs = packedFormOf(node);
  if (!attrs || !x || !weight || isConstant(weight) || isOp(weight, packWeights)) return undefined;
  return makeNode(node.op, [x, makeNode(packWeights, [weight], attrs, weight.origin), ...rest], node.attrs);
}

/** Layers that share a weight, as a convolution and the gradient of another's input may, share what is packed. */
function share(): Visit {
  const seen = new Map<Node, Map<string, Node>>();
  return (node) => {
    const [weight] = node.inputs;
    if (!isOp(node, packWeights) || !weight) return undefined;
    const forms = seen.get(weight) ?? new Map<string, Node>();
    seen.set(weight, forms);
    const key = `${node.attrs.form} ${node.attrs.groups}`;
    const first = forms.get(key) ?? node;
    forms.set(key, first);
    return first;
  };
}

export const packWeightsPass: Pass = {
  name,
  summary: 'pack weights that are not constant where they are used',
  run: (graph) => rewriteGraph(rewriteGraph(graph, pack, name), share(), name),
};
