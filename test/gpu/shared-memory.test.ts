/** Values that lie in the memory of others, and borders that kernels do not write: what only a device can show. */
import { beforeAll, describe, expect, it } from 'vitest';
import { lower } from '../../compiler/emit/lower.ts';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { makeGraph, makeNode, type Graph, type Node } from '../../compiler/ir/node.ts';
import { symbolicDim, type Dim } from '../../compiler/ir/dim.ts';
import type { Attrs, Op } from '../../compiler/ir/op.ts';
import { randomTensor } from '../../compiler/ir/tensor-literal.ts';
import type { Profile } from '../../compiler/kernels/kernel.ts';
import * as all from '../../compiler/ops/all.ts';
import { constantNode } from '../../compiler/passes/constants.ts';
import type { OpenedDevice } from '../../runtime/node/index.ts';
import type { HostTensor } from '../../runtime/session.ts';
import { sharedDevice } from '../shared-device.ts';
import { firstCandidate, runOnDevice } from '../kernels/run-on-device.ts';

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await sharedDevice();
});

const call = <A extends Attrs>(op: Op<A>, inputs: readonly Node[], attrs: A): Node => makeNode(op, inputs, attrs);
const given = (shape: readonly Dim[], index = 0): Node =>
  makeNode(all.input, [], { name: `x${index}`, index, dtype: 'f32', shape });
const neg = (x: Node): Node => call(all.neg, [x], {});
const relu = (x: Node): Node => call(all.relu, [x], {});
const concat = (...parts: Node[]): Node => call(all.concat, parts, { axis: 1 });
const slice = (x: Node, from: number, to: number, axis = 1): Node => call(all.slice, [x], { axis, from, to });
const image = (shape: readonly number[], seed: number): HostTensor => ({
  shape,
  data: Float32Array.from(randomTensor(shape, seed, -1, 1).data),
});

/** Kernels of one profile alone read borders. */
const bordered = ['software'] as const;

/** Runs a graph on several inputs in turn in one session: what a run leaves behind must not matter to the next. */
async function check(
  graph: Graph,
  runs: readonly Readonly<Record<string, HostTensor>>[],
  tolerance = 1e-6,
  profiles: readonly Profile[] = ['software', 'gpu'],
): Promise<void> {
  for (const profile of profiles) {
    const results = await runOnDevice(opened.device, graph, runs, profile);
    for (const [index, inputs] of runs.entries()) {
      const tensors = Object.entries(inputs).map(
        ([name, { shape, data }]) => [name, { dtype: 'f32', shape, data } as const] as const,
      );
      for (const [name, wanted] of Object.entries(evaluateGraph(graph, Object.fromEntries(tensors)))) {
        const actual = results[index]?.[name];
        expect(actual?.shape).toEqual(wanted.shape);
        const worst = Math.max(
          0,
          ...Array.from(wanted.data, (value, at) => Math.abs(value - (actual?.data[at] ?? NaN))),
        );
        expect(worst, `${profile}: ${name} of run ${index}`).toBeLessThanOrEqual(tolerance);
      }
    }
  }
}

const pixels = [2, 3];
const inputs = (counts: readonly number[], seed = 1) =>
  Object.fromEntries(counts.map((count, index) => [`x${index}`, image([2, count, ...pixels], seed + index)]));
const x = (count: number, index = 0): Node => given([2, count, ...pixels], index);

describe('a concatenation of computed values', () => {
  it.each([[[3, 5]], [[6, 6]], [[4, 4]], [[8, 3]], [[4, 5, 4]], [[1, 1, 1, 1]], [[5, 4, 3]]])(
    'of %j channels',
    async (counts) => {
      const parts = counts.map((count, index) => (index % 2 === 0 ? neg : relu)(x(count, index)));
      const y = concat(...parts);
      await check(makeGraph({ y, z: neg(y) }), [inputs(counts), inputs(counts, 9)]);
    },
  );

  it('of one value twice, and beside an input', async () => {
    const y = neg(x(4));
    await check(makeGraph({ twice: concat(y, y), beside: concat(relu(x(4, 1)), x(4, 1), y) }), [inputs([4, 4])]);
  });

  it('of parts that are read elsewhere, and of concatenations', async () => {
    const [a, b, c] = [neg(x(4)), relu(x(8, 1)), neg(x(5, 2))];
    const inner = concat(a, b);
    await check(makeGraph({ y: concat(inner, c), inner, sum: call(all.add, [a, slice(b, 4, 8)], {}) }), [
      inputs([4, 8, 5]),
    ]);
  });

  it('of parts of which one is computed from another', async () => {
    const a = neg(x(4));
    const b = call(all.exp, [a], {});
    await check(makeGraph({ y: concat(a, b, relu(b)) }), [inputs([4])], 1e-5);
  });

  it('of parts that are views', async () => {
    const a = neg(x(12));
    await check(
      makeGraph({ y: concat(slice(a, 8, 12), slice(a, 0, 4)), z: concat(relu(slice(a, 4, 8)), slice(a, 0, 3)) }),
      [inputs([12])],
    );
  });
});

