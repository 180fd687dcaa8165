/** `simplify`: constant folding, identities and common subexpressions, to a fixpoint. */
import type { Graph, Node } from '../ir/node.ts';
import { rewriteGraph, visitWithRules, type Visit } from '../ir/rewrite.ts';
import type { Pass } from './pass.ts';
import { arithmeticRules } from './rules/arithmetic.ts';
import { derivativeRules } from './rules/derivative.ts';
import { foldConstants } from './rules/fold-constants.ts';
import { movementRules } from './rules/movement.ts';
import { reductionRules } from './rules/reduction.ts';
import { shareNodes } from './rules/share-nodes.ts';
import { storageRules } from './rules/storage.ts';

const name = 'simplify';
const applyRules = visitWithRules([
  ...arithmeticRules,
  ...movementRules,
  ...reductionRules,
  ...derivativeRules,
  ...storageRules,
]);

/** One sweep from the inputs to the outputs: fold, else rewrite, then share what became equal. */
function sweep(fold: Visit): Visit {
  const share = shareNodes();
  return (node: Node, original: Node) => {
    const result = fold(node, original) ?? applyRules(node, original) ?? node;
    return share(result, original) ?? result;
  };
}

/** A sweep already sees rewritten inputs, so that a second one rarely finds anything. */
function run(graph: Graph): Graph {
  const fold = foldConstants();
  let current = graph;
  for (;;) {
    const next = rewriteGraph(current, sweep(fold), name);
    if (next === current) return current;
    current = next;
  }
}

export const simplify: Pass = {
  name,
  summary: 'fold constants, drop identities and share common subexpressions',
  run,
};
