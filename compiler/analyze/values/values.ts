/** Compile-time values: what expressions of the language evaluate to. */
import type { BlockDeclaration, FunctionDeclaration } from '../../../grammar/ast.ts';
import type { Span } from '../../../grammar/source.ts';
import { dimsEqual, formatDim, type Dim, type SymbolicDim } from '../../ir/dim.ts';
import type { Node } from '../../ir/node.ts';
import { formatType } from '../../ir/type.ts';
import type { Module } from '../load.ts';

export type Value =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'list'; readonly elements: readonly Value[] }
  | { readonly kind: 'tuple'; readonly elements: readonly Value[] }
  | { readonly kind: 'range'; readonly from: number; readonly to: number }
  /** A size that depends on symbols; concrete sizes are `int`. */
  | { readonly kind: 'dim'; readonly dim: SymbolicDim }
  /** A number with a unit, as in `50%`; directives give it a meaning. */
  | { readonly kind: 'quantity'; readonly value: number; readonly unit: string }
  /** `same`, `same_upper`, `nearest`, ... */
  | { readonly kind: 'mode'; readonly name: string }
  /** A name of the prelude that can be called: an op, or a function such as `floor`. */
  | { readonly kind: 'op'; readonly name: string }
  | { readonly kind: 'fn'; readonly declaration: FunctionDeclaration; readonly module: Module }
  | { readonly kind: 'block'; readonly declaration: BlockDeclaration; readonly module: Module }
  | { readonly kind: 'tensor'; readonly node: Node }
  /** The result of something already reported; whatever uses it stays silent. */
  | { readonly kind: 'error' };

export type TensorValue = Extract<Value, { kind: 'tensor' }>;

/** A value and the place that gave it a name. */
export interface Binding {
  readonly value: Value;
  readonly span: Span;
}

export const errorValue: Value = { kind: 'error' };
export const noneValue: Value = { kind: 'none' };
export const intValue = (value: number): Value => ({ kind: 'int', value });
export const floatValue = (value: number): Value => ({ kind: 'float', value });
export const boolValue = (value: boolean): Value => ({ kind: 'bool', value });
export const stringValue = (value: string): Value => ({ kind: 'string', value });
export const modeValue = (name: string): Value => ({ kind: 'mode', name });
export const tensorValue = (node: Node): TensorValue => ({ kind: 'tensor', node });
export const dimValue = (dim: Dim): Value => (typeof dim === 'number' ? intValue(dim) : { kind: 'dim', dim });

/** The size that an integer or symbolic value stands for. */
export function dimOf(value: Value): Dim | undefined {
  if (value.kind === 'int') return value.value;
  return value.kind === 'dim' ? value.dim : undefined;
}

export const isNumber = (value: Value): value is Extract<Value, { kind: 'int' | 'float' }> =>
  value.kind === 'int' || value.kind === 'float';

/** How messages name a kind of value, with its article. */
export function describeKind(value: Value): string {
  switch (value.kind) {
    case 'int':
    case 'op':
      return `an ${value.kind}`;
    case 'dim':
      return 'a symbolic size';
    case 'quantity':
      return `a number with the unit \`${value.unit}\``;
    case 'tensor':
      return formatType(value.node.type);
    case 'block':
      return `a ${value.declaration.kind}`;
    case 'mode':
      return `\`${value.name}\``;
    case 'none':
    case 'error':
      return value.kind;
    default:
      return `a ${value.kind}`;
  }
}

function formatFloat(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? value.toFixed(1) : String(value);
}

/** A value as it would be written in a source file; long lists are cut. */
export function formatValue(value: Value): string {
  switch (value.kind) {
    case 'int':
    case 'bool':
      return String(value.value);
    case 'float':
      return formatFloat(value.value);
    case 'string':
      return JSON.stringify(value.value);
    case 'none':
    case 'error':
      return value.kind;
    case 'list':
      return `[${formatElements(value.elements)}]`;
    case 'tuple':
      return `(${formatElements(value.elements)})`;
    case 'range':
      return `${value.from}..${value.to}`;
    case 'dim':
      return formatDim(value.dim);
    case 'quantity':
      return `${value.value}${value.unit}`;
    case 'mode':
    case 'op':
      return value.name;
    case 'fn':
    case 'block':
      return value.declaration.name.name;
    case 'tensor':
      return formatType(value.node.type);
  }
}

function formatElements(elements: readonly Value[]): string {
  const shown = elements.slice(0, 8).map(formatValue).join(', ');
  return elements.length > 8 ? `${shown}, ... ${elements.length} in all` : shown;
}

/** Whether two values are the same; undefined where their kinds cannot be compared. Sizes compare in `operators.ts`. */
export function valuesEqual(a: Value, b: Value): boolean | undefined {
  if (isNumber(a) && isNumber(b)) return a.value === b.value;
  if (a.kind === 'none' || b.kind === 'none') return a.kind === b.kind;
  if (a.kind !== b.kind) return isCallable(a) && isCallable(b) ? false : undefined;
  if ('declaration' in a && 'declaration' in b) return a.declaration === b.declaration;
  return sameKindEqual(a, b);
}

function sameKindEqual(a: Value, b: Value): boolean | undefined {
  if ('elements' in a && 'elements' in b) return elementsEqual(a.elements, b.elements);
  if (a.kind === 'quantity' && b.kind === 'quantity') return a.value === b.value && a.unit === b.unit;
  if (a.kind === 'dim' && b.kind === 'dim') return dimsEqual(a.dim, b.dim) || undefined;
  if ('value' in a && 'value' in b) return a.value === b.value;
  return 'name' in a && 'name' in b ? a.name === b.name : undefined;
}

const isCallable = (value: Value): boolean => value.kind === 'op' || 'declaration' in value;

const elementsEqual = (a: readonly Value[], b: readonly Value[]): boolean =>
  a.length === b.length && a.every((element, index) => valuesEqual(element, b[index] ?? errorValue) === true);

/** The elements of a list, tuple or range of at most `most` turns. */
export function elementsOf(value: Value, most: number): readonly Value[] | undefined {
  if (value.kind === 'list' || value.kind === 'tuple') return value.elements;
  if (value.kind !== 'range') return undefined;
  const count = Math.min(Math.max(0, value.to - value.from), most + 1);
  return Array.from({ length: count }, (_, index) => intValue(value.from + index));
}
