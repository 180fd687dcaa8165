/** What elementwise ops share: the shape rules, the float64 loops and WGSL literals. */
import type { Attrs, Op, Sample } from '../ir/op.ts';
import type { Traits } from '../ir/traits.ts';
import { broadcastMap, broadcastTypes } from './broadcast.ts';
import { expectAtMost, expectFloat, operand } from './rules/expect.ts';

/** No attributes. */
export type NoAttrs = Readonly<Record<never, never>>;

const largestF32 = 3.4028234663852886e38;

/** A WGSL float literal: always with a point or an exponent; infinities become the largest finite value. */
export function wgslFloat(value: number): string {
  const text = String(Math.min(Math.max(value, -largestF32), largestF32));
  return /[.e]/.test(text) ? text : `${text}.0`;
}

export interface UnaryDefinition<A extends Attrs> {
  readonly name: string;
  readonly summary: string;
  /** The function in float64, for given attributes. */
  readonly map: (attrs: A) => (x: number) => number;
  /** The same on a `vec4f`; `x` is a name or a parenthesised expression, and it may occur several times. */
  readonly wgsl: (x: string, attrs: A) => string;
  readonly traits?: Traits<A>;
  readonly samples: readonly Sample<A>[];
}

/** An op on one f32 operand of any shape. */
export function unaryOp<A extends Attrs>(definition: UnaryDefinition<A>): Op<A> {
  const { name, summary, map, wgsl, traits = {}, samples } = definition;
  const action = `apply ${name} to`;
  return {
    name,
    summary,
    operands: ['x'],
    infer: (inputs) => {
      const x = operand(inputs, 0, `apply ${name}`);
      expectAtMost(inputs, 1, action);
      expectFloat(inputs, action);
      return x;
    },
    evaluate: (inputs, attrs) => {
      const x = operand(inputs, 0, `apply ${name}`);
      const f = map(attrs);
      const data = new Float64Array(x.data.length);
      for (let at = 0; at < data.length; at++) data[at] = f(x.data[at] ?? Number.NaN);
      return { dtype: 'f32', shape: x.shape, data };
    },
    scalar: ([x = ''], attrs) => wgsl(x, attrs),
    traits,
    samples,
  };
}

/** The samples of an op on one operand: a map with a channel remainder, a vector, and a wide range. */
export const unarySamples = <A extends Attrs>(attrs: A, range: readonly [number, number] = [-8, 8]): Sample<A>[] => [
  { name: 'map', inputs: [{ shape: [2, 5, 3, 4], range }], attrs },
  { name: 'matrix', inputs: [{ shape: [3, 7], range }], attrs },
];

export interface BinaryDefinition {
  readonly name: string;
  readonly summary: string;
  /** As in "cannot add f32[2] and f32[3]". */
  readonly verb: string;
  readonly map: (x: number, y: number) => number;
  readonly wgsl: (x: string, y: string) => string;
  readonly traits?: Traits<NoAttrs>;
  /** Range of the second operand; default [-2, 2]. */
  readonly range?: readonly [number, number];
}

/** An op on two f32 operands with numpy broadcasting. */
export function binaryOp(definition: BinaryDefinition): Op<NoAttrs> {
  const { name, summary, verb, map, wgsl, traits = {}, range = [-2, 2] } = definition;
  const sample = (label: string, a: readonly number[], b: readonly number[]): Sample<NoAttrs> => ({
    name: label,
    inputs: [{ shape: a }, { shape: b, range }],
    attrs: {},
  });
  return {
    name,
    summary,
    operands: ['a', 'b'],
    infer: (inputs) => {
      expectAtMost(inputs, 2, verb);
      return broadcastTypes(verb, operand(inputs, 0, verb), operand(inputs, 1, verb));
    },
    evaluate: (inputs) => broadcastMap(map, operand(inputs, 0, verb), operand(inputs, 1, verb)),
    scalar: ([a = '', b = '']) => wgsl(a, b),
    traits,
    samples: [
      sample('same', [2, 5, 3, 4], [2, 5, 3, 4]),
      sample('channels', [2, 6, 3, 4], [1, 6, 1, 1]),
      sample('gate', [2, 6, 3, 4], [2, 6, 1, 1]),
      sample('scalar', [2, 3, 2, 2], [1, 1, 1, 1]),
      sample('scalar first', [], [2, 3, 2, 2]),
      sample('matrix', [3, 7], [7]),
    ],
  };
}
