/** One compilation serves every image size that the model leaves open. */
import { beforeAll, describe, expect, it } from 'vitest';
import { multiplyDims, symbolicDim, type Dim } from '../../compiler/ir/dim.ts';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { makeGraph, makeNode, type Graph, type Node } from '../../compiler/ir/node.ts';
import { randomTensor } from '../../compiler/ir/tensor-literal.ts';
import {
  add,
  concat,
  constant,
  conv2d,
  globalAveragePool,
  input,
  maxPool2d,
  mul,
  relu,
  sigmoid,
} from '../../compiler/ops/index.ts';
import { inferencePipeline, runPipeline } from '../../compiler/passes/pipelines.ts';
import { fixedSchedules } from '../../compiler/schedule/fixed.ts';
import type { OpenedDevice } from '../../runtime/node/index.ts';
import { networkProfiles } from '../amount.ts';
import { sharedDevice } from '../shared-device.ts';
import { runOnDevice } from '../kernels/run-on-device.ts';

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await sharedDevice();
});

let seed = 1;
function conv(x: Node, outputs: number, kernel: number, stride = 1, groups = 1): Node {
  const shape = [outputs, Number(x.type.shape[1]) / groups, kernel, kernel];
  const weight = makeNode(constant, [], { tensor: randomTensor(shape, seed++, -0.5, 0.5), name: `w${seed}` });
  const side = (kernel - 1) / 2;
  return makeNode(conv2d, [x, weight], {
    stride: [stride, stride],
    padding: [side, side, side, side],
    dilation: [1, 1],
    groups,
  });
}

/** Convolutions with and without borders, depthwise, a pool, a residual, a gate and a concatenation. */
function network(): Graph {
  const size = (name: string): Dim => multiplyDims(symbolicDim(name), 4);
  const shape = [symbolicDim('N'), 3, size('h'), size('w')];
  const x = makeNode(input, [], { name: 'x', index: 0, dtype: 'f32', shape });
  const a = makeNode(relu, [conv(x, 8, 3)], {});
  const b = makeNode(relu, [conv(a, 8, 3, 1, 8)], {});
  const c = makeNode(add, [conv(b, 8, 1), a], {});
  const d = makeNode(maxPool2d, [c], { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], ceilMode: false });
  const gate = makeNode(sigmoid, [conv(makeNode(globalAveragePool, [d], {}), 8, 1)], {});
  const e = conv(makeNode(mul, [d, gate], {}), 6, 1);
  const f = makeNode(concat, [conv(d, 4, 3), e], { axis: 1 });
  return makeGraph({ y: conv(f, 5, 3, 2) });
}

describe.each(networkProfiles)('profile %s', (profile) => {
  it('runs 8x8, 12x20 and 28x16 from one session as the interpreter does', async () => {
    const graph = network();
    const optimized = runPipeline(graph, inferencePipeline);
    const runs = [
      [1, 8, 8],
      [2, 12, 20],
      [1, 28, 16],
      [1, 8, 8],
    ].map(([n = 1, h = 1, w = 1], index) => {
      const tensor = randomTensor([n, 3, h, w], 100 + index, -1, 1);
      return { shape: [n, 3, h, w], data: Float32Array.from(tensor.data) };
    });
    const select = fixedSchedules(optimized, profile);
    const results = await runOnDevice(
      opened.device,
      optimized,
      runs.map((x) => ({ x })),
      profile,
      select,
    );
    runs.forEach(({ shape, data }, index) => {
      const { y } = evaluateGraph(graph, { x: { dtype: 'f32', shape, data: Float64Array.from(data) } });
      expect(results[index]?.['y']?.shape).toEqual(y?.shape);
      const actual = results[index]?.['y']?.data ?? new Float32Array();
      const largest = Math.max(...Array.from(y?.data ?? [], (value, at) => Math.abs(value - (actual[at] ?? NaN))));
      expect(largest).toBeLessThan(1e-4);
    });
  });
});
