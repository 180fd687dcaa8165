/** Random networks of the layers that pruning has to see through: shortcuts, shuffles, splits, gates, groups, flattening. */
import fc from 'fast-check';
import { shapesEqual } from '../../../compiler/ir/dim.ts';
import { makeGraph, makeNode, type Graph, type Node } from '../../../compiler/ir/node.ts';
import { symbolicDim } from '../../../compiler/ir/dim.ts';
import * as all from '../../../compiler/ops/all.ts';
import {
  activate,
  binary,
  call,
  convolve,
  enlarge,
  filled,
  head,
  normalise,
  partner,
  pick,
  pool,
  regroup,
  size,
  squeezeExcite,
  type Builder,
  type Choice,
} from '../random-layers.ts';

const plain = { a: 0, b: 0, c: 0 };

const sliced = (x: Node, from: number, to: number): Node => call(all.slice, [x], { axis: 1, from, to });
const joined = (...parts: Node[]): Node => call(all.concat, parts, { axis: 1 });
const mixed = (builder: Builder, x: Node, outputs: number): Node => convolve(builder, x, outputs, plain, true) ?? x;

/** Depthwise or grouped, plain or transposed. */
function grouped(builder: Builder, x: Node, step: Choice): Node {
  const channels = size(x, 1);
  const groups = pick(
    [channels, channels, 2, 3].filter((count) => channels % count === 0),
    step.a,
  );
  const perGroup = 1 + (step.b % 2);
  const common = { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1], groups };
  if (step.c % 3 === 0) {
    const weight = filled(builder, [channels, perGroup, 3, 3]);
    return call(all.convTranspose2d, [x, weight], { ...common, outputPadding: [0, 0] });
  }
  const weight = filled(builder, [groups * perGroup, channels / groups, 3, 3]);
  const bias = filled(builder, [groups * perGroup]);
  return call(all.conv2d, step.c % 2 === 0 ? [x, weight] : [x, weight, bias], common);
}

/** Option A of ResNets: every second pixel, and zeros for the channels that are not there. */
function shortcut(builder: Builder, x: Node, step: Choice): Node | undefined {
  const [channels, extra] = [size(x, 1), 1 + (step.a % 4)];
  if (size(x, 2) % 2 === 1 || size(x, 3) % 2 === 1) return undefined;
  const before = step.b % (extra + 1);
  const wide = call(all.pad, [call(all.subsample, [x], { stride: [2, 2] })], {
    before: [0, before, 0, 0],
    after: [0, extra - before, 0, 0],
    value: step.c % 5 === 0 ? 0.5 : 0,
  });
  const work = call(all.subsample, [mixed(builder, x, channels + extra)], { stride: [2, 2] });
  return activate(call(all.add, [normalise(builder, work), wide]), step.c);
}

/** A unit of ShuffleNetV2. */
function shuffleUnit(builder: Builder, x: Node): Node | undefined {
  const channels = size(x, 1);
  if (channels % 2 === 1) return undefined;
  const [keep, work] = [sliced(x, 0, channels / 2), sliced(x, channels / 2, channels)];
  const done = call(all.relu, [normalise(builder, mixed(builder, work, channels / 2))]);
  return call(all.channelShuffle, [joined(keep, done)], { groups: 2 });
}

/** Channels in a grid, transposed, as shuffles are written by hand. */
function shuffleByHand(x: Node, step: Choice): Node | undefined {
  const channels = size(x, 1);
  const groups = pick([2, 3], step.a);
  if (channels % groups !== 0) return undefined;
  const [batch, , height, width] = x.type.shape;
  const grid = call(all.reshape, [x], { shape: [batch, groups, channels / groups, height, width] });
  const turned = call(all.transpose, [grid], { permutation: [0, 2, 1, 3, 4] });
  return call(all.reshape, [turned], { shape: x.type.shape });
}