describe('a slice', () => {
  it.each([
    [0, 4],
    [4, 8],
    [4, 10],
    [4, 9],
    [3, 7],
    [8, 10],
    [0, 10],
    [1, 10],
  ])('of channels %i to %i is what its readers see, zeros behind it', async (from, to) => {
    const part = slice(neg(x(10)), from, to);
    // Whole groups of four are added up, so that a channel too many shows.
    const sum = call(all.reduceSum, [part], { axes: [1], keepDims: true });
    await check(makeGraph({ part, sum, next: relu(part) }), [inputs([10])], 1e-5);
  });

  it('of images, of a value with a border', async () => {
    const a = neg(given([3, 4, 5, 4]));
    const weight = constantNode({ dtype: 'f32', shape: [4, 4, 3, 3], data: randomTensor([4, 4, 3, 3], 3, -1, 1).data });
    const conv = { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1], groups: 1 } as const;
    const last = slice(a, 1, 3, 0);
    await check(
      makeGraph({ y: call(all.conv2d, [last, weight], conv), whole: call(all.conv2d, [a, weight], conv), last }),
      [{ x0: image([3, 4, 5, 4], 1) }],
      1e-4,
    );
  });
});

/** Integer convolutions and what stands between them. */
const weightOf = (shape: readonly number[], seed: number): Node =>
  constantNode({ dtype: 'i8', shape, data: Int8Array.from(randomTensor(shape, seed, -127, 127).data, Math.round) });
const biasOf = (count: number): Node =>
  constantNode({ dtype: 'i32', shape: [count], data: Int32Array.from({ length: count }, (_, at) => 300 * at - 700) });

interface Layer {
  readonly outputs: number;
  readonly kernel: readonly [number, number];
  readonly padding?: readonly [number, number, number, number];
  readonly stride?: readonly [number, number];
  readonly groups?: number;
  readonly zeros: readonly [number, number];
}

function convolve(
  from: Node,
  { outputs, kernel, padding = [0, 0, 0, 0], stride = [1, 1], groups = 1, zeros }: Layer,
): Node {
  const channels = Number(from.type.shape[1]) / groups;
  const data = Float32Array.from(
    { length: outputs },
    (_, at) => (0.4 + (at % 3) / 5) / (90 * Math.sqrt(channels * kernel[0] * kernel[1])),
  );
  return call(
    all.quantizedConv2d,
    [from, weightOf([outputs, channels, ...kernel], outputs + kernel[0]), biasOf(outputs)],
    {
      stride,
      padding,
      dilation: [1, 1],
      groups,
      inputZero: zeros[0],
      outputZero: zeros[1],
      multiplier: { dtype: 'f32', shape: [outputs], data },
      min: -128,
      max: 127,
      residualZero: 0,
      residualMultiplier: 0,
      shift: 0,
    },
  );
}

const quantized = (value: Node, zeroPoint: number): Node =>
  call(all.quantize, [neg(value)], { scale: 1 / 128, zeroPoint });
const real = (value: Node): Node => call(all.dequantize, [value], { scale: 1, zeroPoint: 0 });
const around = [1, 1, 1, 1] as const;

