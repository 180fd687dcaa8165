/** Calls whatever a name stands for: a prelude op, a compile-time function, or a block. */
import { OpError } from '../../ir/op.ts';
import { matchArguments, reportMissing, type CallArgument, type Callee, type CallPlace } from './arguments.ts';
import { callDeclared } from './call-block.ts';
import { mendedCall } from './mend-call.ts';
import { CallFault } from '../prelude/prelude-call.ts';
import { preludeOps } from '../prelude/prelude.ts';
import { isCode, report, type Scope } from '../names/scope.ts';
import { describeKind, errorValue, type Value } from '../values/values.ts';

export function invoke(callee: Value, args: readonly CallArgument[], place: CallPlace, scope: Scope): Value {
  if (callee.kind === 'error' || args.some(({ value }) => value.kind === 'error')) return errorValue;
  switch (callee.kind) {
    case 'op':
      return callOp(callee.name, args, place, scope);
    case 'fn':
    case 'block':
      return callDeclared(callee, args, place, scope);
    default:
      report(scope, 'E0327', place.nameSpan, `${describeKind(callee)} cannot be called`, {
        help: 'calls and stages name an op, a `block`, a `model` or a `fn`',
      });
      return errorValue;
  }
}

function callOp(name: string, args: readonly CallArgument[], place: CallPlace, scope: Scope): Value {
  const op = preludeOps.get(name);
  if (!op) return errorValue;
  const parameters = op.parameters.map((parameter) => parameter.name);
  const callee: Callee = {
    isOp: true,
    name,
    parameters,
    variadic: op.variadic ?? false,
    ...(op.positional === undefined ? {} : { positional: op.positional }),
  };
  const matched = matchArguments(callee, args, place, scope, mendedCall);
  if (!matched) return errorValue;
  const missing = op.parameters.find(
    (parameter) => parameter.default === undefined && !matched.byName.has(parameter.name),
  );
  if (missing) {
    reportMissing(callee, missing.name, place, scope);
    return errorValue;
  }
  try {
    return op.run({ op, args: matched, place, scope });
  } catch (error) {
    reportFault(error, place, scope);
    return errorValue;
  }
}

function reportFault(error: unknown, place: CallPlace, scope: Scope): void {
  if (error instanceof CallFault) {
    const { code, span, message, help, notes } = error;
    report(scope, code, span ?? place.span, message, { notes, ...(help === undefined ? {} : { help }) });
  } else if (error instanceof OpError) {
    const help = error.help === undefined ? {} : { help: error.help };
    report(scope, isCode(error.code) ? error.code : 'E0310', place.span, error.message, help);
  } else {
    throw error;
  }
}