/** Group norm, learnt slopes and scales. */
function scaled(builder: Builder, x: Node, step: Choice): Node {
  const channels = size(x, 1);
  if (step.a % 3 === 0) return call(all.prelu, [x, filled(builder, [step.b % 2 === 0 ? channels : 1, 1, 1])]);
  if (step.a % 3 === 1) return call(all.mul, [filled(builder, [1, channels, 1, 1]), x]);
  const groups = pick(
    [1, 2, channels].filter((count) => channels % count === 0),
    step.b,
  );
  return call(all.groupNorm, [x, filled(builder, [channels]), filled(builder, [channels])], { groups, eps: 0.05 });
}

/** Maps to features through layers of features, and back. */
function throughFeatures(builder: Builder, x: Node, step: Choice): Node {
  const [batch = 1] = x.type.shape;
  const pooled = call(all.adaptiveAveragePool2d, [x], { size: [2, 1] });
  const flat = call(all.reshape, [pooled], { shape: [batch, size(x, 1) * 2] });
  const middle = call(all.tanh, [call(all.linear, [flat, filled(builder, [5, size(flat, 1)]), filled(builder, [5])])]);
  const outputs = 2 + (step.a % 4);
  const features = call(all.linear, [middle, filled(builder, [outputs * 4, 5])]);
  return call(all.reshape, [features], { shape: [batch, outputs, 2, 2] });
}

const steps: readonly ((builder: Builder, x: Node, step: Choice) => Node | undefined)[] = [
  (builder, x, step) => mixed(builder, x, 2 + (step.a % 6)),
  (builder, x, step) => activate(normalise(builder, mixed(builder, x, 2 + (step.a % 6))), step.b),
  (builder, x, step) => convolve(builder, x, 1 + (step.a % 5), step),
  (builder, x, step) => activate(call(all.add, [x, mixed(builder, x, size(x, 1))]), step.a),
  grouped,
  shortcut,
  shuffleUnit,
  (_, x, step) => shuffleByHand(x, step),
  scaled,
  throughFeatures,
  squeezeExcite,
  regroup,
  enlarge,
  (builder, x, step) => {
    const small = call(all.subsample, [mixed(builder, x, 4 * (1 + (step.a % 3)))], { stride: [2, 2] });
    return call(all.pixelShuffle, [small], { factor: 2 });
  },
  (_, x) => (size(x, 1) < 7 ? joined(x, x) : undefined),
  (_, x, step) => pool(x, step),
  (builder, x, step) => {
    const y = partner(builder, x, step);
    return y && call(pick(binary, step.a), [x, y]);
  },
  (builder, x) => {
    const older = builder.values.find(
      (value) => value !== x && shapesEqual(value.type.shape.with(1, 1), x.type.shape.with(1, 1)),
    );
    return older && joined(older, x);
  },
];

export interface PlannedNetwork {
  readonly steps: readonly (Choice & { readonly kind: number; readonly from: number })[];
  readonly head: number;
}

const natural = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });

export const plannedNetworks: fc.Arbitrary<PlannedNetwork> = fc.record({
  steps: fc.array(
    fc.record({
      kind: natural(steps.length - 1),
      from: fc.constantFrom(0, 0, 0, 0, 1, 2),
      a: natural(63),
      b: natural(63),
      c: natural(63),
    }),
    { minLength: 3, maxLength: 12, size: 'max' },
  ),
  head: natural(60),
});

const fits = ({ type: { shape } }: Node): boolean =>
  shape.length === 4 && Number(shape[1]) <= 16 && Number(shape[2]) * Number(shape[3]) <= 150;

/** The network of a plan; steps that do not fit are left out. Its constants stand for weights. */
export function networkOf({ steps: list, head: style }: PlannedNetwork): Graph {
  const shape = [symbolicDim('N'), 2, 6, 8];
  const x = makeNode(all.input, [], { name: 'x', index: 0, dtype: 'f32', shape });
  const builder: Builder = { values: [x], weights: [], seed: 1 };
  builder.values.push(mixed(builder, x, 4));
  for (const step of list) {
    const from = builder.values.at(-1 - (step.from % Math.min(3, builder.values.length)));
    try {
      const value = from && pick(steps, step.kind)(builder, from, step);
      if (value && value !== from && fits(value)) builder.values.push(value);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'OpError') throw error;
    }
  }
  return makeGraph({ y: head(builder, builder.values.at(-1) ?? x, style) });
}