describe.each([
  ['known', [1, 5, 7, 6]],
  ['open', [symbolicDim('N'), 5, symbolicDim('H'), symbolicDim('W')]],
] as const)('borders of i8, sizes %s', (_, shape) => {
  const runs = [1, 2].map((seed) => ({ x0: image([1, 5, 7, 6], seed) }));

  it.each([5, -128, 127, -3])('hold the zero point %i where nothing else uses their memory', async (zero) => {
    const first = given(shape);
    const second = neg(first);
    const third = call(all.quantize, [second], { scale: 1 / 128, zeroPoint: 3 });
    const value = convolve(third, { outputs: 8, kernel: [1, 1], zeros: [3, zero] });
    const y = convolve(value, { outputs: 8, kernel: [3, 3], padding: around, groups: 8, zeros: [zero, -9] });
    // All in front of it are read to the end, and it is an output: its memory is its own in every run.
    await check(makeGraph({ second, third, value, y, last: relu(first) }), runs, 0, bordered);
  });

  it('hold each its own zero point along a chain of values of one size', async () => {
    const outputs: Record<string, Node> = {};
    let value = quantized(given(shape), 3);
    let from = 3;
    for (const [index, to] of [7, -20, -128, 7, 64, -20].entries()) {
      const depthwise = index % 2 === 1;
      value = convolve(value, {
        outputs: 8,
        kernel: [3, 3],
        padding: around,
        groups: depthwise ? 8 : 1,
        zeros: [from, to],
      });
      from = to;
    }
    outputs['y'] = real(value);
    await check(makeGraph(outputs), runs, 0, bordered);
  });

  it('are filled again where values of other sizes were in between', async () => {
    let value = quantized(given(shape), 0);
    const steps: [Layer['kernel'], Layer['padding'], number, number][] = [
      [[3, 3], [2, 2, 2, 2], 12, 9],
      [[3, 1], [0, 0, 0, 0], 4, -40],
      [[3, 3], around, 8, 30],
      [[5, 5], [2, 2, 2, 2], 4, -128],
      [[3, 3], around, 16, 1],
      [[1, 3], [0, 1, 0, 1], 8, 9],
    ];
    let from = 0;
    for (const [kernel, padding, outputs, to] of steps) {
      value = convolve(value, { outputs, kernel, ...(padding && { padding }), zeros: [from, to] });
      from = to;
    }
    await check(makeGraph({ y: real(value) }), runs, 0, bordered);
  });
});

describe.each([
  ['known', [1, 5, 7, 6]],
  ['open', [symbolicDim('N'), 5, symbolicDim('H'), symbolicDim('W')]],
] as const)('borders of f32, sizes %s', (_, shape) => {
  it('are zero in every run, whatever lay there before', async () => {
    const conv = (
      from: Node,
      outputs: number,
      kernel: readonly [number, number],
      padding: readonly [number, number, number, number],
    ): Node => {
      const size = [outputs, Number(from.type.shape[1]), ...kernel];
      const data = randomTensor(size, outputs + kernel[0], -0.4, 0.4).data;
      const bias = constantNode({
        dtype: 'f32',
        shape: [outputs],
        data: Float32Array.from({ length: outputs }, () => 1),
      });
      const attrs = { stride: [1, 1], padding, dilation: [1, 1], groups: 1 } as const;
      return call(all.conv2d, [from, constantNode({ dtype: 'f32', shape: size, data }), bias], attrs);
    };
    let value = neg(given(shape));
    for (const [outputs, kernel, padding] of [
      [12, [3, 3], [2, 2, 2, 2]],
      [4, [3, 1], [0, 0, 0, 0]],
      [8, [3, 3], around],
      [4, [5, 5], [2, 2, 2, 2]],
      [16, [3, 3], around],
      [8, [3, 3], around],
    ] as const) {
      value = conv(value, outputs, kernel, padding);
    }
    await check(
      makeGraph({ y: value }),
      [1, 2].map((seed) => ({ x0: image([1, 5, 7, 6], seed) })),
      1e-3,
      bordered,
    );
  });
});

describe('the plan of a concatenation', () => {
  const stepsOf = (counts: readonly number[]): number => {
    const parts = counts.map((count, index) => neg(x(count, index)));
    return lower(makeGraph({ y: concat(...parts) }), 'software', firstCandidate('software')).plan.steps.length;
  };

  it('has no step of its own where all parts but the last are whole groups of four channels', () => {
    expect(stepsOf([4, 8, 5])).toBe(3);
    expect(stepsOf([4, 5, 8])).toBe(4);
    expect(stepsOf([6, 6])).toBe(3);
    expect(stepsOf([3, 5])).toBe(3);
  });
});
