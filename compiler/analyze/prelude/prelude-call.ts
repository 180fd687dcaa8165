/** One call of a prelude op: its typed arguments, and the nodes and parameters that it makes. */
import type { DiagnosticCode, Note } from '../../../grammar/diagnostics.ts';
import type { Span } from '../../../grammar/source.ts';
import type { Dim } from '../../ir/dim.ts';
import { formatDim } from '../../ir/dim.ts';
import type { ParameterInit } from '../../ir/leaves.ts';
import { makeNode, type Node } from '../../ir/node.ts';
import { OpError, type Attrs, type Op } from '../../ir/op.ts';
import { formatType } from '../../ir/type.ts';
import { parameter } from '../../ops/language.ts';
import type { CallArgument, CallPlace, MatchedArguments } from '../calls/arguments.ts';
import { conversionDetail, type Wanted } from '../values/conversions.ts';
import { assumeMultiple } from '../facts.ts';
import { joinNames } from '../names/naming.ts';
import { countNode, isCode, originOf, report, type ParameterEntry, type Scope } from '../names/scope.ts';
import { describeKind, dimOf, formatValue, isNumber, type Value } from '../values/values.ts';

export interface PreludeParameter {
  readonly name: string;
  /** As written in the reference; absent where a value is required. */
  readonly default?: string;
}

/** A name of the prelude that can be called. */
export interface PreludeOp {
  readonly name: string;
  readonly summary: string;
  readonly parameters: readonly PreludeParameter[];
  /** Whether it takes any number of positional arguments. */
  readonly variadic?: boolean;
  /** How many of the parameters may be given by position, the tensor among them; all where it is absent. */
  readonly positional?: number;
  readonly run: (call: OpCall) => Value;
}

export interface OpCall {
  readonly op: PreludeOp;
  readonly args: MatchedArguments;
  readonly place: CallPlace;
  readonly scope: Scope;
}

/** A fault of one call; `invoke` reports it and goes on with an error value. */
export class CallFault extends Error {
  readonly code: DiagnosticCode;
  readonly span: Span | undefined;
  readonly help: string | undefined;
  readonly notes: readonly Note[];

  constructor(
    code: DiagnosticCode,
    message: string,
    detail: { span?: Span; help?: string; notes?: readonly Note[] } = {},
  ) {
    super(message);
    this.code = code;
    this.span = detail.span;
    this.help = detail.help;
    this.notes = detail.notes ?? [];
  }
}

export const argumentOf = (call: OpCall, name: string): CallArgument | undefined => call.args.byName.get(name);

function wrong(call: OpCall, name: string, { value, span }: CallArgument, expected: string, wanted: Wanted): CallFault {
  const found =
    isNumber(value) || value.kind === 'bool' || value.kind === 'string' ? formatValue(value) : describeKind(value);
  const message = `\`${name}\` of \`${call.op.name}\` must be ${expected}, not ${found}`;
  return new CallFault('E0320', message, { span, ...conversionDetail(value, wanted) });
}

function required(call: OpCall, name: string): CallArgument {
  const argument = argumentOf(call, name);
  if (argument) return argument;
  throw new CallFault('E0323', `\`${call.op.name}\` needs a value for \`${name}\``, { span: call.place.nameSpan });
}

export function tensorArgument(call: OpCall, name = 'x'): Node {
  const argument = required(call, name);
  if (argument.value.kind === 'tensor') return argument.value.node;
  throw wrong(call, name, argument, 'a tensor', 'tensor');
}

/** An integer of at least `least`; `fallback` where it is not given. */
export function intArgument(call: OpCall, name: string, least: number, fallback?: number): number {
  const argument = fallback === undefined ? required(call, name) : argumentOf(call, name);
  if (!argument) return fallback ?? least;
  const { value } = argument;
  if (value.kind === 'int' && value.value >= least) return value.value;
  if (value.kind === 'dim') throw symbolicSize(name, value.dim, argument.span);
  throw wrong(call, name, argument, Number.isFinite(least) ? `an int of at least ${least}` : 'an int', 'int');
}

export const symbolicSize = (what: string, dim: Dim, span?: Span): CallFault =>
  new CallFault('E0309', `${what} must be known while compiling, not the symbolic size ${formatDim(dim)}`, {
    help: 'write the size in the signature, or give it with `--shape`',
    ...(span ? { span } : {}),
  });

/** A number between 0 and 1. Reports E0310 at the argument. */
export function shareArgument(call: OpCall, name: string, fallback?: number): number {
  const value = floatArgument(call, name, fallback);
  if (value >= 0 && value <= 1) return value;
  const span = argumentOf(call, name)?.span;
  const isPercentage = value > 1 && value <= 100 && Number.isInteger(value);
  const usual = fallback === undefined ? '0.5' : String(fallback);
  throw new CallFault('E0310', `\`${name}\` of \`${call.op.name}\` must lie between 0 and 1, not ${value}`, {
    help: isPercentage
      ? `write \`${value}%\` or \`${value / 100}\``
      : `it is a share of one, as in \`${name}=${usual}\``,
    ...(span ? { span } : {}),
  });
}

/** A number of at least 0. Reports E0310 at the argument. */
export function nonNegativeArgument(call: OpCall, name: string, fallback: number): number {
  const value = floatArgument(call, name, fallback);
  if (value >= 0) return value;
  const span = argumentOf(call, name)?.span;
  throw new CallFault('E0310', `\`${name}\` of \`${call.op.name}\` must be at least 0, not ${value}`, {
    help: `leave it out for ${fallback}`,
    ...(span ? { span } : {}),
  });
}

