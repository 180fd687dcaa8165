/** Random programs on vectors of state: whatever can happen to old and new values between two steps. */
import fc from 'fast-check';
import { makeGraph, makeNode, type Graph, type Node } from '../../compiler/ir/node.ts';
import * as all from '../../compiler/ops/all.ts';
import { storedLength } from '../../compiler/ops/rules/storage-order.ts';
import { constantNode } from '../../compiler/passes/constants.ts';
import { call, pick } from '../passes/random-layers.ts';

/** The tensors in every vector: with padding lanes, which are zero in all values, or without any. */
export const layouts = {
  padded: [[1, 6, 1, 1], [2, 3], [5], [2, 2, 3, 1], [1, 4]],
  full: [[1, 8, 1, 1], [2, 4], [8], [2, 4, 3, 1], [1, 4]],
} as const;
export type LayoutName = keyof typeof layouts;

export interface StateRecipe {
  readonly layout: LayoutName;
  readonly steps: readonly { readonly kind: keyof typeof steps; readonly a: number; readonly b: number }[];
  /** For each vector, the value that it is updated by; where it is `kept`, none. */
  readonly updates: readonly { readonly value: number; readonly kept: boolean }[];
  readonly outputs: readonly { readonly value: number; readonly part: number }[];
}

const partOf = (value: Node, layout: LayoutName, index: number): Node => {
  const shapes: readonly (readonly number[])[] = layouts[layout];
  const at = index % shapes.length;
  const offset = shapes.slice(0, at).reduce((sum, shape) => sum + storedLength(shape), 0);
  return call(all.fromStorage, [value], { offset, shape: shapes[at] });
};

const half = constantNode({ dtype: 'f32', shape: [1, 1], data: Float32Array.of(0.5) });

const mix = (x: Node, y: Node): Node => call(all.tanh, [call(all.add, [call(all.mul, [x, half]), y])]);

/** All keep zeros in padding lanes and values within a few units. */
const steps = {
  mix,
  difference: (x: Node, y: Node) => call(all.mul, [call(all.sub, [x, y]), half]),
  scale: (x: Node) => call(all.mul, [x, half]),
  // Each element of the result reads the whole vector, which no kernel does in place.
  spread: (x: Node, y: Node) =>
    call(all.tanh, [call(all.mul, [x, call(all.reduceMean, [y], { axes: [1], keepDims: true })])]),
  parts: (x: Node, y: Node, layout: LayoutName) =>
    call(
      all.flatStorage,
      layouts[layout].map((_, index) => {
        const part = partOf(index % 2 === 0 ? x : y, layout, index);
        return index === 2 ? part : call(all.neg, [part]);
      }),
    ),
  regroup: (x: Node, y: Node, layout: LayoutName) =>
    call(
      all.flatStorage,
      layouts[layout].map((shape, index) => {
        const [a, b] = [partOf(x, layout, index), partOf(y, layout, index)];
        return shape.length === 4 ? call(all.tanh, [call(all.add, [a, b])]) : a;
      }),
    ),
  // The rest moves elements between lanes, of which some must stay zero.
  shift: (x: Node, y: Node, layout: LayoutName) => {
    if (layout === 'padded') return mix(x, y);
    const start = call(all.slice, [x], { axis: 1, from: 0, to: Number(x.type.shape[1]) - 5 });
    return call(all.pad, [start], { before: [0, 5], after: [0, 0], value: 0 });
  },
  softmax: (x: Node, y: Node, layout: LayoutName) =>
    layout === 'padded' ? mix(x, y) : call(all.softmax, [x], { axis: 1 }),
} satisfies Record<string, (x: Node, y: Node, layout: LayoutName) => Node>;

export function buildState({ layout, steps: list, updates, outputs }: StateRecipe): Graph {
  const shape = [1, layouts[layout].reduce((sum, part) => sum + storedLength(part), 0)];
  const vector = (name: string): Node =>
    makeNode(all.parameter, [], { name, dtype: 'f32', shape, init: { kind: 'zeros' } });
  const states = updates.map((_, index) => vector(`s${index}`));
  const x = makeNode(all.input, [], { name: 'x', index: 0, dtype: 'f32', shape });
  const values: Node[] = [x, ...states];
  for (const { kind, a, b } of list) values.push(steps[kind](pick(values, a), pick(values, b), layout));
  const named = outputs.map(({ value, part }, index): [string, Node] => {
    const node = pick(values, value);
    return [`y${index}`, part < layouts[layout].length ? partOf(node, layout, part) : node];
  });
  const next = states.flatMap((state, index): [Node, Node][] => {
    const { value = 0, kept = true } = updates[index] ?? {};
    return kept ? [] : [[state, pick(values, value)]];
  });
  // Every vector and the input are read by something.
  const sum = values.slice(0, states.length + 1).reduce((left, right) => call(all.add, [left, right]));
  return makeGraph({ sum, ...Object.fromEntries(named) }, new Map(next));
}

const natural = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });

export const stateRecipes: fc.Arbitrary<StateRecipe> = fc.record({
  layout: fc.constantFrom('padded', 'full'),
  steps: fc.array(
    fc.record({
      kind: fc.constantFrom(...(Object.keys(steps) as (keyof typeof steps)[])),
      a: natural(40),
      b: natural(40),
    }),
    { minLength: 1, maxLength: 8, size: 'max' },
  ),
  updates: fc.array(fc.record({ value: natural(40), kept: fc.constantFrom(false, false, false, true) }), {
    minLength: 1,
    maxLength: 3,
  }),
  outputs: fc.array(fc.record({ value: natural(40), part: natural(layouts.full.length) }), { maxLength: 2 }),
});
