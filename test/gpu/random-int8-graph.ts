/** Random graphs of integer ops: every attribute is drawn, zero points included, so that borders and shares are tried. */
import fc from 'fast-check';
import { shapesEqual, symbolicDim } from '../../compiler/ir/dim.ts';
import { makeGraph, makeNode, type Graph, type Node } from '../../compiler/ir/node.ts';
import { OpError } from '../../compiler/ir/op.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import * as all from '../../compiler/ops/all.ts';
import { constantNode } from '../../compiler/passes/constants.ts';

/** One step; what the numbers mean depends on the kind. A step that does not fit is left out. */
interface Step {
  readonly kind: keyof typeof steps;
  /** Which values it reads: 0 the latest. */
  readonly from: number;
  readonly other: number;
  readonly seed: number;
}

export interface Int8Recipe {
  readonly channels: number;
  readonly size: readonly [number, number];
  readonly steps: readonly Step[];
}

/** Whole numbers from a seed, the same on every machine. */
class Draw {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  /** Uniform in [low, high]. */
  int(low: number, high: number): number {
    this.state = (Math.imul(this.state ^ (this.state >>> 15), 0x2c1b3c6d) + 0x297a2d39) | 0;
    return low + (((this.state ^ (this.state >>> 13)) >>> 0) % (high - low + 1));
  }

  pick<T>(values: readonly T[]): T {
    return values[this.int(0, values.length - 1)] as T;
  }

  i8(): number {
    return this.int(-128, 127);
  }

  tensor(dtype: 'i8' | 'i32', shape: readonly number[], least: number, most: number): Tensor {
    const values = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => this.int(least, most));
    return { dtype, shape, data: dtype === 'i8' ? Int8Array.from(values) : Int32Array.from(values) };
  }

  clamp(): { outputZero: number; min: number; max: number } {
    const outputZero = this.pick([-128, this.i8()]);
    const relu = this.int(0, 1) === 0;
    return { outputZero, min: relu ? outputZero : -128, max: this.pick([127, this.int(outputZero, 127)]) };
  }
}

const dimOf = (node: Node, axis: number): number => Number(node.type.shape[axis]);

function convolve(draw: Draw, x: Node, other: Node): Node {
  const channels = dimOf(x, 1);
  const divisors = [2, 3, 4].filter((each) => channels % each === 0);
  const groups = draw.pick([1, 1, 1, channels, ...divisors]);
  const outputs = groups === 1 ? draw.int(1, 20) : groups * draw.pick([1, 1, 2, 4]);
  const kernel = [draw.pick([1, 1, 3, 3, 5]), draw.pick([1, 3, 3, 3])] as const;
  const inputs = channels / groups;
  const weight = draw.tensor('i8', [outputs, inputs, ...kernel], -127, 127);
  const bias = draw.tensor('i32', [outputs], -20_000, 20_000);
  const multiplier = Float32Array.from(
    { length: outputs },
    () => draw.int(20, 200) / (9000 * Math.sqrt(inputs * kernel[0] * kernel[1])),
  );
  const dilation = draw.int(0, 5) === 0 ? 2 : 1;
  const pads = kernel.map((size) => draw.pick([0, Math.floor(size / 2), Math.floor(size / 2) * dilation]));
  const [vertical = 0, horizontal = 0] = pads;
  const attrs = {
    stride: [draw.pick([1, 1, 2]), draw.pick([1, 1, 2])],
    padding: [vertical, horizontal, vertical, horizontal],
    dilation: [dilation, dilation],
    groups,
    inputZero: draw.pick([-128, -128, draw.i8()]),
    multiplier: { dtype: 'f32', shape: [outputs], data: multiplier },
    ...draw.clamp(),
    residualZero: 0,
    residualMultiplier: 0,
    shift: 0,
    ...(draw.int(0, 3) === 0 ? { table: draw.tensor('i8', [256], -128, 127) } : {}),
  } as const;
  const operands = [x, constantNode(weight, 'w'), constantNode(bias, 'b')];
  const plain = makeNode(all.quantizedConv2d, operands, attrs as Parameters<typeof all.quantizedConv2d.evaluate>[1]);
  if (!shapesEqual(other.type.shape, plain.type.shape)) return plain;
  const residual = { residualZero: draw.i8(), residualMultiplier: draw.int(-60_000, 60_000), shift: draw.int(1, 16) };
  return makeNode(all.quantizedConv2d, [...operands, other], { ...plain.attrs, ...residual });
}

function pool(draw: Draw, x: Node): Node {
  const kernel = draw.pick([
    [2, 2],
    [3, 3],
    [dimOf(x, 2), dimOf(x, 3)],
  ] as const);
  const pad = draw.int(0, 1) === 0 ? 0 : Math.min(1, Math.floor(Math.min(...kernel) / 2));
  const windows = {
    kernel,
    stride: draw.pick([
      [1, 1],
      [2, 2],
    ] as const),
    padding: [pad, pad, pad, pad] as const,
    ceilMode: draw.int(0, 1) === 0,
  };
  if (draw.int(0, 1) === 0) return makeNode(all.maxPool2d, [x], windows);
  const multiplier = Math.fround(draw.int(5, 15) / 10 / (kernel[0] * kernel[1]));
  return makeNode(all.quantizedAveragePool, [x], { ...windows, inputZero: draw.i8(), multiplier, ...draw.clamp() });
}

