/** Samples of `fused`: the forms that fusion makes, with aligned and unaligned channels. */
import { makeGraph, makeNode, type Node } from '../../ir/node.ts';
import type { Op, Sample, SampleInput } from '../../ir/op.ts';
import { add } from '../add.ts';
import { clip } from '../clip.ts';
import { constant } from '../constant.ts';
import { convTranspose2d } from '../conv-transpose2d.ts';
import { conv2d, type Conv2dAttrs } from '../conv2d.ts';
import type { NoAttrs } from '../elementwise.ts';
import { exp } from '../exp.ts';
import { gelu } from '../gelu.ts';
import { hardSwish } from '../hard-swish.ts';
import { linear } from '../linear.ts';
import { mul } from '../mul.ts';
import { prelu } from '../prelu.ts';
import { relu } from '../relu.ts';
import { relu6 } from '../relu6.ts';
import { rsqrt } from '../rsqrt.ts';
import { sigmoid } from '../sigmoid.ts';
import { sub } from '../sub.ts';
import { tanh } from '../tanh.ts';
import { where } from '../where.ts';
import { bodyInput, type FusedAttrs } from './body.ts';

/** `arg(i)` is the i-th operand. */
type Build = (arg: (index: number) => Node) => Node;

function sample(name: string, inputs: readonly SampleInput[], build: Build): Sample<FusedAttrs> {
  const leaves = inputs.map(({ shape }, index) => bodyInput(index, { dtype: 'f32', shape }));
  const arg = (index: number): Node => {
    const leaf = leaves[index];
    if (!leaf) throw new RangeError(`sample ${name} has no operand ${index}`);
    return leaf;
  };
  return { name, inputs, attrs: { body: makeGraph({ result: build(arg) }) } };
}

const one = (op: Op<NoAttrs>, ...inputs: readonly Node[]): Node => makeNode(op, inputs, {});
const scalar = (value: number): Node =>
  makeNode(constant, [], { tensor: { dtype: 'f32', shape: [1, 1, 1, 1], data: Float32Array.of(value) }, name: '' });

const pointwise: Conv2dAttrs = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 };
const padded: Conv2dAttrs = { ...pointwise, padding: [1, 1, 1, 1] };
const conv = (attrs: Conv2dAttrs, ...inputs: readonly Node[]): Node => makeNode(conv2d, inputs, attrs);

const upsample = (groups: number, ...inputs: readonly Node[]): Node => {
  const sizes = { stride: [2, 2], padding: [0, 1, 0, 1], outputPadding: [1, 0], dilation: [1, 1], groups } as const;
  return makeNode(convTranspose2d, inputs, sizes);
};

const fixed = (...shape: number[]): SampleInput => ({ shape, constant: true });
const given = (...shape: number[]): SampleInput => ({ shape });

const chain: Build = (arg) => one(mul, one(relu, one(add, arg(0), arg(1))), arg(2));

const elementwise: readonly Sample<FusedAttrs>[] = [
  sample('elementwise same', [given(2, 5, 3, 4), given(2, 5, 3, 4), given(2, 5, 3, 4)], chain),
  sample('elementwise broadcast', [given(2, 6, 3, 4), fixed(1, 6, 1, 1), given(2, 6, 1, 1)], chain),
  sample('elementwise matrix', [given(3, 7), fixed(1, 7), given(3, 7)], chain),
  sample('elementwise, one value a pixel', [given(2, 6, 3, 4), given(2, 1, 3, 4), given(2, 6, 3, 4)], chain),
  sample('elementwise, wide', [given(2, 6, 3, 67), given(1, 6, 1, 1), given(2, 6, 3, 67)], chain),
  sample('elementwise, gates and wide', [given(2, 5, 3, 67), given(2, 5, 1, 1), given(2, 1, 3, 67)], chain),
  sample('elementwise, vectors', [given(1, 1000), given(1, 1), given(1, 1000)], chain),
  sample('elementwise, unaligned vectors', [given(1, 999), given(1, 1), given(1, 999)], chain),
  sample('elementwise, one value a row', [given(3, 7), given(3, 7), given(3, 1)], chain),
  sample('elementwise, chosen where positive', [given(2, 5, 3, 4), given(2, 5, 3, 4), given(1, 5, 1, 1)], (arg) =>
    one(mul, makeNode(where, [arg(0), arg(1), scalar(0)], {}), one(rsqrt, one(exp, arg(2)))),
  ),
  sample('elementwise with a scalar', [given(2, 5, 3, 4)], (arg) => one(tanh, one(mul, arg(0), scalar(0.5)))),
  sample('elementwise, unary', [given(2, 3, 5, 4)], (arg) =>
    one(gelu, makeNode(clip, [arg(0)], { min: -0.5, max: 0.75 })),
  ),
];

