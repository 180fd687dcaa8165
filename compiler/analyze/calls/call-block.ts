/** Calls blocks, models and functions: binds the signature, runs the body, checks the declared result. */
import type { BlockDeclaration, FunctionDeclaration, Parameter, TypeExpression } from '../../../grammar/ast.ts';
import type { CallSite } from '../../../grammar/diagnostics.ts';
import {
  matchArguments,
  reportMissing,
  type CallArgument,
  type CallPlace,
  type MatchedArguments,
} from './arguments.ts';
import type { Module } from '../load.ts';
import { argumentHelp, resultHelp } from './mend-shape.ts';
import { statementNaming } from '../names/naming.ts';
import { countCall, evaluateIn, fileScope, report, type Scope } from '../names/scope.ts';
import { runBody, type Returned } from '../values/statements.ts';
import { bindDims, fitParameter, fitResult, isMismatch, matchTensor, textOf } from '../values/type-match.ts';
import { errorValue, formatValue, type Value } from '../values/values.ts';

/** Something declared in a file that can be called. */
export interface Declared {
  readonly declaration: BlockDeclaration | FunctionDeclaration;
  readonly module: Module;
}

/** `basic_block(out=32, stride=2)`: the arguments given, without tensors. */
function describeCall({ declaration }: Declared, { byName }: MatchedArguments): string {
  const given = declaration.parameters.flatMap(({ name }) => {
    const value = byName.get(name.name)?.value;
    return value && value.kind !== 'tensor' ? [`${name.name}=${formatValue(value)}`] : [];
  });
  return `${declaration.name.name}(${given.join(', ')})`;
}

export function callDeclared(callee: Declared, args: readonly CallArgument[], place: CallPlace, scope: Scope): Value {
  const { declaration, module } = callee;
  countCall(scope, place.nameSpan);
  const shape = {
    name: declaration.name.name,
    parameters: declaration.parameters.map(({ name }) => name.name),
    variadic: false,
  };
  const matched = matchArguments(shape, args, place, scope);
  if (!matched) return errorValue;
  const call: CallSite = { callee: describeCall(callee, matched), path: place.slot.tentative, span: place.span };
  const inner: Scope = {
    ...fileScope(scope.build, module),
    naming: statementNaming(place.slot, ''),
    calls: [call, ...scope.calls],
  };
  if (!bindSignature(declaration, matched, place, scope, inner)) return errorValue;
  return runDeclared(callee, inner, place)?.value ?? errorValue;
}

/** Runs the body in a scope whose signature is bound; undefined after a report. */
export function runDeclared({ declaration }: Declared, inner: Scope, place: CallPlace): Returned | undefined {
  const returned = runBody(declaration.body, inner, place.slot);
  if (returned === 'error') return undefined;
  if (!returned) {
    const what = `\`${declaration.name.name}\` ends without a \`return\``;
    report(inner, 'E0328', declaration.name.span, what, { help: 'end it with `return` and the value that it gives' });
    return undefined;
  }
  const { returns } = declaration;
  if (!returns) return returned;
  const result = fitResult(returns, returned.value, inner);
  if (!isMismatch(result)) return { ...returned, value: result };
  const span = returned.statement.value.span;
  report(inner, 'E0326', span, `the result of \`${declaration.name.name}\` ${result.message}`, {
    notes: [{ message: 'declared here', span: returns.span }, ...result.notes],
    ...helpOf(mendResult(declaration, returns, returned.value, inner) ?? result.help),
  });
  return undefined;
}

const helpOf = (help: string | undefined): { readonly help?: string } => (help === undefined ? {} : { help });

const mendResult = (
  declaration: Declared['declaration'],
  returns: TypeExpression,
  value: Value,
  inner: Scope,
): string | undefined =>
  value.kind === 'tensor' && returns.dims ? resultHelp(declaration, returns, value.node.type, inner) : undefined;

/** Binds parameters and sizes; false after a report. Faults of arguments belong to the caller, of defaults to the callee. */
export function bindSignature(
  declaration: Declared['declaration'],
  matched: MatchedArguments,
  place: CallPlace,
  caller: Scope,
  inner: Scope,
): boolean {
  let fits = true;
  for (const parameter of declaration.parameters) {
    const value = bindParameter(declaration, parameter, matched, place, caller, inner);
    if (value.kind === 'error') fits = false;
    inner.names.set(parameter.name.name, { value, span: parameter.name.span });
    if (value.kind === 'tensor') bindDims(parameter.type, value.node.type, inner);
  }
  return fits && checkTensors(declaration, matched, place, caller, inner);
}

function bindParameter(
  declaration: Declared['declaration'],
  parameter: Parameter,
  { byName }: MatchedArguments,
  place: CallPlace,
  caller: Scope,
  inner: Scope,
): Value {
  const { name } = parameter.name;
  const argument = byName.get(name);
  if (!argument && !parameter.default) {
    const shape = {
      name: declaration.name.name,
      parameters: declaration.parameters.map((each) => each.name.name),
      variadic: false,
    };
    reportMissing(shape, name, place, caller);
    return errorValue;
  }
  const given = argument?.value ?? (parameter.default ? evaluateIn(inner, parameter.default) : errorValue);
  const value = fitParameter(parameter, given);
  if (!isMismatch(value)) return value;
  const span = argument?.span ?? parameter.default?.span ?? parameter.span;
  report(argument ? caller : inner, 'E0320', span, `\`${name}\` of \`${declaration.name.name}\` ${value.message}`, {
    notes: argument ? [{ message: 'declared here', span: parameter.span }] : [],
    ...helpOf(value.help),
  });
  return errorValue;
}

/** Compares every tensor with its declared shape once all names are bound. */
function checkTensors(
  declaration: Declared['declaration'],
  { byName }: MatchedArguments,
  place: CallPlace,
  caller: Scope,
  inner: Scope,
): boolean {
  let fits = true;
  for (const { name, type } of declaration.parameters) {
    const value = inner.names.get(name.name)?.value;
    if (value?.kind !== 'tensor') continue;
    const found = matchTensor(type, value.node.type, inner);
    if (!found) continue;
    fits = false;
    const span = byName.get(name.name)?.span ?? place.nameSpan;
    // A piped value has no text of its own: its place is the name of the stage.
    const given = span.start === place.nameSpan.start ? '' : textOf(span);
    const shown = /^[A-Za-z_]\w*$/.test(given) ? given : 'x';
    report(caller, 'E0325', span, `\`${name.name}\` of \`${declaration.name.name}\` ${found.message}`, {
      notes: [{ message: `declared as ${textOf(type.span)}`, span: type.span }, ...found.notes],
      ...helpOf(argumentHelp(shown, type, value.node.type, inner)),
    });
  }
  return fits;
}
