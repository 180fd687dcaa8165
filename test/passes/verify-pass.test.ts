import { describe, expect, it } from 'vitest';
import { makeGraph, makeNode, type Graph, type Node, type Origin } from '../../compiler/ir/node.ts';
import { rewriteGraph } from '../../compiler/ir/rewrite.ts';
import { symbolicDim } from '../../compiler/ir/dim.ts';
import { randomTensor } from '../../compiler/ir/tensor-literal.ts';
import {
  add,
  batchNorm,
  constant,
  conv2d,
  globalAveragePool,
  input,
  mul,
  relu,
  sub,
} from '../../compiler/ops/index.ts';
import { constantNode } from '../../compiler/passes/constants.ts';
import { foldBatchNorm } from '../../compiler/passes/fold-batch-norm.ts';
import { inferencePipeline, PassError, runPipeline } from '../../compiler/passes/pipelines.ts';
import { checkPass, formatDifference, outputNoise, relativeDifference } from '../../compiler/passes/verify-pass.ts';

const source =
  'model Net(x) {\n  let stem = conv(x)\n  let a = bn(stem)\n  let b = bn(conv(relu(a)))\n  return pool(a + b)\n}\n';
const file = { path: 'net.cnn', text: source };
const at = (text: string, path: string): Origin => ({
  spans: [{ file, start: source.indexOf(text), end: source.indexOf(text) + text.length }],
  path,
  passes: [],
});
const fixed = (shape: number[], seed: number, low = -1, high = 1): Node =>
  makeNode(constant, [], { tensor: randomTensor(shape, seed, low, high), name: '' });
const attrs = { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1], groups: 1 } as const;

/** Two convolutions with batch norm and a residual addition. */
function network(): Graph {
  const x = makeNode(input, [], { name: 'x', index: 0, dtype: 'f32', shape: [symbolicDim('N'), 3, 6, 6] });
  const norm = (value: Node, seed: number, origin: Origin): Node =>
    makeNode(
      batchNorm,
      [value, ...[1, 2, 3, 4].map((k) => fixed([3], seed + k, 0.5, 1.5))],
      { eps: 1e-3, momentum: 0.1 },
      origin,
    );
  const stem = makeNode(conv2d, [x, fixed([3, 3, 3, 3], 1)], attrs, at('conv(x)', 'stem'));
  const a = norm(stem, 10, at('bn(stem)', 'a'));
  const conv = makeNode(
    conv2d,
    [makeNode(relu, [a], {}, at('relu(a)', '')), fixed([3, 3, 3, 3], 2)],
    attrs,
    at('conv(relu', 'b.conv'),
  );
  const b = norm(conv, 20, at('bn(conv', 'b.bn'));
  const sum = makeNode(add, [a, b], {}, at('a + b', ''));
  return makeGraph({ y: makeNode(globalAveragePool, [sum], {}, at('pool', '')) });
}

const spoil = (graph: Graph, change: (node: Node) => Node | undefined): Graph => rewriteGraph(graph, change, 'spoil');

describe('checkPass', () => {
  it('accepts equal graphs and the real passes', () => {
    const before = network();
    expect(checkPass(before, before, { pass: 'none', seed: 1 })).toBeUndefined();
    for (let seed = 0; seed < 5; seed++) {
      expect(checkPass(before, runPipeline(before, inferencePipeline), { pass: 'pipeline', seed })).toBeUndefined();
    }
  });

  it('names the pass, the op and the source line of the first wrong value', () => {
    const before = network();
    // The bias of the second folded convolution is wrong; the first one, and everything in front, is right.
    const after = spoil(foldBatchNorm.run(before), (node) =>
      node.op === conv2d && node.inputs[0]?.op === relu
        ? makeNode(conv2d, [...node.inputs.slice(0, 2), fixed([3], 99)], node.attrs as typeof attrs)
        : undefined,
    );
    const difference = checkPass(before, after, { pass: 'fold-batch-norm', seed: 3 });
    expect(difference).toMatchObject({
      pass: 'fold-batch-norm',
      output: 'y',
      op: 'conv2d',
      path: 'b.conv',
      location: 'net.cnn:4:14',
    });
    expect(difference && formatDifference(difference)).toMatch(
      /^fold-batch-norm changes the output y by \d.* at conv2d b\.conv \(net\.cnn:4:14\)$/,
    );
  });

  it('does not blame correct new values inside a rewrite', () => {
    const before = network();
    const after = spoil(before, (node) => {
      if (node.op === relu) return makeNode(relu, [makeNode(mul, [...node.inputs, fixed([1], 5, 1, 1)], {})], {});
      return node.op === add ? makeNode(sub, node.inputs, {}) : undefined;
    });
    expect(checkPass(before, after, { pass: 'p', seed: 3 })).toMatchObject({ op: 'sub', location: 'net.cnn:5:15' });
  });

  it('measures differences against the largest magnitude, and NaN and shapes as infinite', () => {
    const tensor = (...data: number[]) => ({
      dtype: 'f32' as const,
      shape: [data.length],
      data: Float64Array.from(data),
    });
    expect(relativeDifference(tensor(100, 1), tensor(100, 2))).toBe(0.01);
    expect(relativeDifference(tensor(0.5), tensor(0.25))).toBe(0.25);
    expect(relativeDifference(tensor(NaN, Infinity), tensor(NaN, Infinity))).toBe(0);
    expect(relativeDifference(tensor(NaN), tensor(1))).toBe(Infinity);
    expect(relativeDifference(tensor(Infinity), tensor(-Infinity))).toBe(Infinity);
    expect(relativeDifference(tensor(1), tensor(1, 1))).toBe(Infinity);
  });
});

describe('outputNoise', () => {
  it('is the signal to noise of what a pass makes, in decibels', () => {
    const graphOf = (factor: number): Graph => {
      const x = makeNode(input, [], { name: 'x', index: 0, dtype: 'f32', shape: [2, 3] });
      const scale = constantNode({ dtype: 'f32', shape: [], data: Float32Array.of(factor) });
      return makeGraph({ y: makeNode(mul, [x, scale], {}) });
    };
    expect(outputNoise(graphOf(1), graphOf(1), { seed: 1 })).toBe(Infinity);
    expect(outputNoise(graphOf(1), graphOf(0.875), { seed: 1 })).toBeCloseTo(20 * Math.log10(8), 6);
    expect(outputNoise(graphOf(1), graphOf(-1), { seed: 1 })).toBeLessThan(0);
  });
});

describe('runPipeline', () => {
  it('shows every pass and stops at one that breaks the graph', () => {
    const seen: string[] = [];
    const broken = {
      name: 'break',
      summary: '',
      run: (graph: Graph): Graph => spoil(graph, (node) => (node.op === relu ? { ...node, inputs: [] } : undefined)),
    };
    const run = (): Graph =>
      runPipeline(network(), [foldBatchNorm, broken], {
        onPass: (pass, before, after) => seen.push(`${pass.name} ${before !== after}`),
      });
    expect(run).toThrow(PassError);
    expect(run).toThrow(
      /^pass break made a graph that does not verify: %\d+ = relu: cannot apply relu: operand 1 is missing/,
    );
    expect(seen[0]).toBe('fold-batch-norm true');
  });
});
