/** Operators on compile-time values; sizes may be symbolic, and what cannot be proved is a fault. */
import type { BinaryOperator } from '../../../grammar/ast.ts';
import type { Divisibility } from '../../ir/op.ts';
import type { DiagnosticCode } from '../../../grammar/diagnostics.ts';
import {
  addDims,
  divideDims,
  floorDivideDim,
  formatDim,
  multiplyDims,
  subtractDims,
  type Dim,
  type SymbolicDim,
} from '../../ir/dim.ts';
import {
  boolValue,
  describeKind,
  dimOf,
  dimValue,
  floatValue,
  formatValue,
  intValue,
  isNumber,
  valuesEqual,
  type Value,
} from './values.ts';

/** Why a value could not be computed. */
export interface Fault {
  readonly kind: 'fault';
  /** What would settle it, where that is a fact about a symbol. */
  readonly wanted?: Divisibility;
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly help?: string;
}
export type Outcome = Value | Fault;

export const fault = (code: DiagnosticCode, message: string, help?: string): Fault => ({
  kind: 'fault',
  code,
  message,
  ...(help === undefined ? {} : { help }),
});

type ArithmeticOperator = '+' | '-' | '*' | '/' | '//' | '%';
type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=';

const nonZero = 'look at the divisor first, as in `if d > 0 then n // d else 0`';

const unproved = (text: string, dim: Dim): Fault =>
  fault(
    'E0309',
    `cannot decide \`${text}\` while ${formatDim(dim)} is symbolic`,
    'give the size with `--shape`, or write it in the signature',
  );

/** Least and greatest value of a size whose symbols are at least 1. */
function boundsOf(dim: Dim): { readonly least: number; readonly greatest: number } {
  if (typeof dim === 'number') return { least: dim, greatest: dim };
  const symbolic = dim.terms.filter((term) => term.symbols.length > 0);
  const sum = dim.terms.reduce((total, term) => total + term.coefficient, 0);
  return {
    least: symbolic.every((term) => term.coefficient > 0) ? sum : Number.NEGATIVE_INFINITY,
    greatest: symbolic.every((term) => term.coefficient < 0) ? sum : Number.POSITIVE_INFINITY,
  };
}

/** Whether `a operator b` holds for every value of the symbols, for none (false), or depends (undefined). */
function compareDims(operator: ComparisonOperator, a: Dim, b: Dim): boolean | undefined {
  const { least, greatest } = boundsOf(subtractDims(a, b));
  const decide = (always: boolean, never: boolean): boolean | undefined => (always ? true : never ? false : undefined);
  const isZero = least === 0 && greatest === 0;
  const isNonZero = least > 0 || greatest < 0;
  switch (operator) {
    case '==':
      return decide(isZero, isNonZero);
    case '!=':
      return decide(isNonZero, isZero);
    case '<':
      return decide(greatest < 0, least >= 0);
    case '<=':
      return decide(greatest <= 0, least > 0);
    case '>':
      return decide(least > 0, greatest <= 0);
    case '>=':
      return decide(least >= 0, greatest < 0);
  }
}

const comparisons: Record<ComparisonOperator, (a: number, b: number) => boolean> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

export function compare(operator: ComparisonOperator, a: Value, b: Value): Outcome {
  const text = `${formatValue(a)} ${operator} ${formatValue(b)}`;
  if (isNumber(a) && isNumber(b)) return boolValue(comparisons[operator](a.value, b.value));
  const [x, y] = [dimOf(a), dimOf(b)];
  if (x !== undefined && y !== undefined) {
    const holds = compareDims(operator, x, y);
    return holds === undefined ? unproved(text, typeof x === 'number' ? y : x) : boolValue(holds);
  }
  const equal = operator === '==' || operator === '!=' ? valuesEqual(a, b) : undefined;
  if (equal === undefined) return fault('E0321', `cannot compare ${describeKind(a)} with ${describeKind(b)}`);
  return boolValue(operator === '==' ? equal : !equal);
}

function checkedNumber(value: number, isInteger: boolean, text: string): Outcome {
  if (!Number.isFinite(value) || (isInteger && !Number.isSafeInteger(value))) {
    return fault(
      'E0333',
      `${text} is not a number that can be held exactly`,
      'integers go up to 2^53 - 1, floats to 1.8e308',
    );
  }
  // Rounding may give -0, which no integer is.
  return isInteger ? intValue(value === 0 ? 0 : value) : floatValue(value);
}

function arithmeticOnDims(operator: ArithmeticOperator, a: Dim, b: Dim): Outcome {
  const text = `${formatFactor(a)} ${operator} ${formatFactor(b)}`;
  switch (operator) {
    case '+':
      return checkedDim(addDims(a, b), text);
    case '-':
      return checkedDim(subtractDims(a, b), text);
    case '*':
      return checkedDim(multiplyDims(a, b), text);
    case '/':
      return divideExactly(a, b, text);
    case '//':
      return divideRounded(a, b, 'floor', text);
    case '%':
      return remainder(a, b, text);
  }
}

const formatFactor = (dim: Dim): string =>
  typeof dim !== 'number' && dim.terms.length > 1 ? `(${formatDim(dim)})` : formatDim(dim);

const checkedDim = (dim: Dim, text: string): Outcome =>
  typeof dim === 'number' ? checkedNumber(dim, true, text) : dimValue(dim);

