/** What the tables of directives are made of: kinds of values with their types, fields, defaults, and the usual numbers. */
import type { Quantity } from '../../../grammar/units.ts';
import type { Setting } from './settings.ts';

/** What a value may be. Numbers are compared with their ranges in base units (`grammar/units.ts`). */
export type Spec =
  | {
      readonly kind: 'number';
      readonly integer?: true;
      readonly least?: number;
      readonly most?: number;
      /** Units that may follow; a number without a unit is always taken, except where `bare` is false. */
      readonly units?: readonly Quantity[];
      readonly bare?: false;
      /** A whole number, or a share: below one, or with `%`. */
      readonly sharing?: true;
      /** The help line for a number out of range, where the usual value or the end of the range is none. */
      readonly help?: string;
    }
  | { readonly kind: 'bool' | 'string' | 'metric' | 'model' | 'globs' | 'sizes' }
  /** Calls joined by `+`, each with a factor in front. */
  | { readonly kind: 'loss'; readonly functions: Functions }
  /** One of several bare names; a string does as well. */
  | { readonly kind: 'choice'; readonly names: readonly string[] }
  | { readonly kind: 'call'; readonly functions: Functions }
  | { readonly kind: 'list'; readonly of: Spec; readonly length?: number }
  | { readonly kind: 'pairs'; readonly of: Spec }
  /** The name of a directive with one of these words, with `.member` where members are listed. */
  | { readonly kind: 'reference'; readonly words: readonly string[]; readonly members?: readonly string[] }
  | { readonly kind: 'group'; readonly fields: Fields }
  | { readonly kind: 'items'; readonly functions: Functions };

declare const valueType: unique symbol;
/** A spec whose values reach their readers as a T; `complete` makes them. */
export type Typed<T> = Spec & { readonly [valueType]?: T };

/** A length or moment of the run. */
export interface Time {
  value: number;
  unit: 'epochs' | 'steps';
}

/** So many samples, or a share of those there are. */
export type Size = number | { share: number };

/** A number that means something else with each of its units. */
export interface Figure {
  readonly value: number;
  readonly quantity: Quantity | undefined;
}

/**
 * What holds where nothing is written: a value; a call with the defaults of its parameters; a group with those of its
 * keys; or a rule, printed as `rule`. `of` has the other values of the group or call, those that are rules behind it left
 * out; a rule without `of` is one that the reader of `undefined` follows.
 */
export type Default =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'call'; readonly name: string }
  | { readonly kind: 'group' }
  | { readonly kind: 'rule'; readonly rule: string; of?(others: Readonly<Record<string, unknown>>): unknown };

export interface Field<T = unknown> {
  readonly spec: Typed<T>;
  readonly required?: true;
  /** Absent where it is required. */
  readonly default?: Default;
  readonly doc: string;
  readonly within?: Limit;
}

/** A time that must come before the end of the run, or at the latest with it: what follows where it does not. */
export interface Limit {
  readonly consequence: string;
  readonly mayEqual?: true;
}

export type Fields = Readonly<Record<string, Field>>;
/** Functions by name; their parameters in order. */
export type Functions = Readonly<Record<string, Fields>>;

type Camel<S extends string> = S extends `${infer Head}_${infer Rest}` ? `${Head}${Capitalize<Camel<Rest>>}` : S;

/** Every value of a group or call, given or not, with keys in camel case. */
export type Values<F extends Fields> = {
  readonly [K in keyof F & string as Camel<K>]: F[K] extends Field<infer T> ? T : never;
};

/** Any of the calls with all their arguments; `kind` is the name. */
export type CallOf<F extends Functions> = {
  [N in keyof F & string]: { readonly kind: N } & Values<F[N]>;
}[keyof F & string];

export interface DirectiveSchema {
  readonly doc: string;
  readonly name: 'required' | 'optional' | 'none';
  /** What `for` names. */
  readonly target: 'model' | 'model or stage' | 'none';
  readonly fields: Fields;
  /** Calls that stand as entries of their own. */
  readonly items?: Functions;
  /** Whether entries are comparisons. */
  readonly constraints?: true;
}

