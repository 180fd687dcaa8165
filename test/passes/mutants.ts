/** Deliberately wrong variants of passes: each must be caught by the check that guards the real ones. */
import { shapesEqual } from '../../compiler/ir/dim.ts';
import { isConstant } from '../../compiler/ir/leaves.ts';
import { makeGraph, makeNode, topologicalOrder, type Graph, type Node } from '../../compiler/ir/node.ts';
import { isOp, type Attrs, type Op } from '../../compiler/ir/op.ts';
import { rewriteGraph, visitWithRules, type Rule } from '../../compiler/ir/rewrite.ts';
import * as all from '../../compiler/ops/all.ts';
import { bodyResult } from '../../compiler/ops/fused.ts';
import { constantNode } from '../../compiler/passes/constants.ts';
import { foldBatchNorm } from '../../compiler/passes/fold-batch-norm.ts';
import { fuseConv } from '../../compiler/passes/fuse-conv.ts';
import { fuseElementwise } from '../../compiler/passes/fuse-elementwise.ts';
import { rule } from '../../compiler/passes/rules/rule.ts';
import { simplify } from '../../compiler/passes/simplify.ts';
import type { Transform } from './property.ts';

export interface Mutant {
  readonly name: string;
  readonly run: Transform;
}

type Change = (node: Node) => Node | undefined;

const each = (graph: Graph, change: Change): Graph => rewriteGraph(graph, change, 'mutant');
const make = (op: Op, inputs: readonly Node[], attrs: object): Node => makeNode(op, inputs, attrs as Attrs);
const input = (node: Node, index: number): Node => {
  const found = node.inputs[index];
  if (!found) throw new RangeError(`${node.op.name} has no input ${index}`);
  return found;
};

/** The graph a pass makes, with one thing wrong in it. */
const spoilAfter = (name: string, run: Transform, change: Change): Mutant => ({
  name,
  run: (graph) => each(run(graph), change),
});

/** A pass that misreads what it is given. */
const spoilBefore = (name: string, run: Transform, change: Change): Mutant => ({
  name,
  run: (graph) => run(each(graph, change)),
});

/** A simplifier with one wrong rule more. */
const wrongRule = (wrong: Rule): Mutant => ({
  name: `simplify: ${wrong.name}`,
  run: (graph) => rewriteGraph(graph, visitWithRules([wrong]), 'mutant'),
});

/** Changes the body of each fused node; undefined leaves it. */
const inBody =
  (change: (body: Graph, node: Node) => Graph | undefined): ((node: Node) => Node | undefined) =>
  (node) => {
    if (!isOp(node, all.fused)) return undefined;
    const body = change(node.attrs.body, node);
    return body && makeNode(all.fused, node.inputs, { body });
  };

const bodyChange = (change: Change): Change =>
  inBody((body) => {
    const changed = each(body, change);
    return changed === body ? undefined : changed;
  });

/** Every operand must still be read, or the verifier would see the defect before the interpreter does. */
const readsAll = (body: Graph, operands: number): boolean =>
  topologicalOrder(body).filter((node) => node.op.name === 'input').length === operands;

const simplified: Transform = (graph: Graph) => simplify.run(graph);
const folded: Transform = (graph: Graph) => foldBatchNorm.run(graph);
const fusedConv: Transform = (graph) => fuseConv.run(graph);
const fusedElementwise: Transform = (graph) => fuseElementwise.run(graph);

const withAttrs =
  (op: Op, change: (attrs: Attrs) => object): Change =>
  (node) =>
    node.op === op ? make(op, node.inputs, { ...node.attrs, ...change(node.attrs) }) : undefined;

const swapInputs =
  (op: Op, a: number, b: number): Change =>
  (node) => {
    if (node.op !== op || node.inputs.length <= Math.max(a, b)) return undefined;
    const inputs = [...node.inputs];
    [inputs[a], inputs[b]] = [input(node, b), input(node, a)];
    return make(op, inputs, node.attrs);
  };