const convolutions: readonly Sample<FusedAttrs>[] = [
  sample('conv2d, bias, relu', [given(2, 5, 6, 7), fixed(6, 5, 3, 3), fixed(6)], (arg) =>
    one(relu, conv(padded, arg(0), arg(1), arg(2))),
  ),
  sample('conv2d, residual, relu', [given(2, 8, 6, 6), fixed(8, 8, 3, 3), fixed(8), given(2, 8, 6, 6)], (arg) =>
    one(relu, one(add, conv(padded, arg(0), arg(1), arg(2)), arg(3))),
  ),
  sample('conv2d, residual first, unaligned', [given(1, 5, 7, 5), fixed(6, 5, 1, 1), given(1, 6, 7, 5)], (arg) =>
    one(sub, arg(2), conv(pointwise, arg(0), arg(1))),
  ),
  sample(
    'conv2d, stride 2, scale and shift',
    [given(2, 3, 9, 9), fixed(10, 3, 3, 3), fixed(1, 10, 1, 1), fixed(1, 10, 1, 1)],
    (arg) => one(relu6, one(add, one(mul, conv({ ...padded, stride: [2, 2] }, arg(0), arg(1)), arg(2)), arg(3))),
  ),
  sample('conv2d, silu written out', [given(2, 6, 5, 5), fixed(7, 6, 3, 3), fixed(7)], (arg) => {
    const y = conv(padded, arg(0), arg(1), arg(2));
    return one(mul, y, one(sigmoid, one(mul, y, scalar(1.5))));
  }),
  sample('conv2d, gate behind', [given(2, 6, 5, 5), fixed(7, 6, 1, 1), given(2, 7, 1, 1)], (arg) =>
    one(mul, conv(pointwise, arg(0), arg(1)), arg(2)),
  ),
  sample('conv2d, one value a pixel behind', [given(2, 6, 5, 5), fixed(7, 6, 3, 3), given(2, 1, 5, 5)], (arg) =>
    one(mul, conv(padded, arg(0), arg(1)), arg(2)),
  ),
  sample('conv2d 1x1, gate in front', [given(2, 6, 5, 4), fixed(9, 6, 1, 1), fixed(9), given(2, 6, 1, 1)], (arg) =>
    conv(pointwise, one(mul, arg(0), arg(3)), arg(1), arg(2)),
  ),
  sample(
    'conv2d 1x1, gate in front, residual',
    [given(2, 8, 5, 4), fixed(8, 8, 1, 1), fixed(8), given(2, 8, 1, 1), given(2, 8, 5, 4)],
    (arg) => one(add, conv(pointwise, one(mul, arg(0), arg(3)), arg(1), arg(2)), arg(4)),
  ),
  sample('depthwise, hardSwish', [given(2, 6, 7, 7), fixed(6, 1, 3, 3), fixed(6)], (arg) =>
    one(hardSwish, conv({ ...padded, groups: 6 }, arg(0), arg(1), arg(2))),
  ),
  sample('grouped, residual', [given(1, 8, 5, 5), fixed(12, 4, 3, 3), given(1, 12, 5, 5)], (arg) =>
    one(relu, one(add, conv({ ...padded, groups: 2 }, arg(0), arg(1)), arg(2))),
  ),
  sample(
    'conv2d, four further operands',
    [given(1, 4, 5, 5), fixed(6, 4, 3, 3), fixed(6), ...[0, 1, 2, 3].map(() => given(1, 6, 5, 5))],
    (arg) => [3, 4, 5, 6].reduce((sum, index) => one(add, sum, arg(index)), conv(padded, arg(0), arg(1), arg(2))),
  ),
];

// All kinds of operands behind a 1x1 convolution, whose kernels may see the image as one row, in images of one row or
// one column.
const narrow: readonly Sample<FusedAttrs>[] = [
  [1, 5],
  [5, 1],
  [1, 1],
].map(([height = 1, width = 1]) =>
  sample(
    `conv2d 1x1 of ${height}x${width}, scale, gate, one value a pixel, residual`,
    [
      given(2, 6, height, width),
      fixed(7, 6, 1, 1),
      fixed(1, 7, 1, 1),
      given(2, 7, 1, 1),
      given(2, 1, height, width),
      given(2, 7, height, width),
    ],
    (arg) => one(add, one(mul, one(mul, one(mul, conv(pointwise, arg(0), arg(1)), arg(2)), arg(3)), arg(4)), arg(5)),
  ),
);

const transposed: readonly Sample<FusedAttrs>[] = [
  sample('convTranspose2d, bias, relu', [given(2, 6, 4, 5), fixed(6, 8, 3, 3), fixed(8)], (arg) =>
    one(relu, upsample(1, arg(0), arg(1), arg(2))),
  ),
  sample(
    'convTranspose2d, slopes, residual',
    [given(1, 5, 4, 3), fixed(5, 6, 2, 2), fixed(6), fixed(1, 6, 1, 1), given(1, 6, 9, 4)],
    (arg) => one(add, one(prelu, upsample(1, arg(0), arg(1), arg(2)), arg(3)), arg(4)),
  ),
  sample('grouped convTranspose2d, residual', [given(1, 6, 4, 3), fixed(6, 2, 2, 2), given(1, 6, 9, 4)], (arg) =>
    one(sub, arg(2), upsample(3, arg(0), arg(1))),
  ),
];

const linears: readonly Sample<FusedAttrs>[] = [
  sample('linear, bias, gelu', [given(3, 10), fixed(7, 10), fixed(7)], (arg) =>
    one(gelu, makeNode(linear, [arg(0), arg(1), arg(2)], {})),
  ),
  sample('linear, one value a row', [given(3, 10), fixed(7, 10), given(3, 1)], (arg) =>
    one(sub, makeNode(linear, [arg(0), arg(1)], {}), arg(2)),
  ),
  sample('linear, scale, residual', [given(2, 12), fixed(8, 12), fixed(1, 8), given(2, 8)], (arg) =>
    one(add, one(mul, makeNode(linear, [arg(0), arg(1)], {}), arg(2)), arg(3)),
  ),
];

export const fusedSamples: readonly Sample<FusedAttrs>[] = [
  ...elementwise,
  ...convolutions,
  ...narrow,
  ...transposed,
  ...linears,
];