function move(draw: Draw, x: Node): Node {
  const channels = dimOf(x, 1);
  const to = draw.int(1, channels);
  return draw.pick<() => Node>([
    () => makeNode(all.slice, [x], { axis: 1, from: draw.int(0, to - 1), to }),
    () => makeNode(all.slice, [x], { axis: 1, from: Math.floor(draw.int(0, to - 1) / 4) * 4, to }),
    () =>
      makeNode(all.channelShuffle, [x], { groups: draw.pick([1, 2, 3, 4].filter((each) => channels % each === 0)) }),
    () => makeNode(all.subsample, [x], { stride: [2, draw.int(1, 2)] }),
    () => makeNode(all.pad, [x], { before: [0, draw.int(0, 3), 1, 0], after: [0, 1, 0, 2], value: draw.i8() }),
    () =>
      makeNode(all.selectChannels, [x], {
        indices: Array.from({ length: draw.int(1, 9) }, () => draw.int(-1, channels - 1)),
      }),
    () => makeNode(all.resize, [x], { size: [dimOf(x, 2) + draw.int(0, 5), dimOf(x, 3) * 2], mode: 'nearest' }),
    () => makeNode(all.transpose, [x], { permutation: [0, 1, 3, 2] }),
  ])();
}

const steps = {
  conv: convolve,
  conv2: convolve,
  conv3: convolve,
  pool,
  move,
  table: (draw: Draw, x: Node) => makeNode(all.lookUp, [x], { table: draw.tensor('i8', [256], -128, 127) }),
  concat: (draw: Draw, x: Node, other: Node) =>
    makeNode(all.concat, draw.int(0, 1) === 0 ? [x, other] : [other, x, other], { axis: 1 }),
  add: (draw: Draw, x: Node, other: Node) =>
    makeNode(all.quantizedAdd, [x, other], {
      aZero: draw.i8(),
      bZero: draw.i8(),
      aMultiplier: draw.int(-60_000, 60_000),
      bMultiplier: draw.int(1, 60_000),
      shift: draw.int(14, 16),
      ...draw.clamp(),
    }),
  gate: (draw: Draw, x: Node, other: Node) => {
    const attrs = {
      aZero: draw.i8(),
      bZero: draw.i8(),
      multiplier: Math.fround(draw.int(1, 20) / 1000),
      ...draw.clamp(),
    };
    if (draw.int(0, 1) === 0) return makeNode(all.quantizedMul, [x, other], attrs);
    const kernel = [dimOf(x, 2), dimOf(x, 3)] as const;
    const window = { kernel, stride: [1, 1], padding: [0, 0, 0, 0], ceilMode: false } as const;
    const mean = {
      inputZero: 0,
      multiplier: Math.fround(1 / (kernel[0] * kernel[1])),
      outputZero: 0,
      min: -128,
      max: 127,
    };
    return makeNode(all.quantizedMul, [x, makeNode(all.quantizedAveragePool, [x], { ...window, ...mean })], attrs);
  },
} as const satisfies Record<string, (draw: Draw, x: Node, other: Node) => Node>;

export const int8Recipes: fc.Arbitrary<Int8Recipe> = fc.record({
  channels: fc.constantFrom(1, 3, 4, 6, 8, 12),
  size: fc.tuple(fc.integer({ min: 1, max: 11 }), fc.integer({ min: 1, max: 11 })),
  steps: fc.array(
    fc.record({
      kind: fc.constantFrom(...(Object.keys(steps) as (keyof typeof steps)[])),
      from: fc.constantFrom(0, 0, 0, 1, 2),
      other: fc.nat(4),
      seed: fc.integer(),
    }),
    { minLength: 1, maxLength: 10 },
  ),
});

/** The graph of a recipe, from f32 to f32; its outputs are all values that nothing reads. */
export function int8Graph({ channels, size, steps: drawn }: Int8Recipe): Graph {
  const shape = [symbolicDim('N'), channels, ...size];
  const given = makeNode(all.input, [], { name: 'x', index: 0, dtype: 'f32', shape });
  const values: Node[] = [makeNode(all.quantize, [given], { scale: Math.fround(0.01), zeroPoint: -9 })];
  const read = new Set<Node>();
  for (const { kind, from, other, seed } of drawn) {
    const x = values.at(-1 - (from % values.length)) as Node;
    const y = values.at(-1 - (other % values.length)) as Node;
    try {
      const result = steps[kind](new Draw(seed), x, y);
      if (result.type.shape.slice(1).reduce<number>((count, each) => count * Number(each), 1) > 6000) continue;
      for (const operand of result.inputs) read.add(operand);
      values.push(result);
    } catch (error) {
      if (!(error instanceof OpError)) throw error;
    }
  }
  const sinks = values.filter((value) => !read.has(value));
  const outputs = sinks.map((value, index) => [
    `y${index}`,
    makeNode(all.dequantize, [value], { scale: Math.fround(0.03), zeroPoint: 4 }),
  ]);
  return makeGraph(Object.fromEntries(outputs));
}