/** Batch norm into the weights along the input axis instead of the output axis. */
const wrongAxis: Change = (node) => {
  if (!isOp(node, all.conv2d)) return undefined;
  const weight = input(node, 1);
  if (!isConstant(weight) || weight.type.shape[0] !== weight.type.shape[1]) return undefined;
  const turned = all.transpose.evaluate([weight.attrs.tensor], { permutation: [1, 0, 2, 3] });
  return makeNode(all.conv2d, node.inputs.with(1, constantNode(turned)), node.attrs);
};

/** Folds although something else reads the convolution too: every reader gets the folded one. */
function foldSharedConvolution(graph: Graph): Graph {
  const norms = new Map<Node, Node>();
  for (const node of topologicalOrder(graph)) {
    const [source] = node.inputs;
    if (node.op === all.batchNorm && source?.op === all.conv2d) norms.set(source, node);
  }
  return rewriteGraph(
    graph,
    (node, original) => {
      const norm = norms.get(original);
      if (norm) return makeNode(norm.op, [node, ...norm.inputs.slice(1)], norm.attrs);
      return [...norms.values()].includes(original) ? node.inputs[0] : undefined;
    },
    'mutant',
  );
}

/** Common subexpressions by op and inputs alone. */
function shareWithoutAttributes(graph: Graph): Graph {
  const seen = new Map<string, Node>();
  return rewriteGraph(
    graph,
    (node) => {
      if (node.inputs.length === 0) return undefined;
      const key = `${node.op.name} ${node.inputs.map(({ id }) => id).join()} ${node.type.shape.length}`;
      const first = seen.get(key);
      if (!first) seen.set(key, node);
      return first && JSON.stringify(first.type) === JSON.stringify(node.type) ? first : undefined;
    },
    'mutant',
  );
}

/** The fused node reads two operands of one type in the wrong order. */
const staleIndex: Change = (node) => {
  if (!isOp(node, all.fused)) return undefined;
  const typeAt = (at: number): string => JSON.stringify(node.inputs[at]?.type);
  for (let a = 0; a < node.inputs.length; a++) {
    for (let b = a + 1; b < node.inputs.length; b++) {
      if (typeAt(a) === typeAt(b) && node.inputs[a] !== node.inputs[b]) return swapInputs(all.fused, a, b)(node);
    }
  }
  return undefined;
};

const dropLast = inBody((body, node) => {
  const [before] = bodyResult(body).inputs;
  const shorter = before && before.inputs.length > 0 ? makeGraph({ result: before }) : undefined;
  return shorter && readsAll(shorter, node.inputs.length) ? shorter : undefined;
});

/** The squeeze-and-excitation gate after the convolution, on its first channels, instead of in front of it. */
const lateGate = bodyChange((node) => {
  if (!isOp(node, all.conv2d)) return undefined;
  const scaled = input(node, 0);
  if (!isOp(scaled, all.mul) || node.type.shape[1] !== scaled.type.shape[1]) return undefined;
  const [x, gate] = scaled.inputs[0]?.type.shape.length === 4 ? scaled.inputs : [];
  if (!x || !gate) return undefined;
  return makeNode(all.mul, [makeNode(all.conv2d, [x, ...node.inputs.slice(1)], node.attrs), gate], {});
});

const shiftPadding = withAttrs(all.conv2d, (attrs) => {
  const [top = 0, left = 0, bottom = 0, right = 0] = attrs['padding'] as number[];
  return top > 0 ? { padding: [top - 1, left, bottom + 1, right] } : {};
});

