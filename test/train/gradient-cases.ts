/** For each differentiable op, a generator of random instances of it: shapes, attributes and values away from kinks. */
import { makeNode, type Node } from '../../compiler/ir/node.ts';
import type { Attrs, Op } from '../../compiler/ir/op.ts';
import { elementCount, type Tensor } from '../../compiler/ir/type.ts';
import * as all from '../../compiler/ops/index.ts';
import { storedLength } from '../../compiler/ops/rules/storage-order.ts';
import { broadcast, maps, sizes } from './draw-shapes.ts';
import { distinctTensors, keptFrom, type Draw } from './draw.ts';

/** An expression over given operands. */
export interface Instance {
  readonly operands: readonly Tensor[];
  readonly build: (operands: readonly Node[]) => Node;
}

export type Generator = (draw: Draw) => Instance;

type Shape = readonly number[];
type Range = readonly [number, number];

const wide: Range = [-3, 3];

const of =
  <A extends Attrs>(op: Op<A>, attrs: A) =>
  (operands: readonly Node[]): Node =>
    makeNode(op, operands, attrs);

/** An op with one operand of any shape. */
const unary =
  <A extends Attrs>(op: Op<A>, attrsOf: (draw: Draw) => A, kinks: readonly number[] = [], range = wide): Generator =>
  (draw) => {
    const [x] = distinctTensors(draw, [sizes(draw, draw.integer(0, 4), 3)], range);
    const attrs = attrsOf(draw);
    const bounds = [attrs['min'], attrs['max']].filter((value) => typeof value === 'number');
    return { operands: x ? [keptFrom(x, [...kinks, ...bounds], 1e-3)] : [], build: of(op, attrs) };
  };

const plain = (op: Op<Readonly<Record<never, never>>>, kinks?: readonly number[], range?: Range): Generator =>
  unary(op, () => ({}), kinks, range);

/** An op whose operands broadcast; none of their elements are equal. */
const several =
  (op: Op<Readonly<Record<never, never>>>, margin = 0): Generator =>
  (draw) => ({
    operands: distinctTensors(draw, broadcast(draw, op.operands.length), wide).map((x) => keptFrom(x, [0], margin)),
    build: of(op, {}),
  });

/** An op on shapes and attributes that are drawn together. */
const on =
  <A extends Attrs>(
    op: Op<A>,
    draft: (draw: Draw) => { shapes: readonly Shape[]; attrs: A; range?: Range },
  ): Generator =>
  (draw) => {
    const { shapes, attrs, range = wide } = draft(draw);
    return { operands: distinctTensors(draw, shapes, range), build: of(op, attrs) };
  };

const pair = (draw: Draw, least: number, most: number) =>
  [draw.integer(least, most), draw.integer(least, most)] as const;

const pads = (draw: Draw, most: readonly [number, number]) =>
  [draw.integer(0, most[0]), draw.integer(0, most[1]), draw.integer(0, most[0]), draw.integer(0, most[1])] as const;

/** Windows with a result on both sides: `[height, width]` of the input, and their attributes. */
function windows(draw: Draw, dilated: boolean) {
  const kernel = pair(draw, 1, 3);
  const [stride, dilation, padding] = [
    pair(draw, 1, 3),
    dilated ? pair(draw, 1, 2) : ([1, 1] as const),
    pads(draw, [2, 2]),
  ];
  const size = [0, 1].map((side) => {
    const least =
      (dilation[side] ?? 1) * ((kernel[side] ?? 1) - 1) + 1 - (padding[side] ?? 0) - (padding[side + 2] ?? 0);
    return Math.max(1, least) + draw.integer(0, 4);
  });
  return { kernel, stride, dilation, padding, size };
}

const groupings = (draw: Draw) => ({
  groups: draw.integer(1, 3),
  inputs: draw.integer(1, 2),
  outputs: draw.integer(1, 2),
});

const bias = (draw: Draw, size: number): number[][] => (draw.chance(0.5) ? [[size]] : []);

const conv2dCase: Generator = on(all.conv2d, (draw) => {
  const { kernel, size, ...rest } = windows(draw, true);
  const { groups, inputs, outputs } = groupings(draw);
  const x = [draw.integer(1, 2), inputs * groups, ...size];
  const weight = [outputs * groups, inputs, ...kernel];
  return { shapes: [x, weight, ...bias(draw, outputs * groups)], attrs: { ...rest, groups } };
});

