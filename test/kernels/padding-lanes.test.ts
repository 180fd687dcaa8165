/** Padding lanes stay zero behind every elementwise op: a sum over channels, which adds whole vec4, shows them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { makeGraph, makeNode, type Node } from '../../compiler/ir/node.ts';
import type { Attrs, Op } from '../../compiler/ir/op.ts';
import {
  add,
  constant,
  div,
  equal,
  exp,
  expand,
  input,
  log,
  mul,
  ops,
  reduceSum,
  rsqrt,
  sqrt,
  sub,
  where,
} from '../../compiler/ops/index.ts';
import { fuseElementwise } from '../../compiler/passes/fuse-elementwise.ts';
import type { OpenedDevice } from '../../runtime/node/index.ts';
import { sharedDevice } from '../shared-device.ts';
import { deviceError } from './run-on-device.ts';

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await sharedDevice();
});

const shapes = [
  [2, 5, 3, 2],
  [2, 5, 1, 1],
  [2, 1, 3, 2],
] as const;

/** Positive values, so that every op has a value. */
const data = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, index) => 0.5 + (((index + seed) * 37) % 64) / 64);

const inputs = Object.fromEntries(
  shapes.map((shape, index) => [
    `x${index}`,
    {
      shape,
      data: data(
        shape.reduce<number>((a, b) => a * b, 1),
        index,
      ),
    },
  ]),
);

/** The error of the sum over channels of what `build` makes of a tensor, a gate and one value a pixel. */
function errorOf(build: (x: Node, gate: Node, pixel: Node) => Node): Promise<number> {
  const leaves = shapes.map((shape, index) => makeNode(input, [], { name: `x${index}`, index, dtype: 'f32', shape }));
  const [x, gate, pixel] = leaves;
  if (!x || !gate || !pixel) throw new Error('three operands');
  const sum = makeNode(reduceSum, [build(x, gate, pixel)], { axes: [1], keepDims: true });
  // Every operand is read, whatever the case needs.
  const rest = makeNode(add, [makeNode(add, [x, gate], {}), pixel], {});
  const graph = fuseElementwise.run(makeGraph({ sum, rest }));
  return deviceError(opened.device, graph, inputs, 'software');
}

const one = <A extends Attrs>(op: Op<A>, attrs: A, ...operands: readonly Node[]): Node => makeNode(op, operands, attrs);

const scalar = (value: number): Node =>
  makeNode(constant, [], { tensor: { dtype: 'f32', shape: [1, 1, 1, 1], data: Float32Array.of(value) }, name: '' });

describe('padding lanes', () => {
  const samples = (op: Op): Attrs => op.samples[0]?.attrs ?? {};
  const scalars = [...ops.values()].filter((op) => op.scalar && op.name !== 'expand');
  it.each(scalars.map((op): [string, Op] => [op.name, op]))('stay zero behind %s', async (_, op) => {
    const operands = op.operands.length;
    for (const order of [
      [0, 1, 2],
      [1, 0, 0],
      [2, 0, 1],
    ]) {
      const error = await errorOf((...leaves) => {
        const given = order.slice(0, operands).flatMap((index) => leaves[index] ?? []);
        const y = makeNode(op, given, samples(op));
        return operands === 1 ? one(expand, { shape: shapes[0] }, y) : y;
      });
      expect(error).toBeLessThan(1e-5);
    }
  });

  type Build = (x: Node, gate: Node, pixel: Node) => Node;
  const builds: Readonly<Record<string, Build>> = {
    'a product with a reciprocal root': (x, gate) => one(mul, {}, x, one(rsqrt, {}, gate)),
    'a product with a logarithm': (x, gate) => one(mul, {}, x, one(log, {}, gate)),
    'a product with a quotient': (x, gate) => one(mul, {}, x, one(div, {}, x, gate)),
    'a product with the reciprocal of a root': (x, gate, pixel) =>
      one(mul, {}, x, one(div, {}, pixel, one(sqrt, {}, gate))),
    'a choice between two': (x, gate) => one(where, {}, one(sub, {}, x, gate), gate, x),
    'a choice by what is not zero there': (x, gate) => one(where, {}, one(equal, {}, x, gate), gate, x),
    'a choice between exponentials': (x, gate) => one(where, {}, x, one(exp, {}, gate), x),
    'a product with an exponential that overflows at zero': (x, gate) =>
      one(mul, {}, gate, one(exp, {}, one(sub, {}, scalar(100), one(mul, {}, x, scalar(200))))),
    'a value a pixel for all channels': (_x, _gate, pixel) => one(expand, { shape: shapes[0] }, pixel),
  };
  it.each(Object.entries(builds))('stay zero in %s', async (_, build) => {
    expect(await errorOf(build)).toBeLessThan(1e-5);
  });
});
