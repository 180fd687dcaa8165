/** Fits values to the types that a signature declares; capitalised names bind to sizes on first use. */
import type { Expression, Parameter, TypeExpression } from '../../../grammar/ast.ts';
import type { Note } from '../../../grammar/diagnostics.ts';
import type { Span } from '../../../grammar/source.ts';
import { dimsEqual, formatDim, type Dim } from '../../ir/dim.ts';
import { formatType, type TensorType } from '../../ir/type.ts';
import { conversionHelp, type Wanted } from './conversions.ts';
import { evaluateIn, lookUpLocal, type Scope } from '../names/scope.ts';
import { describeKind, dimOf, dimValue, floatValue, isNumber, type Value } from './values.ts';

export const tensorTypes: ReadonlySet<string> = new Set(['f32', 'i32', 'i8', 'u8']);
const scalars = ['int', 'float', 'bool', 'string', 'list', 'tuple', 'op'] as const;
export const scalarTypes: ReadonlySet<string> = new Set(scalars);
const isScalarType = (name: string): name is (typeof scalars)[number] => scalarTypes.has(name);

export const isDimName = (name: string): boolean => /^[A-Z]/.test(name);
export const textOf = (span: Span): string => span.file.text.slice(span.start, span.end).replaceAll(/\s+/g, ' ');

/** Why a value does not fit; `message` continues "`x` ...". */
export interface Mismatch {
  readonly message: string;
  readonly notes: readonly Note[];
  readonly help?: string;
}

const mismatch = (message: string, notes: readonly Note[] = [], help?: string): Mismatch => ({
  message,
  notes,
  ...(help === undefined ? {} : { help }),
});

const articleOf = (name: string): string => (/^[aeiou]/.test(name) ? `an ${name}` : `a ${name}`);

/** A value as a parameter of a plain type takes it: an int becomes a float, a range a list. */
function fitScalar(name: string, value: Value): Value | Mismatch {
  const fits: Readonly<Record<Wanted, boolean>> = {
    int: value.kind === 'int' || value.kind === 'dim',
    float: isNumber(value),
    bool: value.kind === 'bool',
    string: value.kind === 'string',
    list: value.kind === 'list' || value.kind === 'range',
    tuple: value.kind === 'tuple',
    op: value.kind === 'op' || value.kind === 'block' || value.kind === 'fn',
    tensor: value.kind === 'tensor',
  };
  if (!isScalarType(name)) return value;
  if (!fits[name]) {
    return mismatch(`must be ${articleOf(name)}, not ${describeKind(value)}`, [], conversionHelp(value, name));
  }
  return name === 'float' && value.kind === 'int' ? floatValue(value.value) : value;
}

/** Where the names of a dimension got their sizes. */
function bindingNotes(expression: Expression, scope: Scope): Note[] {
  switch (expression.kind) {
    case 'name': {
      const binding = lookUpLocal(scope, expression.name);
      const dim = binding && dimOf(binding.value);
      if (!binding || dim === undefined || binding.span.start === expression.span.start) return [];
      return [{ message: `${expression.name} is ${formatDim(dim)} since here`, span: binding.span }];
    }
    case 'binary':
      return [...bindingNotes(expression.left, scope), ...bindingNotes(expression.right, scope)];
    case 'call':
      return expression.arguments.flatMap(({ value }) => bindingNotes(value, scope));
    default:
      return [];
  }
}

/** The size that a dimension stands for; undefined where its value is unknown after a report. */
function declaredDim(expression: Expression, scope: Scope): Dim | undefined {
  return dimOf(evaluateIn(scope, expression));
}

/** Binds capitalised names that stand alone in a dimension and have no size yet. */
export function bindDims(type: TypeExpression, actual: TensorType, scope: Scope): void {
  type.dims?.forEach((expression, axis) => {
    const size = actual.shape[axis];
    if (expression.kind !== 'name' || size === undefined || !isDimName(expression.name)) return;
    if (lookUpLocal(scope, expression.name)) return;
    scope.names.set(expression.name, { value: dimValue(size), span: expression.span });
  });
}

/** Compares a tensor with its declared type, whose names are bound; undefined where it fits. */
export function matchTensor(type: TypeExpression, actual: TensorType, scope: Scope): Mismatch | undefined {
  const shown = `is ${formatType(actual)}, not ${textOf(type.span)}`;
  if (type.name.name !== actual.dtype) return mismatch(shown);
  if (!type.dims) return undefined;
  if (type.dims.length !== actual.shape.length) {
    return mismatch(`${shown}: its rank is ${actual.shape.length}, not ${type.dims.length}`);
  }
  for (const [axis, expression] of type.dims.entries()) {
    const wanted = declaredDim(expression, scope);
    const size = actual.shape[axis];
    if (wanted === undefined || size === undefined || dimsEqual(wanted, size)) continue;
    const notes = bindingNotes(expression, scope);
    return mismatch(`${shown}: axis ${axis} is ${formatDim(size)}, not ${formatDim(wanted)}`, notes);
  }
  return undefined;
}

const noTensor = (value: Value): Mismatch =>
  mismatch(`must be a tensor, not ${describeKind(value)}`, [], conversionHelp(value, 'tensor'));

/** The value that a parameter takes, or why it cannot; sizes of tensors are compared later. */
export function fitParameter(parameter: Parameter, value: Value): Value | Mismatch {
  const { name } = parameter.type.name;
  if (value.kind === 'error') return value;
  if (value.kind === 'none' && parameter.default?.kind === 'none') return value;
  if (!tensorTypes.has(name)) return fitScalar(name, value);
  return value.kind === 'tensor' ? value : noTensor(value);
}

/** The value of a declared result, or why it does not fit. */
export function fitResult(type: TypeExpression, value: Value, scope: Scope): Value | Mismatch {
  const { name } = type.name;
  if (value.kind === 'error') return value;
  if (!tensorTypes.has(name)) return fitScalar(name, value);
  if (value.kind !== 'tensor') return noTensor(value);
  bindDims(type, value.node.type, scope);
  return matchTensor(type, value.node.type, scope) ?? value;
}

export const isMismatch = (result: Value | Mismatch): result is Mismatch => 'message' in result;