const transposed = (draw: Draw, given: Partial<ReturnType<typeof windows>> = {}) => {
  const { kernel, stride, dilation, padding } = { ...windows(draw, true), ...given };
  const { groups, inputs, outputs } = groupings(draw);
  const outputPadding = [0, 1].map((side) => draw.integer(0, Math.max(stride[side] ?? 1, dilation[side] ?? 1) - 1));
  const size = [0, 1].map((side) => {
    const one = (dilation[side] ?? 1) * ((kernel[side] ?? 1) - 1) + 1 + (outputPadding[side] ?? 0);
    const lacking = 1 + (padding[side] ?? 0) + (padding[side + 2] ?? 0) - one;
    return 1 + Math.ceil(Math.max(0, lacking) / (stride[side] ?? 1)) + draw.integer(0, 2);
  });
  const x = [draw.integer(1, 2), inputs * groups, ...size];
  const weight = [inputs * groups, outputs, ...kernel];
  const attrs = {
    stride,
    dilation,
    padding,
    outputPadding: [outputPadding[0] ?? 0, outputPadding[1] ?? 0] as const,
    groups,
  };
  return { shapes: [x, weight, ...bias(draw, outputs * groups)], attrs };
};

const convTranspose2dCase: Generator = on(all.convTranspose2d, (draw) => transposed(draw));

/** Here an output padding can be as large as the stride. */
const dilatedTransposeCase: Generator = on(all.convTranspose2d, (draw) =>
  transposed(draw, { stride: [1, 2], dilation: [2, 3] }),
);

const linearCase: Generator = on(all.linear, (draw) => {
  const [depth, outputs] = pair(draw, 1, 5);
  const x = [...sizes(draw, draw.integer(0, 3), 3), depth];
  return { shapes: [x, [outputs, depth], ...bias(draw, outputs)], attrs: {} };
});

function poolAttrs(draw: Draw) {
  const kernel = pair(draw, 1, 3);
  const padding = pads(draw, [Math.floor(kernel[0] / 2), Math.floor(kernel[1] / 2)]);
  return { kernel, stride: pair(draw, 1, 3), padding, ceilMode: draw.chance(0.5) };
}

const pooled = (draw: Draw): number[] => [...sizes(draw, 2, 3), ...pair(draw, 3, 6)];

const averageCase = (draw: Draw) => ({
  x: pooled(draw),
  attrs: { ...poolAttrs(draw), countIncludePad: draw.chance(0.5) },
});

const axesOf = (draw: Draw, rank: number): number[] => {
  const axes = draw.shuffled(Array.from({ length: rank }, (_, axis) => axis));
  return axes.slice(0, draw.integer(1, rank));
};

const reduce = (op: typeof all.reduceSum): Generator =>
  on(op, (draw) => {
    const shape = sizes(draw, draw.integer(1, 4));
    return { shapes: [shape], attrs: { axes: axesOf(draw, shape.length), keepDims: draw.chance(0.5) } };
  });

const alongAxis = (op: typeof all.softmax): Generator =>
  on(op, (draw) => {
    const shape = sizes(draw, draw.integer(1, 4));
    return { shapes: [shape], attrs: { axis: draw.integer(0, shape.length - 1) } };
  });

/** At least two elements a channel, so that there is a variance. */
const normalised = (draw: Draw): number[] => [
  draw.integer(2, 3),
  draw.integer(1, 4),
  ...sizes(draw, draw.integer(0, 2), 3),
];

const eps = (draw: Draw): number => draw.pick([1e-5, 1e-3, 0.1]);

const batchNormCase: Generator = (draw) => {
  const shape = normalised(draw);
  const channels = [shape[1] ?? 1];
  const [x, gamma, beta, mean] = distinctTensors(draw, [shape, channels, channels, channels], wide);
  const [variance] = distinctTensors(draw, [channels], [0.3, 2]);
  const operands = [x, gamma, beta, mean, variance].filter((tensor) => tensor !== undefined);
  return { operands, build: of(all.batchNorm, { eps: eps(draw), momentum: 0.1 }) };
};

const batchNormTrainingCase: Generator = (draw) => {
  const shape = normalised(draw);
  const channels = [shape[1] ?? 1];
  const attrs = { eps: eps(draw) };
  const build = ([x, ...rest]: readonly Node[]): Node =>
    makeNode(all.batchNormTraining, x ? [x, makeNode(all.channelMoments, [x], {}), ...rest] : [], attrs);
  return { operands: distinctTensors(draw, [shape, channels, channels], wide), build };
};

const groupNormCase: Generator = on(all.groupNorm, (draw) => {
  const [groups, size] = [draw.integer(1, 3), draw.integer(1, 3)];
  const shape = [draw.integer(1, 2), groups * size, draw.integer(2, 3), ...sizes(draw, draw.integer(0, 1), 3)];
  const isMatrix = size > 1 && draw.chance(0.3);
  const channels = [groups * size];
  return {
    shapes: [isMatrix ? shape.slice(0, 2) : shape, channels, channels],
    attrs: { groups, eps: eps(draw) },
  };
});

