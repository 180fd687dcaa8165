/** Random networks as integers: step by step within one step of what quantized float32 gives. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTensor } from '../../../compiler/ir/attributes.ts';
import { evaluateGraph, evaluateNode } from '../../../compiler/ir/evaluate.ts';
import { isInput } from '../../../compiler/ir/leaves.ts';
import { makeGraph, topologicalOrder, type Graph, type Node } from '../../../compiler/ir/node.ts';
import { languageName } from '../../../compiler/ir/op-names.ts';
import { isOp } from '../../../compiler/ir/op.ts';
import { parseGraph } from '../../../compiler/ir/parse.ts';
import { printGraph } from '../../../compiler/ir/print.ts';
import { randomTensor } from '../../../compiler/ir/tensor-literal.ts';
import type { Tensor } from '../../../compiler/ir/type.ts';
import { verifyGraph } from '../../../compiler/ir/verify.ts';
import { ops, quantize } from '../../../compiler/ops/index.ts';
import { bindParameters } from '../../../compiler/passes/bind-parameters.ts';
import { analyzeChannels, keptWeights, pruneChannels } from '../../../compiler/passes/channels/index.ts';
import { insertQdq } from '../../../compiler/passes/int8/insert-qdq.ts';
import { lowerInt8 } from '../../../compiler/passes/int8/lower-int8.ts';
import { planInt8 } from '../../../compiler/passes/int8/plan.ts';
import type { Range } from '../../../compiler/passes/int8/scales.ts';
import { int8Pipeline, int8Preparation, runPipeline } from '../../../compiler/passes/pipelines.ts';
import { amount } from '../../amount.ts';
import { drawRemoved, withParameters } from '../channels/pruned-case.ts';
import { networkOf, plannedNetworks } from '../channels/random-network.ts';
import { runSeed } from '../property.ts';
import { buildGraph, recipes } from '../random-graph.ts';
import { measureRanges } from './measure.ts';

const runs = amount(25, 150);

interface Case {
  readonly bound: Graph;
  readonly prepared: Graph;
  readonly inputs: Record<string, Tensor>;
  readonly ranges: Record<string, Range>;
  readonly qdq: Graph;
}

function caseOf(bound: Graph, seed: number): Case {
  const inputs: Record<string, Tensor> = {};
  for (const node of topologicalOrder(bound)) {
    if (!isInput(node)) continue;
    const shape = node.attrs.shape.map((size) => (typeof size === 'number' ? size : 2));
    inputs[node.attrs.name] = randomTensor(shape, seed + node.attrs.index);
  }
  const prepared = runPipeline(bound, int8Preparation);
  // Narrower ones saturate, wider ones leave room beyond a clamp.
  const factor = [1, 0.6, 1.7][seed % 3] ?? 1;
  const measured = Object.entries(measureRanges(prepared, [inputs]));
  const ranges = Object.fromEntries(
    measured.map(([key, { min, max }]) => [key, { min: min * factor, max: max * factor }]),
  );
  return { bound, prepared, inputs, ranges, qdq: insertQdq.run(prepared, { ranges }) };
}

const forEachCase = (check: (drawn: Case) => void, { seed = runSeed, numRuns = runs } = {}): void =>
  fc.assert(
    fc.property(recipes, fc.nat(1e6), (recipe, data) => check(caseOf(buildGraph(recipe), data))),
    { seed, numRuns },
  );

const quantizesOf = (graph: Graph): Node[] => topologicalOrder(graph).filter((node) => isOp(node, quantize));

/** Every value that `quantize` gives, beside the outputs. */
function exposed(qdq: Graph): Graph {
  const inner = quantizesOf(qdq).map((node, index): [string, Node] => [`q${index}`, node]);
  return makeGraph({ ...qdq.outputs, ...Object.fromEntries(inner) });
}

/** One step, and what rounding a bias to a whole number of sums may add, where a sum's unit is more than one step. */
function allowance({ attrs }: Node): number {
  const { multiplier } = attrs;
  const isList = multiplier !== undefined && isTensor(multiplier);
  const largest = isList ? Math.max(...Array.from(multiplier.data, Math.abs)) : 0;
  return 1 + Math.floor(largest / 2);
}

/**
 * The largest difference of one quantized value, in units of what is allowed, when all before it are those of the
 * integer graph; of values that float32 computed between there is none, because both graphs read the same.
 */
function largestStep(qdq: Graph, lowered: Graph, inputs: Case['inputs']): number {
  const integers = evaluateGraph(lowered, inputs);
  const names = new Map(quantizesOf(qdq).map((node, index) => [node, `q${index}`]));
  const values = new Map<Node, Tensor>();
  const symbols = { N: 2 };
  let largest = 0;
  for (const node of topologicalOrder(qdq)) {
    const given = isInput(node) ? inputs[node.attrs.name] : undefined;
    const operands = node.inputs.flatMap((input) => values.get(input) ?? []);
    const value = given ?? evaluateNode(node, operands, { symbols });
    const name = names.get(node) ?? '';
    const [actual, made] = [integers[name], lowered.outputs[name]];
    const steps = made ? allowance(made) : 1;
    actual?.data.forEach((q, at) => (largest = Math.max(largest, Math.abs(q - (value.data[at] ?? 1e9)) / steps)));
    values.set(node, actual ?? value);
  }
  return largest;
}