export const mutants: readonly Mutant[] = [
  spoilAfter('fold-batch-norm: weights along the wrong axis', folded, wrongAxis),
  spoilBefore(
    'fold-batch-norm: eps forgotten',
    folded,
    withAttrs(all.batchNorm, () => ({ eps: 0 })),
  ),
  spoilBefore('fold-batch-norm: mean and beta swapped', folded, swapInputs(all.batchNorm, 2, 3)),
  spoilBefore('fold-batch-norm: gamma and variance swapped', folded, swapInputs(all.batchNorm, 1, 4)),
  spoilBefore('fold-batch-norm: bias of the convolution dropped', folded, (node) => {
    const isNormed =
      node.op === all.batchNorm && node.inputs[0]?.op === all.conv2d && node.inputs[0].inputs.length === 3;
    if (!isNormed) return undefined;
    const conv = input(node, 0);
    return makeNode(
      node.op,
      [makeNode(conv.op, conv.inputs.slice(0, 2), conv.attrs), ...node.inputs.slice(1)],
      node.attrs,
    );
  }),
  { name: 'fold-batch-norm: convolution with other readers', run: foldSharedConvolution },
  spoilAfter('fuse-conv: last epilogue op missing', fusedConv, dropLast),
  spoilAfter('fuse-conv: stale operand index', fusedConv, staleIndex),
  spoilAfter('fuse-conv: subtraction swapped', fusedConv, bodyChange(swapInputs(all.sub, 0, 1))),
  spoilAfter(
    'fuse-conv: residual replaced by the result',
    fusedConv,
    bodyChange((node) => {
      const [a, b] = node.inputs;
      return isOp(node, all.add) && a && b && shapesEqual(b.type.shape, a.type.shape)
        ? makeNode(all.add, [b, b], {})
        : undefined;
    }),
  ),
  spoilAfter('fuse-conv: padding off by one', fusedConv, bodyChange(shiftPadding)),
  spoilAfter(
    'fuse-conv: strides swapped',
    fusedConv,
    bodyChange(withAttrs(all.conv2d, ({ stride }) => ({ stride: (stride as number[]).toReversed() }))),
  ),
  spoilAfter('fuse-conv: gate behind the convolution', fusedConv, lateGate),
  spoilAfter(
    'fuse-conv: relu6 as relu',
    fusedConv,
    bodyChange((node) => (isOp(node, all.relu6) ? makeNode(all.relu, node.inputs, {}) : undefined)),
  ),
  spoilAfter('fuse-elementwise: stale operand index', fusedElementwise, staleIndex),
  spoilAfter('fuse-elementwise: last op missing', fusedElementwise, dropLast),
  { name: 'simplify: sharing ignores attributes', run: shareWithoutAttributes },
  spoilAfter('simplify: bias dropped', simplified, (node) =>
    isOp(node, all.conv2d) && node.inputs.length === 3
      ? makeNode(all.conv2d, node.inputs.slice(0, 2), node.attrs)
      : undefined,
  ),
  wrongRule(
    rule('x + c = x for every constant', all.add, (node) => {
      const [x, c] = node.inputs;
      return x && c && isConstant(c) && JSON.stringify(x.type) === JSON.stringify(node.type) ? x : undefined;
    }),
  ),
  wrongRule(
    rule('transposes composed in the wrong order', all.transpose, ({ inputs: [x], attrs }) =>
      x && isOp(x, all.transpose)
        ? makeNode(all.transpose, x.inputs, {
            permutation: x.attrs.permutation.map((axis) => attrs.permutation[axis] ?? 0),
          })
        : undefined,
    ),
  ),
  wrongRule(
    rule('slice of concat without the offset', all.slice, ({ inputs: [x], attrs: { axis, from, to } }) => {
      const part = x && isOp(x, all.concat) && x.attrs.axis === axis ? x.inputs[0] : undefined;
      const size = part?.type.shape[axis];
      if (!part || typeof size !== 'number' || to - from > size) return undefined;
      return makeNode(all.slice, [part], { axis, from: 0, to: to - from });
    }),
  ),
  wrongRule(
    rule('relu of clip is relu', all.relu, ({ inputs: [x] }) =>
      x && isOp(x, all.clip) ? makeNode(all.relu, x.inputs, {}) : undefined,
    ),
  ),
  wrongRule(
    rule('pad of any value into conv2d', all.conv2d, ({ inputs: [x, ...rest], attrs }) => {
      if (!x || !isOp(x, all.pad)) return undefined;
      const [[, , top = 0, left = 0], [, , bottom = 0, right = 0]] = [x.attrs.before, x.attrs.after];
      const [a, b, c, d] = attrs.padding;
      return makeNode(all.conv2d, [...x.inputs, ...rest], {
        ...attrs,
        padding: [a + top, b + left, c + bottom, d + right],
      });
    }),
  ),
];
