/** Recomputation: the same values in the interpreter for random networks and every way to cut, with less alive at once. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bindSizes } from '../../compiler/ir/bind-sizes.ts';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { isConstant, isInput } from '../../compiler/ir/leaves.ts';
import { makeGraph, makeNode, topologicalOrder, type Graph, type Node } from '../../compiler/ir/node.ts';
import { verifyGraph } from '../../compiler/ir/verify.ts';
import * as all from '../../compiler/ops/all.ts';
import { ops } from '../../compiler/ops/index.ts';
import { runPipeline, trainingPipeline } from '../../compiler/passes/pipelines.ts';
import { recompute } from '../../compiler/passes/recompute.ts';
import { forwardPart, segmentations } from '../../compiler/passes/rules/segments.ts';
import { simplify } from '../../compiler/passes/simplify.ts';
import { differentiate } from '../../compiler/train/differentiate.ts';
import { total } from '../../compiler/train/expressions.ts';
import { noise } from '../ops/check-op.ts';
import { buildGraph, recipes } from './random-graph.ts';
import { call } from './random-layers.ts';

const forward = ['loss'];

/** The loss of a network, the sum of its squared outputs, and the gradients of its weights and its input. */
function trainingGraph(network: Graph): Graph {
  const outputs = Object.values(bindSizes(network, { N: 2 }).outputs);
  const losses = outputs.map((output) => total(call(all.mul, [output, output])));
  const loss = losses.reduce((sum, each) => call(all.add, [sum, each]));
  const leaves = topologicalOrder(makeGraph({ loss })).filter(
    (node) => isInput(node) || (isConstant(node) && node.attrs.tensor.data.length > 1),
  );
  const gradients = [...differentiate(loss, leaves).values()].filter(({ inputs }) => inputs.length > 0);
  return makeGraph({ loss, ...Object.fromEntries(gradients.map((node, at) => [`g${at}`, node])) });
}

/** Convolutions in a row, without weights of one shape. */
function chain(depth: number): Graph {
  const x = makeNode(all.input, [], { name: 'x', index: 0, dtype: 'f32', shape: [2, 4, 8, 8] });
  const window = { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1], groups: 1 };
  let y: Node = x;
  for (let at = 0; at < depth; at++) {
    const weight = makeNode(all.constant, [], { tensor: noise([4, 4, 3, 3], at), name: '' });
    y = call(all.tanh, [call(all.conv2d, [y, weight], window)]);
  }
  return trainingGraph(makeGraph({ y }));
}

const optimized = (graph: Graph): Graph => runPipeline(graph, trainingPipeline);
const copies = (graph: Graph): Node[] =>
  topologicalOrder(graph).filter(({ origin }) => origin?.passes.includes('recompute') === true);

describe('recompute', () => {
  it('keeps every value of random networks bit for bit, however they are cut', () => {
    let copied = 0;
    fc.assert(
      fc.property(recipes, fc.nat(), (recipe, choice) => {
        const graph = optimized(trainingGraph(buildGraph(recipe)));
        const ways = segmentations(forwardPart(graph, forward));
        const segmentation = ways[choice % Math.max(1, ways.length)];
        if (!segmentation) return;
        const result = recompute.run(graph, { forward, segmentation });
        expect(verifyGraph(result, ops)).toEqual([]);
        copied += copies(result).length;
        const inputs = Object.fromEntries(
          topologicalOrder(graph)
            .filter(isInput)
            .map(({ attrs: { name, shape } }) => [name, noise(shape.map(Number), choice)]),
        );
        expect(evaluateGraph(result, inputs, { precision: 'f32' })).toEqual(
          evaluateGraph(graph, inputs, { precision: 'f32' }),
        );
      }),
      { numRuns: 60 },
    );
    expect(copied).toBeGreaterThan(20);
  });

  it('leaves the forward part alone, and the backward part reads nothing of it but what is kept', () => {
    const graph = optimized(chain(9));
    const part = forwardPart(graph, forward);
    for (const segmentation of segmentations(part)) {
      const result = recompute.run(graph, { forward, segmentation });
      const dropped = new Set(segmentation.dropped.flatMap((segment) => segment.copies));
      expect(result.outputs['loss']).toBe(graph.outputs['loss']);
      const readers = topologicalOrder(result).filter((node) => !part.indexOf.has(node));
      expect(readers.flatMap(({ inputs }) => inputs).filter((input) => dropped.has(input))).toEqual([]);
      expect(copies(result).filter(({ op }) => op !== all.after)).toHaveLength(dropped.size);
    }
  });

  it('holds each segment back until the gradient behind it is there', () => {
    const graph = optimized(chain(9));
    const segmentation = segmentations(forwardPart(graph, forward)).find(({ count }) => count === 3);
    if (!segmentation) throw new Error('no three segments');
    const result = recompute.run(graph, { forward, segmentation });
    const waiting = topologicalOrder(result).filter((node) => node.op === all.after);
    expect(waiting).toHaveLength(2);
    // The first segment waits for the copies of the second, since its gradient comes from there.
    const before = (node: Node): Node[] => topologicalOrder(makeGraph({ node }));
    const late = waiting.map((node) => before(node).filter(({ op }) => op === all.after).length);
    expect(late.toSorted((a, b) => a - b)).toEqual([1, 2]);
  });

  it('survives the sharing of equal values, which would undo it', () => {
    const graph = optimized(chain(9));
    const [segmentation] = segmentations(forwardPart(graph, forward));
    if (!segmentation) throw new Error('no segments');
    const result = recompute.run(graph, { forward, segmentation });
    expect(copies(simplify.run(result)).length).toBe(copies(result).length);
    expect(copies(result).length).toBeGreaterThan(2);
  });

  it('has nothing to cut where the backward part reads nothing large', () => {
    const x = makeNode(all.input, [], { name: 'x', index: 0, dtype: 'f32', shape: [2, 4] });
    expect(segmentations(forwardPart(makeGraph({ loss: total(call(all.mul, [x, x])) }), forward))).toEqual([]);
  });
});