export function floatArgument(call: OpCall, name: string, fallback?: number): number {
  const argument = fallback === undefined ? required(call, name) : argumentOf(call, name);
  if (!argument) return fallback ?? 0;
  if (isNumber(argument.value)) return argument.value.value;
  if (argument.value.kind === 'quantity' && argument.value.unit === '%') return argument.value.value / 100;
  throw wrong(call, name, argument, 'a number', 'float');
}

export function boolArgument(call: OpCall, name: string, fallback: boolean): boolean {
  const argument = argumentOf(call, name);
  if (!argument) return fallback;
  if (argument.value.kind === 'bool') return argument.value.value;
  throw wrong(call, name, argument, 'true or false', 'bool');
}

/** Two integers, vertical and horizontal; one stands for both. */
export function pairOf(value: Value, least: number): readonly [number, number] | undefined {
  const elements = value.kind === 'tuple' || value.kind === 'list' ? value.elements : [value, value];
  const [vertical, horizontal] = elements.map((element) => (element.kind === 'int' ? element.value : Number.NaN));
  if (elements.length !== 2 || vertical === undefined || horizontal === undefined) return undefined;
  return vertical >= least && horizontal >= least ? [vertical, horizontal] : undefined;
}

export function pairArgument(
  call: OpCall,
  name: string,
  least: number,
  fallback?: readonly [number, number],
): readonly [number, number] {
  const argument = argumentOf(call, name);
  if (!argument && fallback) return fallback;
  const given = argument ?? required(call, name);
  const pair = pairOf(given.value, least);
  if (pair) return pair;
  throw wrong(call, name, given, `an int of at least ${least}, or a pair (vertical, horizontal)`, 'int');
}

/** A size that may be symbolic. */
export function dimArgument(call: OpCall, argument: CallArgument, name: string): Dim {
  const dim = dimOf(argument.value);
  if (dim === undefined) throw wrong(call, name, argument, 'an int', 'int');
  return dim;
}

/** A size that must be known now. */
export function knownSizeArgument(call: OpCall, argument: CallArgument, name: string): number {
  const dim = dimArgument(call, argument, name);
  if (typeof dim === 'number') return dim;
  throw symbolicSize(name, dim, argument.span);
}

/** An axis; negative ones count from the last. */
export function axisOf(call: OpCall, argument: CallArgument, name: string, rank: number): number {
  if (argument.value.kind !== 'int') throw wrong(call, name, argument, 'an int', 'int');
  const axis = argument.value.value;
  const counted = axis < 0 ? axis + rank : axis;
  if (counted >= 0 && counted < rank) return counted;
  throw new CallFault('E0307', `a tensor of rank ${rank} has no axis ${axis}`, {
    span: argument.span,
    help: `its axes are 0 to ${rank - 1}`,
  });
}

export function axisArgument(call: OpCall, name: string, rank: number, fallback: number): number {
  const argument = argumentOf(call, name);
  return argument ? axisOf(call, argument, name, rank) : fallback;
}

/** Integers of a list, a tuple or a single one. */
export function listOf(argument: CallArgument): readonly CallArgument[] {
  const { value, span } = argument;
  if (value.kind !== 'list' && value.kind !== 'tuple') return [argument];
  return value.elements.map((element) => ({ value: element, span }));
}

/** The node of an op at this call. Throws CallFault with the operands at fault as notes. */
export function emit<A extends Attrs>(call: OpCall, op: Op<A>, inputs: readonly Node[], attrs: A, path?: string): Node {
  const { scope, place } = call;
  countNode(scope, place.span);
  try {
    return makeNode(op, inputs, attrs, originOf(scope, place.span, path ?? scope.naming.shown));
  } catch (error) {
    if (!(error instanceof OpError)) throw error;
    if (error.wanted) assumeMultiple(error.wanted, place.span, scope);
    throw new CallFault(isCode(error.code) ? error.code : 'E0310', error.message, {
      ...(error.help === undefined ? {} : { help: error.help }),
      notes: noteOf(error.input === undefined ? undefined : inputs[error.input]),
    });
  }
}

function noteOf(node: Node | undefined): readonly Note[] {
  const [span] = node?.op.name === 'parameter' ? [] : (node?.origin?.spans ?? []);
  return node && span ? [{ message: formatType(node.type), span }] : [];
}

/** A parameter `path.name`. Reports E0411 where the name is taken. */
export function makeParameter(
  call: OpCall,
  path: string,
  name: string,
  shape: readonly number[],
  init: ParameterInit,
  { trainable = true, isSpread = false }: Partial<Pick<ParameterEntry, 'trainable' | 'isSpread'>> = {},
): Node {
  const { scope, place } = call;
  const full = joinNames(path, name);
  const { parameters } = scope.build;
  const taken = parameters.get(full);
  if (taken) {
    report(scope, 'E0411', place.span, `two calls name their parameters \`${path === '' ? full : path}\``, {
      notes: [{ message: 'the first one', span: taken.span }],
      help: 'give each call a label of its own, as in `conv2: conv(...)`',
    });
  } else {
    const spread = isSpread ? { isSpread } : {};
    parameters.set(full, { name: full, shape, dtype: 'f32', trainable, init, ...spread, span: place.span });
  }
  countNode(scope, place.span);
  return makeNode(parameter, [], { name: full, dtype: 'f32', shape, init }, originOf(scope, place.span, path));
}