/** What computes in float32, by op; scaled weights of layers that stayed in float32 are none. */
const floatOps = (graph: Graph): string[] =>
  topologicalOrder(graph)
    .filter((node) => node.inputs.length > 0 && node.type.dtype === 'f32' && node.op.name !== 'dequantize')
    .map((node) => node.op.name)
    .toSorted();

describe(`random networks as int8 (CNNC_SEED=${runSeed})`, () => {
  it('differ from quantized float32 by at most one step in every value', () => {
    forEachCase(({ qdq, inputs }) => {
      const lowered = lowerInt8.run(exposed(qdq));
      expect(verifyGraph(lowered, ops)).toEqual([]);
      expect(largestStep(qdq, lowered, inputs)).toBeLessThanOrEqual(1);
    });
  });

  it('do so when channels were pruned before, whose weights and batch norms are smaller', () => {
    let pruned = 0;
    const property = fc.property(plannedNetworks, fc.nat(999), (plan, seed) => {
      const { graph, weights } = withParameters(networkOf(plan));
      const analysis = analyzeChannels(graph);
      const removed = drawRemoved(analysis, seed, 0.4);
      const smaller = pruneChannels(analysis, removed);
      pruned += removed.size > 0 ? 1 : 0;
      const parameters = keptWeights(weights, smaller.kept);
      const { qdq, inputs } = caseOf(bindParameters.run(smaller.graph, { parameters }), seed);
      expect(largestStep(qdq, lowerInt8.run(exposed(qdq)), inputs)).toBeLessThanOrEqual(1);
    });
    fc.assert(property, { seed: runSeed, numRuns: runs });
    expect(pruned).toBeGreaterThan(runs / 8);
  });

  it('keep in float32 what the plan says, and nothing else', () => {
    forEachCase(({ prepared, qdq }) => {
      const planned = planInt8(prepared).floats.map(({ op }) => op);
      const left = floatOps(lowerInt8.run(qdq)).map(languageName);
      expect(left.toSorted()).toEqual(planned.toSorted());
    });
  });

  it('have the same bits with tables inside of convolutions and with fused copies', () => {
    forEachCase(({ bound, prepared, qdq, ranges, inputs }) => {
      const plain = evaluateGraph(lowerInt8.run(exposed(qdq)), inputs);
      const result = runPipeline(bound, int8Pipeline({ ranges }));
      for (const [name, value] of Object.entries(evaluateGraph(result, inputs))) {
        // Float32 ops in front of a quantize may be fused and then round by another order of sums.
        if (planInt8(prepared).floats.length === 0) expect(value).toEqual(plain[name]);
        else expect(value.shape).toEqual(plain[name]?.shape);
      }
      const text = printGraph(result);
      expect(printGraph(parseGraph(text, ops))).toBe(text);
    });
  });

  it('have the same names in every build', () => {
    forEachCase(
      ({ bound, prepared, ranges }) => {
        const again = planInt8(runPipeline(bound, int8Preparation));
        const keys = planInt8(prepared).points.map(({ key }) => key);
        expect(again.points.map(({ key }) => key)).toEqual(keys);
        expect(Object.keys(ranges).toSorted()).toEqual(keys.toSorted());
      },
      { numRuns: amount(10, 30) },
    );
  });

  it('cover what lowering looks for', () => {
    const seen = new Map<string, number>();
    const count = (key: string): unknown => seen.set(key, (seen.get(key) ?? 0) + 1);
    forEachCase(
      ({ qdq }) => {
        for (const node of topologicalOrder(lowerInt8.run(qdq))) {
          count(node.op.name);
          if (Number(node.attrs['max']) < 127 && node.type.dtype === 'i8') count('clamp');
          if (node.op.name !== 'quantizedConv2d') continue;
          if (node.inputs.length === 4) count('residual');
          if (node.attrs['table']) count('table');
          if (Number(node.attrs['groups']) > 1) count('groups');
          if (node.attrs['outputZero'] === -128) count('relu');
        }
      },
      // A statement about the generator, so its seed is fixed.
      { seed: 1, numRuns: 500 },
    );
    const integer = ['quantizedConv2d', 'quantizedAdd', 'quantizedMul', 'quantizedAveragePool', 'lookUp'];
    const forms = [
      'residual',
      'table',
      'groups',
      'clamp',
      'relu',
      'concat',
      'pad',
      'maxPool2d',
      'channelShuffle',
      'slice',
    ];
    for (const key of [...integer, ...forms]) expect(seen.get(key) ?? 0, key).toBeGreaterThan(3);
  });
});