function divideExactly(a: Dim, b: Dim, text: string): Outcome {
  if (b === 0) return fault('E0333', `${text} divides by zero`, nonZero);
  const quotient = divideDims(a, b);
  if (quotient !== undefined) return dimValue(quotient);
  if (typeof a === 'number' && typeof b === 'number') {
    return fault(
      'E0311',
      `${text} is not an integer`,
      '`//` rounds down; `ceil(a / b)` rounds up; write a float for a fraction',
    );
  }
  const proof = fault(
    'E0309',
    `cannot prove that ${text} is an integer`,
    `state it: \`assert ${formatDim(a)} % ${formatDim(b)} == 0\``,
  );
  return typeof b === 'number' ? { ...proof, wanted: { dim: a, divisor: b } } : proof;
}

/** `a / b` rounded down, up or to the nearest integer (halves away from zero, as `round` does). */
export function divideRounded(
  a: Dim,
  b: Dim,
  mode: 'floor' | 'ceil' | 'round',
  text = `${formatFactor(a)} / ${formatFactor(b)}`,
): Outcome {
  if (b === 0) return fault('E0333', `${text} divides by zero`, nonZero);
  const exact = divideDims(a, b);
  if (exact !== undefined) return dimValue(exact);
  if (typeof a === 'number' && typeof b === 'number') {
    const roundings = { floor: Math.floor, ceil: Math.ceil, round: roundAway };
    return checkedNumber(roundings[mode](a / b), true, text);
  }
  const shift = typeof b === 'number' && b > 0 ? { floor: 0, ceil: b - 1, round: undefined }[mode] : undefined;
  const quotient = typeof b === 'number' && shift !== undefined ? floorDivideDim(addDims(a, shift), b) : undefined;
  if (quotient !== undefined) return dimValue(quotient);
  const proof = fault(
    'E0309',
    `cannot compute ${mode}(${text}) while the size is symbolic`,
    `state it: \`assert ${formatDim(a)} % ${formatDim(b)} == 0\``,
  );
  return typeof b === 'number' ? { ...proof, wanted: { dim: a, divisor: b } } : proof;
}

/** Rounds halves away from zero, as C's `round`. */
export const roundAway = (value: number): number => Math.sign(value) * Math.round(Math.abs(value));

/** The remainder with the sign of the divisor, as Python's `%`, so that `a == a // b * b + a % b`. */
function remainder(a: Dim, b: Dim, text: string): Outcome {
  if (b === 0) return fault('E0333', `${text} divides by zero`, nonZero);
  if (typeof b === 'number') {
    const constant = typeof a === 'number' ? a : constantModulo(a, b);
    if (constant !== undefined) return intValue(constant - Math.floor(constant / b) * b);
  }
  return fault(
    'E0309',
    `cannot compute ${text} while the size is symbolic`,
    'give the size with `--shape`, or write it in the signature',
  );
}

/** The constant term where every other term is a multiple of `divisor`. */
function constantModulo(dim: SymbolicDim, divisor: number): number | undefined {
  const rest = dim.terms.filter((term) => term.symbols.length > 0);
  if (rest.some((term) => term.coefficient % divisor !== 0)) return undefined;
  return dim.terms.find((term) => term.symbols.length === 0)?.coefficient ?? 0;
}

function arithmeticOnFloats(operator: ArithmeticOperator, a: number, b: number): Outcome {
  const text = `${a} ${operator} ${b}`;
  if (b === 0 && (operator === '/' || operator === '//' || operator === '%')) {
    return fault('E0333', `${text} divides by zero`, nonZero);
  }
  const results: Record<ArithmeticOperator, number> = {
    '+': a + b,
    '-': a - b,
    '*': a * b,
    '/': a / b,
    '//': Math.floor(a / b),
    '%': a - Math.floor(a / b) * b,
  };
  return checkedNumber(results[operator], false, text);
}

export function arithmetic(operator: ArithmeticOperator, a: Value, b: Value): Outcome {
  const [x, y] = [dimOf(a), dimOf(b)];
  if (x !== undefined && y !== undefined) return arithmeticOnDims(operator, x, y);
  if (isNumber(a) && isNumber(b)) return arithmeticOnFloats(operator, a.value, b.value);
  return fault('E0321', `\`${operator}\` is not defined for ${describeKind(a)} and ${describeKind(b)}`);
}

function rangeOf(a: Value, b: Value): Outcome {
  if (a.kind === 'int' && b.kind === 'int') return { kind: 'range', from: a.value, to: b.value };
  const symbolic = [a, b].find((value) => value.kind === 'dim');
  if (symbolic?.kind === 'dim') return unproved(`${formatValue(a)}..${formatValue(b)}`, symbolic.dim);
  return fault('E0321', `\`..\` needs integers, not ${describeKind(a)} and ${describeKind(b)}`);
}

/** A binary operator on values that are not tensors; `&&` and `||` are the evaluator's, as they short-circuit. */
export function applyBinary(operator: Exclude<BinaryOperator, '&&' | '||'>, a: Value, b: Value): Outcome {
  switch (operator) {
    case '..':
      return rangeOf(a, b);
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return compare(operator, a, b);
    default:
      return arithmetic(operator, a, b);
  }
}

export function negate(value: Value): Outcome {
  if (value.kind === 'float') return floatValue(-value.value);
  if (value.kind === 'quantity') return { ...value, value: -value.value };
  const dim = dimOf(value);
  if (dim !== undefined) return dimValue(multiplyDims(dim, -1));
  return fault('E0321', `\`-\` is not defined for ${describeKind(value)}`);
}
