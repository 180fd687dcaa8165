/** What a tolerance relative to the largest value does not show: small variances around large means, equal bits. */
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { makeGraph, makeNode, type Graph, type Node } from '../../compiler/ir/node.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import { channelMoments, channelSums, dropoutMask, input, reduceSum } from '../../compiler/ops/index.ts';
import { splitReductions } from '../../compiler/passes/split-reductions.ts';
import type { OpenedDevice } from '../../runtime/node/index.ts';
import type { HostTensor } from '../../runtime/session.ts';
import { some } from '../amount.ts';
import { sharedDevice } from '../shared-device.ts';
import { runOnDevice } from './run-on-device.ts';

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await sharedDevice();
});

const leaf = (index: number, shape: readonly number[]): Node =>
  makeNode(input, [], { name: `x${index}`, index, dtype: 'f32', shape });

function values(shape: readonly number[], seed: number, of: (noise: number, channel: number) => number): HostTensor {
  const [, channels = 1, ...plane] = shape;
  const pixels = plane.reduce((product, size) => product * size, 1);
  let state = seed;
  const data = Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, index) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return of((state >>> 8) / 16777216 - 0.5, Math.floor(index / pixels) % channels);
  });
  return { shape, data };
}

const exact = ({ shape, data }: HostTensor): Tensor => ({ dtype: 'f32', shape, data: Float64Array.from(data) });

interface Case {
  readonly name: string;
  readonly shape: readonly number[];
  readonly of: (noise: number, channel: number) => number;
  /** Relative; 1e-5 where left out. */
  readonly tolerance?: number;
}

const cases: readonly Case[] = [
  { name: 'mean 1000 times the deviation', shape: [4, 6, 24, 24], of: (noise) => 288 + noise },
  // The mean of a part is one float32, here to 4e-4 of the deviation.
  { name: 'mean 10000 times the deviation', shape: [8, 5, 16, 16], of: (noise) => 2880 + noise, tolerance: 5e-5 },
  { name: 'channels of every size', shape: [8, 12, 16, 16], of: (noise, c) => 10 ** (c - 6) * (3 + noise) },
  { name: 'one odd pixel', shape: [8, 4, 16, 16], of: (noise) => (noise > 0.4995 ? 60 : 100) + noise },
  { name: 'a matrix', shape: [700, 10], of: (noise) => 50 + noise },
];

const graphs = { whole: (graph: Graph) => graph, 'in parts': (graph: Graph) => splitReductions.run(graph) };

describe.each(['software', 'gpu'] as const)('profile %s', (profile) => {
  describe.each(profile === 'gpu' ? some(Object.entries(graphs), 1) : Object.entries(graphs))('%s', (_, transform) => {
    it.each(some(cases, 2))('keeps the variance: $name', async ({ shape, of, tolerance = 1e-5 }) => {
      const x = values(shape, 7, of);
      const graph = transform(makeGraph({ y: makeNode(channelMoments, [leaf(0, shape)], {}) }));
      const [actual] = await runOnDevice(opened.device, graph, [{ x0: x }], profile);
      const expected = channelMoments.evaluate([exact(x)], {});
      expected.data.forEach((value: number, index: number) => {
        expect(Math.abs((actual?.['y']?.data[index] ?? Number.NaN) / value - 1)).toBeLessThan(tolerance);
      });
    });

    it('keeps sums of a gradient times the distance from a large mean', async () => {
      const shape = [8, 6, 20, 20];
      const [x, g] = [values(shape, 3, (noise) => 2880 + noise), values(shape, 5, (noise) => noise)];
      const moments = channelMoments.evaluate([exact(x)], {});
      // Distances from the mean as the device holds it, in float32.
      const rounded: HostTensor = { shape: moments.shape, data: Float32Array.from(moments.data) };
      const operands = [leaf(0, shape), leaf(1, shape), leaf(2, rounded.shape)];
      const graph = transform(makeGraph({ y: makeNode(channelSums, operands, {}) }));
      const [actual] = await runOnDevice(opened.device, graph, [{ x0: g, x1: x, x2: rounded }], profile);
      const expected = channelSums.evaluate([g, x, rounded].map(exact), {});
      // Each sum is of 3200 terms of magnitude 1/4 and 1/16 at most.
      expected.data.forEach((value: number, index: number) => {
        expect(Math.abs((actual?.['y']?.data[index] ?? Number.NaN) - value)).toBeLessThan(1e-4);
      });
    });

    it('adds a quarter of a million values', async () => {
      const shape = [1, 250_000];
      const x = values(shape, 11, (noise) => 1 + noise);
      const graph = transform(makeGraph({ y: makeNode(reduceSum, [leaf(0, shape)], { axes: [1], keepDims: true }) }));
      const [actual] = await runOnDevice(opened.device, graph, [{ x0: x }], profile);
      const expected = evaluateGraph(graph, { x0: exact(x) })['y']?.data[0] ?? Number.NaN;
      expect(Math.abs((actual?.['y']?.data[0] ?? Number.NaN) / expected - 1)).toBeLessThan(5e-6);
    });
  });

  it.each(dropoutMask.samples)('draws the bits of the reference: $name', async ({ attrs }) => {
    const rng: HostTensor = { shape: [1, 4], data: Float32Array.of(16_777_213, 65_535, 40_961, 0) };
    const graph = makeGraph({ y: makeNode(dropoutMask, [leaf(0, [1, 4])], attrs) });
    const [actual] = await runOnDevice(opened.device, graph, [{ x0: rng }], profile);
    const expected = dropoutMask.evaluate([exact(rng)], attrs);
    expect(actual?.['y']?.data).toEqual(Float32Array.from(expected.data));
  });
});