export const bool: Typed<boolean> = { kind: 'bool' };
export const text: Typed<string> = { kind: 'string' };
export const metric: Typed<string> = { kind: 'metric' };
export const globs: Typed<string[]> = { kind: 'globs' };
export const sizes: Typed<Readonly<Record<string, number>>> = { kind: 'sizes' };
/** A model of the file, or the name of a stage. */
export const model: Typed<Extract<Setting, { kind: 'model' | 'name' }>> = { kind: 'model' };
export const natural: Typed<number> = { kind: 'number', integer: true, least: 0 };
export const positive: Typed<number> = { kind: 'number', integer: true, least: 1 };
export const real: Typed<number> = { kind: 'number' };
export const numberOrShare: Typed<Size> = { kind: 'number', least: 0, units: ['ratio'], sharing: true };
export const nonNegative: Typed<number> = { kind: 'number', least: 0 };
export const ratio: Typed<number> = { kind: 'number', least: 0, most: 1, units: ['ratio'] };
export const pixels: Typed<number> = { kind: 'number', integer: true, least: 1, units: ['pixels'] };
export const border: Typed<number> = { kind: 'number', integer: true, least: 0, units: ['pixels'] };
export const epochs: Typed<number> = { kind: 'number', integer: true, least: 1, units: ['epochs'] };
export const naturalEpochs: Typed<number> = { kind: 'number', integer: true, least: 0, units: ['epochs'] };
export const time: Typed<Time> = { kind: 'number', least: 0, units: ['epochs', 'steps'] };
export const rate: Typed<number> = { kind: 'number', least: 0 };

/** A number with nothing but a range, or with units that all mean the same. */
export const number = (spec: Omit<Extract<Spec, { kind: 'number' }>, 'kind' | 'sharing'> = {}): Typed<number> => ({
  kind: 'number',
  ...spec,
});
export const figure = (...units: Quantity[]): Typed<Figure> => ({ kind: 'number', units });
export const list = <T>(of: Typed<T>): Typed<T[]> => ({ kind: 'list', of });
export const two = <T>(of: Typed<T>): Typed<[T, T]> => ({ kind: 'list', of, length: 2 });
export const pairs = <T>(of: Typed<T>): Typed<[T, T][]> => ({ kind: 'pairs', of });
export const call = <F extends Functions>(functions: F): Typed<CallOf<F>> => ({ kind: 'call', functions });
export const sum = <F extends Functions>(functions: F): Typed<(CallOf<F> & { readonly factor: number })[]> => ({
  kind: 'loss',
  functions,
});
export const items = <F extends Functions>(functions: F): Typed<CallOf<F>[]> => ({ kind: 'items', functions });
export const group = <F extends Fields>(fields: F): Typed<Values<F>> => ({ kind: 'group', fields });
export const choice = <const N extends string>(...names: N[]): Typed<N> => ({ kind: 'choice', names });
export const reference = (words: readonly string[], members?: readonly string[]): Typed<string> => ({
  kind: 'reference',
  words,
  ...(members ? { members } : {}),
});

export const required = <T>(spec: Typed<T>, doc: string): Field<T> => ({ spec, required: true, doc });
export const optional = <T>(spec: Typed<T>, value: NoInfer<T>, doc: string): Field<T> => ({
  spec,
  default: { kind: 'value', value },
  doc,
});
/** Undefined where it is not given, which means what the rule says. */
export const open = <T>(spec: Typed<T>, rule: string, doc: string): Field<T | undefined> => ({
  spec,
  default: { kind: 'rule', rule },
  doc,
});
/** What follows from the others where it is not given. */
export const derived = <T>(spec: Typed<T>, rule: string, of: (others: never) => NoInfer<T>, doc: string): Field<T> => ({
  spec,
  default: { kind: 'rule', rule, of },
  doc,
});
/** A call that is that of `name` where none is given. */
export const calling = <F extends Functions>(functions: F, name: keyof F & string, doc: string): Field<CallOf<F>> => ({
  spec: call(functions),
  default: { kind: 'call', name },
  doc,
});
/** A group that has the defaults of its keys where it is not given. */
export const always = <F extends Fields>(fields: F, doc: string): Field<Values<F>> => ({
  spec: group(fields),
  default: { kind: 'group' },
  doc,
});
/** The time must come before the end of the run, or at the latest with it. */
export const within = <T>(field: Field<T>, consequence: string, mayEqual?: true): Field<T> => ({
  ...field,
  within: { consequence, ...(mayEqual ? { mayEqual } : {}) },
});
