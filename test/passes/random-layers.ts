/** The layers that random networks are made of; each returns undefined or throws an OpError where it does not fit. */
import { shapesEqual, type Dim } from '../../compiler/ir/dim.ts';
import { makeNode, type Node } from '../../compiler/ir/node.ts';
import type { Op } from '../../compiler/ir/op.ts';
import { randomTensor } from '../../compiler/ir/tensor-literal.ts';
import * as all from '../../compiler/ops/all.ts';
import { constantNode } from '../../compiler/passes/constants.ts';

/** What decides a layer; what the numbers mean depends on its kind. */
export interface Choice {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

export interface Builder {
  readonly values: Node[];
  readonly weights: Node[];
  seed: number;
}

export const pick = <T>(list: readonly T[], index: number): T => {
  const item = list[index % list.length];
  if (item === undefined) throw new RangeError('nothing to pick from');
  return item;
};

export const filled = (builder: Builder, shape: readonly number[], low = -1, high = 1): Node =>
  constantNode(randomTensor(shape, builder.seed++, low, high));
export const scalar = (value: number, shape: readonly number[] = []): Node =>
  constantNode({ dtype: 'f32', shape, data: Float32Array.of(value) });
export const call = (op: Op, inputs: readonly Node[], attrs: object = {}): Node => makeNode(op, inputs, attrs as never);
export const size = (x: Node, axis: number): number => {
  const dim = x.type.shape[axis];
  return typeof dim === 'number' ? dim : -1;
};

/** Weights that keep the variance of activations: bound sqrt(3 / fan-in). */
export function convolve(builder: Builder, x: Node, outputs: number, step: Choice, plain = false): Node | undefined {
  const channels = size(x, 1);
  const divisors = [1, 1, 2, 3, channels].filter((count) => channels % count === 0);
  const groups = plain ? 1 : pick(divisors, step.b);
  const kernel = plain
    ? ([3, 3] as const)
    : pick(
        [
          [1, 1],
          [3, 3],
          [1, 3],
          [2, 2],
        ] as const,
        step.a,
      );
  const stride = plain
    ? [1, 1]
    : pick(
        [
          [1, 1],
          [1, 1],
          [2, 2],
          [2, 1],
          [1, 2],
        ],
        step.c,
      );
  const dilation = plain
    ? [1, 1]
    : pick(
        [
          [1, 1],
          [1, 1],
          [2, 1],
        ],
        step.a >> 2,
      );
  const padding = plain
    ? [1, 1, 1, 1]
    : pick(
        [
          [0, 0, 0, 0],
          [1, 1, 1, 1],
          [0, 1, 2, 0],
          [1, 0, 0, 1],
        ],
        step.b >> 3,
      );
  const total = outputs * groups;
  const bound = Math.sqrt(3 / ((channels / groups) * kernel[0] * kernel[1]));
  const shape = [total, channels / groups, ...kernel];
  const shared = builder.weights.find((weight) => shapesEqual(weight.type.shape, shape));
  const weight = shared && step.c % 3 === 0 ? shared : filled(builder, shape, -bound, bound);
  builder.weights.push(weight);
  const bias = step.c % 2 === 0 ? [filled(builder, [total])] : [];
  return call(all.conv2d, [x, weight, ...bias], { stride, padding, dilation, groups });
}

export function normalise(builder: Builder, x: Node): Node {
  const channels = size(x, 1);
  const parameters = [
    filled(builder, [channels], 0.5, 1.5),
    filled(builder, [channels]),
    filled(builder, [channels]),
    filled(builder, [channels], 0.2, 1.2),
  ];
  return call(all.batchNorm, [x, ...parameters], { eps: 0.05, momentum: 0.1 });
}

/** What makes planes larger or brings them to another size, as in segmentation and super-resolution. */
export function enlarge(builder: Builder, x: Node, step: Choice): Node | undefined {
  const [channels, height, width] = [size(x, 1), size(x, 2), size(x, 3)];
  if (step.a % 6 === 0 && channels % 4 === 0) return call(all.pixelShuffle, [x], { factor: 2 });
  if (step.a % 6 < 2) {
    const target = [1 + (step.b % (2 * height)), 1 + (step.c % (2 * width))];
    return call(all.resize, [x], { size: target, mode: step.c % 2 === 0 ? 'nearest' : 'bilinear' });
  }
  const groups = pick(
    [1, 1, 2, 3, channels].filter((count) => channels % count === 0),
    step.b,
  );
  const perGroup = 1 + (step.c % 4);
  const kernel = [1 + (step.b % 3), 1 + (step.c % 3)] as const;
  const bound = Math.sqrt(3 / ((channels / groups) * kernel[0] * kernel[1]));
  const weight = filled(builder, [channels, perGroup, ...kernel], -bound, bound);
  const bias = step.c % 2 === 0 ? [filled(builder, [perGroup * groups])] : [];
  const grown = call(all.convTranspose2d, [x, weight, ...bias], {
    stride: [1 + (step.a % 2), 1 + ((step.a >> 1) % 2)],
    padding: [step.b % 2, 0, 0, step.c % 2],
    outputPadding: [step.a % 2, 0],
    dilation: [1, 1 + (step.b % 2)],
    groups,
  });
  return step.a % 4 === 3 ? normalise(builder, grown) : grown;
}

/** Group, layer and channelwise normalisation of a map, and learnt slopes. */
export function standardise(builder: Builder, x: Node, step: Choice): Node {
  const channels = size(x, 1);
  if (step.a % 4 === 0) return call(all.logSoftmax, [x], { axis: 1 });
  if (step.a % 4 === 1) return call(all.prelu, [x, filled(builder, [1, channels, 1, 1])]);
  if (step.a % 4 === 2) {
    const shape = [channels, size(x, 2), size(x, 3)].slice(step.b % 3);
    return call(all.layerNorm, [x, filled(builder, shape), filled(builder, shape)], { eps: 0.05 });
  }
  const groups = pick(
    [1, 2, 3, channels].filter((count) => channels % count === 0),
    step.b,
  );
  return call(all.groupNorm, [x, filled(builder, [channels]), filled(builder, [channels])], { groups, eps: 0.05 });
}

const activations: readonly (readonly [Op, object])[] = [
  [all.relu, {}],
  [all.relu6, {}],
  [all.hardSigmoid, {}],
  [all.hardSwish, {}],
  [all.sigmoid, {}],
  [all.tanh, {}],
  [all.silu, {}],
  [all.gelu, {}],
  [all.softplus, {}],
  [all.abs, {}],
  [all.neg, {}],
  [all.leakyRelu, { alpha: 0.1 }],
  [all.elu, { alpha: 1 }],
  [all.clip, { min: -0.5, max: 0.75 }],
  [all.clip, { min: -0.25, max: Infinity }],
  [all.clip, { min: 0, max: 6 }],
  [all.dropout, { p: 0.5 }],
];

export function activate(x: Node, index: number): Node {
  const [op, attrs] = pick(activations, index);
  return call(op, [x], attrs);
}

/** Values as smooth functions of bounded ones, so that rounding is never blown up. */
export const bounded: readonly ((x: Node) => Node)[] = [
  (x) => call(all.exp, [call(all.neg, [call(all.abs, [x])])]),
  (x) => call(all.log, [call(all.add, [call(all.abs, [x]), scalar(1)])]),
  (x) => call(all.sqrt, [call(all.add, [call(all.abs, [x]), scalar(1, [1])])]),
  (x) => call(all.div, [x, call(all.softplus, [call(all.abs, [x])])]),
  (x) => call(all.mul, [x, call(all.sigmoid, [x])]),
];

export const clamps: readonly ((x: Node) => Node)[] = [
  (x) => call(all.relu, [x]),
  (x) => call(all.relu6, [x]),
  (x) => call(all.clip, [x], { min: -0.5, max: 0.75 }),
  (x) => call(all.clip, [x], { min: 1, max: Infinity }),
  (x) => call(all.abs, [x]),
  (x) => call(all.neg, [x]),
  (x) => call(all.maximum, [scalar(0), x]),
];

/** One op twice on one value, with different attributes: what hash-consing must keep apart. */
export const twins: readonly ((x: Node) => Node[])[] = [
  (x) => [0.1, 0.3].map((alpha) => call(all.leakyRelu, [x], { alpha })),
  (x) => [0.25, 0.5].map((max) => call(all.clip, [x], { min: -0.5, max })),
  (x) => [0, 1].map((value) => call(all.pad, [x], { before: [0, 0, 1, 0], after: [0, 0, 0, 0], value })),
  (x) => [0, 1].map((from) => call(all.slice, [x], { axis: 3, from, to: from + size(x, 3) - 1 })),
  (x) => [0.5, 0.5].map((alpha) => call(all.elu, [x], { alpha })),
];

export const binary: readonly Op[] = [all.add, all.add, all.sub, all.mul, all.minimum, all.maximum];

const sameShape = (a: Node, b: Node): boolean => shapesEqual(a.type.shape, b.type.shape);

/** A second value of the same shape: an older one where there is one, else a fresh convolution of `x`. */
export function partner(builder: Builder, x: Node, step: Choice): Node | undefined {
  const matches = builder.values.filter((value) => value !== x && sameShape(value, x));
  if (matches.length > 0 && step.b % 4 !== 0) return pick(matches, step.c);
  return convolve(builder, x, size(x, 1), step, true);
}

export function squeezeExcite(builder: Builder, x: Node, step: Choice): Node | undefined {
  const channels = size(x, 1);
  const pooled = call(all.globalAveragePool, [x]);
  const pointwise = (from: Node, outputs: number): Node =>
    call(all.conv2d, [from, filled(builder, [outputs, size(from, 1), 1, 1]), filled(builder, [outputs])], {
      stride: [1, 1],
      padding: [0, 0, 0, 0],
      dilation: [1, 1],
      groups: 1,
    });
  const squeezed = call(all.relu, [pointwise(pooled, Math.max(1, channels >> 1))]);
  const gate = call(step.a % 2 === 0 ? all.sigmoid : all.hardSigmoid, [pointwise(squeezed, channels)]);
  const scaled = call(all.mul, step.b % 2 === 0 ? [x, gate] : [gate, x]);
  return step.c % 3 === 0 ? scaled : pointwise(scaled, 1 + (step.c % 5));
}

export const constantShapes = (x: Node): readonly (readonly number[])[] => [
  [1, size(x, 1), 1, 1],
  [size(x, 1), 1, 1],
  [],
  [1, 1, 1, 1],
  [1, 1, size(x, 2), size(x, 3)],
  [size(x, 3)],
];

export function pool(x: Node, step: Choice): Node | undefined {
  const windows = {
    kernel: [2, 2],
    stride: pick(
      [
        [2, 2],
        [1, 1],
        [2, 1],
      ],
      step.b,
    ),
    padding: pick(
      [
        [0, 0, 0, 0],
        [1, 0, 1, 1],
      ],
      step.c,
    ),
  };
  if (step.a % 5 === 3) return call(all.adaptiveAveragePool2d, [x], { size: [1 + (step.b % 2), 1 + (step.c % 2)] });
  if (step.a % 5 === 4) return call(all.reduceMean, [x], { axes: [2, 3], keepDims: true });
  const one = step.a % 7 === 6 ? { kernel: [1, 1], padding: [0, 0, 0, 0] } : {};
  if (step.a % 2 === 0) return call(all.maxPool2d, [x], { ...windows, ...one, ceilMode: step.c % 3 === 0 });
  return call(all.averagePool2d, [x], {
    ...windows,
    ...one,
    ceilMode: step.c % 3 === 0,
    countIncludePad: step.c % 2 === 0,
  });
}

const turns = [
  [0, 2, 3, 1],
  [0, 3, 1, 2],
  [0, 3, 2, 1],
  [0, 2, 1, 3],
] as const;

export function move(x: Node, step: Choice): Node | undefined {
  const [height, width] = [size(x, 2), size(x, 3)];
  const amount = (index: number): number => (step.b >> index) % 3;
  const moves: readonly (() => Node)[] = [
    () => call(all.transpose, [x], { permutation: [0, 1, 3, 2] }),
    () => call(all.transpose, [x], { permutation: pick(turns, step.b) }),
    () =>
      call(all.transpose, [call(all.transpose, [x], { permutation: pick(turns, step.b) })], {
        permutation: pick(turns, step.c),
      }),
    () =>
      call(all.pad, [x], {
        before: [0, 0, amount(0), amount(1)],
        after: [0, 0, amount(2), amount(3)],
        value: step.c % 3 === 0 ? 0.5 : 0,
      }),
    () => call(all.subsample, [x], { stride: [1 + (step.b % 3), 1 + (step.c % 2)] }),
    () => call(all.reshape, [x], { shape: [x.type.shape[0] ?? 1, size(x, 1), width, height] }),
    () =>
      call(all.reshape, [call(all.reshape, [x], { shape: [x.type.shape[0] ?? 1, size(x, 1) * height * width] })], {
        shape: x.type.shape,
      }),
  ];
  return pick(moves, step.a)();
}

export function regroup(builder: Builder, x: Node, step: Choice): Node | undefined {
  const count = size(x, 1);
  const from = step.b % count;
  const to = from + 1 + (step.c % (count - from));
  const others = builder.values.filter((value) => shapesEqual(value.type.shape.with(1, count), x.type.shape));
  if (step.a % 8 === 4) {
    const indices = Array.from({ length: 1 + (step.c % 8) }, (_, at) => ((step.b * (at + 3) * 7) % (count + 1)) - 1);
    return call(all.selectChannels, [x], { indices });
  }
  if (step.a % 4 === 0) return call(all.slice, [x], { axis: 1, from, to });
  if (step.a % 4 === 1) {
    const groups = [2, 3, 2, 3, 1, count].filter((group) => count % group === 0);
    return call(all.channelShuffle, [x], { groups: pick(groups, step.b) });
  }
  const other = pick(others, step.c);
  if (count + size(other, 1) > 12) return undefined;
  const joined = call(all.concat, step.a % 4 === 2 ? [x, other] : [x], { axis: 1 });
  return step.b % 3 === 0 ? call(all.slice, [joined], { axis: 1, from: count - 1, to: size(joined, 1) }) : joined;
}

/** Flatten or pool, linear layer, batch norm, softmax: the end of a classifier. */
export function head(builder: Builder, x: Node, style: number): Node {
  const batch: Dim = x.type.shape[0] ?? 1;
  const pooled = style % 2 === 0 ? call(all.globalAveragePool, [x]) : x;
  const features = size(pooled, 1) * size(pooled, 2) * size(pooled, 3);
  const flat = call(all.reshape, [pooled], { shape: [batch, features] });
  const bound = Math.sqrt(3 / features);
  const logits = call(all.linear, [
    flat,
    filled(builder, [5, features], -bound, bound),
    ...(style % 3 === 0 ? [] : [filled(builder, [5])]),
  ]);
  const normed = style % 4 < 2 ? normalise(builder, logits) : logits;
  const activated = style % 5 === 0 ? call(all.gelu, [normed]) : normed;
  return style % 3 === 1 ? call(all.softmax, [activated], { axis: 1 }) : activated;
}
