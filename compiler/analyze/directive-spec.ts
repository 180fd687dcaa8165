/** What the tables of directives are made of: kinds of values, fields, and the usual numbers. */
import type { Quantity } from '../../grammar/units.ts';

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
  | { readonly kind: 'bool' | 'string' | 'loss' | 'metric' | 'model' | 'globs' | 'sizes' }
  /** One of several bare names; a string does as well. */
  | { readonly kind: 'choice'; readonly names: readonly string[] }
  | { readonly kind: 'call'; readonly functions: Functions }
  | { readonly kind: 'list'; readonly of: Spec; readonly length?: number }
  | { readonly kind: 'pairs'; readonly of: Spec }
  /** The name of a directive with one of these words, with `.member` where members are listed. */
  | { readonly kind: 'reference'; readonly words: readonly string[]; readonly members?: readonly string[] }
  | { readonly kind: 'group'; readonly fields: Fields }
  | { readonly kind: 'items'; readonly functions: Functions };

export interface Field {
  readonly spec: Spec;
  readonly required?: true;
  /** As it would be written. */
  readonly default?: string;
  readonly doc: string;
}
export type Fields = Readonly<Record<string, Field>>;
/** Functions by name; their parameters in order. */
export type Functions = Readonly<Record<string, Fields>>;

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

export const bool: Spec = { kind: 'bool' };
export const text: Spec = { kind: 'string' };
export const natural: Spec = { kind: 'number', integer: true, least: 0 };
export const positive: Spec = { kind: 'number', integer: true, least: 1 };
export const real: Spec = { kind: 'number' };
export const numberOrShare: Spec = { kind: 'number', least: 0, units: ['ratio'], sharing: true };
export const nonNegative: Spec = { kind: 'number', least: 0 };
export const ratio: Spec = { kind: 'number', least: 0, most: 1, units: ['ratio'] };
export const pixels: Spec = { kind: 'number', integer: true, least: 1, units: ['pixels'] };
export const border: Spec = { kind: 'number', integer: true, least: 0, units: ['pixels'] };
export const epochs: Spec = { kind: 'number', integer: true, least: 1, units: ['epochs'] };
export const naturalEpochs: Spec = { kind: 'number', integer: true, least: 0, units: ['epochs'] };
export const time: Spec = { kind: 'number', least: 0, units: ['epochs', 'steps'] };
export const rate: Spec = { kind: 'number', least: 0 };

export const required = (spec: Spec, doc: string): Field => ({ spec, required: true, doc });
export const optional = (spec: Spec, fallback: string, doc: string): Field => ({ spec, default: fallback, doc });
export const call = (functions: Functions): Spec => ({ kind: 'call', functions });
export const choice = (...names: string[]): Spec => ({ kind: 'choice', names });
export const stage = (...words: string[]): Spec => ({ kind: 'reference', words });
