/** Random convolutional networks for property tests: a list of choices, folded into a graph. */
import fc from 'fast-check';
import { symbolicDim } from '../../compiler/ir/dim.ts';
import { makeGraph, makeNode, type Graph, type Node } from '../../compiler/ir/node.ts';
import * as all from '../../compiler/ops/all.ts';
import { constantNode } from '../../compiler/passes/constants.ts';
import {
  activate,
  binary,
  bounded,
  call,
  regroup,
  clamps,
  constantShapes,
  convolve,
  enlarge,
  filled,
  head,
  move,
  normalise,
  partner,
  pick,
  pool,
  scalar,
  size,
  squeezeExcite,
  standardise,
  twins,
  type Builder,
  type Choice,
} from './random-layers.ts';

/** One step of a network; what the numbers mean depends on the kind. A step that does not fit is left out. */
export interface Step extends Choice {
  readonly kind: StepKind;
  /** Which value it reads: 0 the latest. */
  readonly from: number;
}

const steps = {
  conv: (builder: Builder, x: Node, step: Step) => convolve(builder, x, 1 + (step.a % 5), step),
  normed: (builder: Builder, x: Node, step: Step) => {
    const y = convolve(builder, x, 1 + (step.a % 5), step);
    return y && activate(normalise(builder, y), step.b);
  },
  norm: (builder: Builder, x: Node) => normalise(builder, x),
  act: (_: Builder, x: Node, step: Step) => activate(x, step.a),
  clamped: (_: Builder, x: Node, step: Step) => {
    // Clamps differ only far from zero, and some rewrites need two in a row.
    const once = pick(clamps, step.a)(call(all.mul, [x, scalar(16)]));
    return step.c % 2 === 0 ? once : pick(clamps, step.b)(once);
  },
  twins: (_: Builder, x: Node, step: Step) => call(all.sub, pick(twins, step.a)(x)),
  smooth: (_: Builder, x: Node, step: Step) => pick(bounded, step.a)(x),
  residual: (builder: Builder, x: Node, step: Step) => {
    const y = convolve(builder, x, size(x, 1), step, true);
    if (!y) return undefined;
    const normed = step.b % 2 === 0 ? normalise(builder, y) : y;
    return activate(call(all.add, step.c % 2 === 0 ? [normed, x] : [x, normed]), step.a);
  },
  combine: (builder: Builder, x: Node, step: Step) => {
    const y = partner(builder, x, step);
    return y && call(all.tanh, [call(pick(binary, step.a), [x, y])]);
  },
  affine: (builder: Builder, x: Node, step: Step) => {
    const operand = filled(builder, pick(constantShapes(x), step.b), 0.5, 1.5);
    const inputs = step.c % 2 === 0 ? [x, operand] : [operand, x];
    return call(pick([...binary, all.div], step.a), step.a % 7 === 6 ? [x, operand] : inputs);
  },
  neutral: (_: Builder, x: Node, step: Step) => {
    const shape = pick(constantShapes(x).slice(0, 4), step.b);
    const count = shape.reduce((product, length) => product * length, 1);
    const constant = (value: number): Node =>
      constantNode({ dtype: 'f32', shape, data: new Float32Array(count).fill(value) });
    return step.a % 2 === 0 ? call(all.mul, [x, constant(1)]) : call(all.add, [constant(0), x]);
  },
  excite: squeezeExcite,
  pool: (_: Builder, x: Node, step: Step) => pool(x, step),
  move: (_: Builder, x: Node, step: Step) => move(x, step),
  channels: regroup,
  enlarge,
  standardise,
  folded: (builder: Builder, x: Node, step: Step) => {
    const shape = [1, size(x, 1), 1, 1];
    const scale = call(all.mul, [filled(builder, shape), call(all.sqrt, [filled(builder, shape, 0.5, 1)])]);
    return call(all.mul, [x, call(pick([all.add, all.sub], step.a), [scale, filled(builder, [1])])]);
  },
} satisfies Record<string, (builder: Builder, x: Node, step: Step) => Node | undefined>;

export type StepKind = keyof typeof steps;

/** How often each kind is drawn: what occurs often in networks, and what passes look for, more often. */
const weights: Readonly<Record<StepKind, number>> = {
  conv: 2,
  normed: 3,
  norm: 1,
  act: 2,
  clamped: 3,
  twins: 1,
  smooth: 1,
  residual: 2,
  combine: 2,
  affine: 2,
  neutral: 1,
  excite: 2,
  pool: 1,
  move: 2,
  channels: 4,
  enlarge: 1,
  standardise: 1,
  folded: 1,
};

/** Everything that decides a network. */
export interface Recipe {
  readonly input: readonly [number, number, number];
  readonly steps: readonly Step[];
  readonly head: number;
  /** Further outputs, by index into the values. */
  readonly outputs: readonly number[];
}

/** The largest plane of a value; keeps a run of hundreds of graphs within seconds. */
const largestPlane = 200;

function fitsBudget(node: Node): boolean {
  const [, count = 0, height = 0, width = 0] = node.type.shape.map((dim) => (typeof dim === 'number' ? dim : 1));
  return (
    node.type.shape.length === 4 &&
    typeof node.type.shape[1] === 'number' &&
    count <= 12 &&
    height * width <= largestPlane
  );
}

/** The network of a recipe. */
export function buildGraph({ input, steps: list, head: style, outputs }: Recipe): Graph {
  const shape = [symbolicDim('N'), ...input];
  const builder: Builder = {
    values: [makeNode(all.input, [], { name: 'x', index: 0, dtype: 'f32', shape })],
    weights: [],
    seed: 1,
  };
  for (const step of list) {
    const x = builder.values.at(-1 - (step.from % Math.min(3, builder.values.length)));
    try {
      const value = x && steps[step.kind](builder, x, step);
      if (value && value !== x && fitsBudget(value)) builder.values.push(value);
    } catch (error) {
      // A window larger than its map and the like: the step does not fit here.
      if (!(error instanceof Error) || error.name !== 'OpError') throw error;
    }
  }
  const latest = builder.values.at(-1);
  if (!latest) throw new RangeError('a network has a value');
  const named: [string, Node][] = outputs.map((index, at) => [`y${at + 1}`, pick(builder.values, index)]);
  return makeGraph({ y: style === 0 ? latest : head(builder, latest, style), ...Object.fromEntries(named) });
}

const kinds = Object.entries(weights).map(([kind, weight]) => ({ weight, arbitrary: fc.constant(kind as StepKind) }));

const natural = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });

/** Random recipes: 2 to 14 steps on a small map, mostly a chain, with branches and sometimes several outputs. */
export const recipes: fc.Arbitrary<Recipe> = fc.record({
  input: fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 4, max: 8 }), fc.integer({ min: 4, max: 8 })),
  steps: fc.array(
    fc.record({
      kind: fc.oneof(...kinds),
      from: fc.constantFrom(0, 0, 0, 0, 1, 2),
      a: natural(63),
      b: natural(63),
      c: natural(63),
    }),
    { minLength: 2, maxLength: 14, size: 'max' },
  ),
  head: natural(60).map((style) => (style > 30 ? 0 : style)),
  outputs: fc.array(natural(13), { maxLength: 2 }),
});