const layerNormCase: Generator = on(all.layerNorm, (draw) => {
  const shape = [...sizes(draw, draw.integer(0, 3), 3), draw.integer(2, 4)];
  const parameter = shape.slice(-draw.integer(1, shape.length));
  return { shapes: [shape, parameter, parameter], attrs: { eps: eps(draw) } };
});

const concatCase: Generator = on(all.concat, (draw) => {
  const shape = sizes(draw, draw.integer(1, 4), 3);
  const axis = draw.integer(0, shape.length - 1);
  const shapes = sizes(draw, draw.integer(1, 4), 3).map((size) => shape.with(axis, size));
  return { shapes, attrs: { axis } };
});

/** Both places hold one operand: its contributions must be summed. */
const concatOfOne: Generator = (draw) => {
  const { operands, build } = concatCase(draw);
  return { operands: operands.slice(0, 1), build: ([x]) => build(x ? [x, x] : []) };
};

const sliceCase: Generator = on(all.slice, (draw) => {
  const shape = sizes(draw, draw.integer(1, 4));
  const axis = draw.integer(0, shape.length - 1);
  const from = draw.integer(0, (shape[axis] ?? 1) - 1);
  return { shapes: [shape], attrs: { axis, from, to: draw.integer(from + 1, shape[axis] ?? 1) } };
});

const padCase: Generator = on(all.pad, (draw) => {
  const shape = sizes(draw, draw.integer(1, 4), 3);
  const amounts = (): number[] => shape.map(() => draw.pick([0, 0, 1, 2]));
  return { shapes: [shape], attrs: { before: amounts(), after: amounts(), value: draw.pick([0, 1.5]) } };
});

const permuted = (draw: Draw) => {
  const shape = sizes(draw, draw.integer(1, 5), 3);
  return { shapes: [shape], attrs: { permutation: draw.shuffled([...shape.keys()]) } };
};

const dilateCase: Generator = on(all.dilate, (draw) => {
  const [plane, stride] = [pair(draw, 1, 3), pair(draw, 1, 3)];
  const extent = (side: 0 | 1): number => (plane[side] - 1) * stride[side] + 1 + draw.integer(0, 4);
  return { shapes: [[...sizes(draw, 2, 3), ...plane]], attrs: { stride, size: [extent(0), extent(1)] as const } };
});

/** Tensors in a flat vector, whose padding lanes move nothing. */
const flatCase: Generator = on(all.flatStorage, (draw) => ({
  shapes: Array.from({ length: draw.integer(1, 3) }, () => sizes(draw, draw.integer(0, 4), 5)),
  attrs: {},
}));

const fromFlatCase: Generator = on(all.fromStorage, (draw) => {
  const shape = sizes(draw, draw.integer(0, 4), 5);
  const offset = 4 * draw.integer(0, 2);
  return { shapes: [[1, offset + storedLength(shape) + 4 * draw.integer(0, 2)]], attrs: { offset, shape } };
});

const expandCase: Generator = on(all.expand, (draw) => {
  const shape = sizes(draw, draw.integer(1, 4), 3);
  return { shapes: [shape.map((size) => (draw.chance(0.5) ? 1 : size))], attrs: { shape } };
});

const adaptive = (op: Op<{ readonly size: readonly [number, number] }>): Generator =>
  on(op, (draw) => ({ shapes: [maps(draw)], attrs: { size: pair(draw, 1, 6) } }));

const drawResize = (draw: Draw) => ({
  shapes: [[...sizes(draw, 2, 2), ...pair(draw, 1, 5)]],
  attrs: { size: pair(draw, 1, 8), mode: draw.pick(['nearest', 'bilinear']) },
});

export const generators: Readonly<Record<string, readonly Generator[]>> = {
  relu: [plain(all.relu, [0])],
  relu6: [plain(all.relu6, [0, 6], [-4, 9])],
  hardSigmoid: [plain(all.hardSigmoid, [-3, 3], [-5, 5])],
  hardSwish: [plain(all.hardSwish, [-3, 3], [-5, 5])],
  sigmoid: [plain(all.sigmoid)],
  tanh: [plain(all.tanh)],
  silu: [plain(all.silu)],
  mish: [plain(all.mish)],
  gelu: [plain(all.gelu)],
  geluGrad: [plain(all.geluGrad)],
  softplus: [plain(all.softplus)],
  exp: [plain(all.exp)],
  neg: [plain(all.neg)],
  abs: [plain(all.abs, [0])],
  log: [plain(all.log, [], [0.2, 3])],
  sqrt: [plain(all.sqrt, [], [0.2, 3])],
  rsqrt: [plain(all.rsqrt, [], [0.2, 3])],
  leakyRelu: [unary(all.leakyRelu, (draw) => ({ alpha: draw.pick([0.01, 0.3, 0, -0.5, 1.5]) }), [0])],
  elu: [unary(all.elu, (draw) => ({ alpha: draw.pick([1, 0.5, 2, -0.5]) }), [0])],
  clip: [
    unary(all.clip, (draw) => ({
      min: draw.pick([-Infinity, -1.1, 0.2]),
      max: draw.pick([Infinity, 1.7, 0.4]),
    })),
  ],
  dropout: [unary(all.dropout, (draw) => ({ p: draw.uniform() }))],
  add: [several(all.add)],
  sub: [several(all.sub)],
  mul: [several(all.mul)],
  div: [several(all.div, 0.3)],
  maximum: [several(all.maximum)],
  minimum: [several(all.minimum)],
  prelu: [several(all.prelu, 1e-3)],
  where: [several(all.where, 1e-3)],
  expand: [expandCase],
  conv2d: [conv2dCase],
  convTranspose2d: [convTranspose2dCase, dilatedTransposeCase],
  linear: [linearCase],
  packWeights: [
    on(all.packWeights, (draw) => ({
      shapes: [sizes(draw, draw.pick([2, 4]))],
      attrs: { form: 'outputs', groups: 1 },
    })),
  ],
  sumSlices: [
    on(all.sumSlices, (draw) => {
      const [slices, size] = pair(draw, 1, 3);
      return { shapes: [[slices * size, ...sizes(draw, draw.integer(0, 3), 3)]], attrs: { slices } };
    }),
  ],
  maxPool2d: [on(all.maxPool2d, (draw) => ({ shapes: [pooled(draw)], attrs: poolAttrs(draw) }))],
  averagePool2d: [
    on(all.averagePool2d, (draw) => {
      const { x, attrs } = averageCase(draw);
      return { shapes: [x], attrs };
    }),
  ],
  averagePool2dGrad: [
    on(all.averagePool2dGrad, (draw) => {
      const { x, attrs } = averageCase(draw);
      const y = all.averagePool2d.infer([{ dtype: 'f32', shape: x }], attrs).shape.map(Number);
      return { shapes: [y], attrs: { ...attrs, size: [x[2] ?? 1, x[3] ?? 1] as const } };
    }),
  ],
  globalAveragePool: [on(all.globalAveragePool, (draw) => ({ shapes: [maps(draw)], attrs: {} }))],
  adaptiveAveragePool2d: [adaptive(all.adaptiveAveragePool2d)],
  adaptiveAveragePool2dGrad: [adaptive(all.adaptiveAveragePool2dGrad)],
  resize: [on(all.resize, drawResize)],
  resizeGrad: [on(all.resizeGrad, drawResize)],
  concat: [concatCase, concatOfOne],
  slice: [sliceCase],
  subsample: [on(all.subsample, (draw) => ({ shapes: [pooled(draw)], attrs: { stride: pair(draw, 1, 4) } }))],
  dilate: [dilateCase],
  pad: [padCase],
  reshape: [
    on(all.reshape, (draw) => {
      const shape = sizes(draw, draw.integer(0, 4), 3);
      return {
        shapes: [shape],
        attrs: { shape: draw.pick([[elementCount(shape)], [1, ...shape], shape.toReversed()]) },
      };
    }),
  ],
  transpose: [on(all.transpose, permuted)],
  channelShuffle: [
    on(all.channelShuffle, (draw) => {
      const [groups, size] = pair(draw, 1, 4);
      return { shapes: [[draw.integer(1, 2), groups * size, ...pair(draw, 1, 2)]], attrs: { groups } };
    }),
  ],
  selectChannels: [
    on(all.selectChannels, (draw) => {
      const channels = draw.integer(1, 4);
      const indices = Array.from({ length: draw.integer(1, 6) }, () => draw.integer(-1, channels - 1));
      return { shapes: [[draw.integer(1, 2), channels, ...pair(draw, 1, 2)]], attrs: { indices } };
    }),
  ],
  pixelShuffle: [
    on(all.pixelShuffle, (draw) => {
      const factor = draw.integer(1, 3);
      return {
        shapes: [[draw.integer(1, 2), draw.integer(1, 2) * factor ** 2, ...pair(draw, 1, 3)]],
        attrs: { factor },
      };
    }),
  ],
  fromStorage: [fromFlatCase],
  flatStorage: [flatCase],
  reduceSum: [reduce(all.reduceSum)],
  reduceMean: [reduce(all.reduceMean)],
  reduceMax: [reduce(all.reduceMax)],
  softmax: [alongAxis(all.softmax)],
  logSoftmax: [alongAxis(all.logSoftmax)],
  channelMoments: [on(all.channelMoments, (draw) => ({ shapes: [normalised(draw)], attrs: {} }))],
  batchNorm: [batchNormCase],
  batchNormTraining: [batchNormTrainingCase],
  groupNorm: [groupNormCase],
  layerNorm: [layerNormCase],
};
