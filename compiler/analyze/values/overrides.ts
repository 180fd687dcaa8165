/** Values of model parameters from the command line, in the language's own syntax. */
import type { Parameter } from '../../../grammar/ast.ts';
import { parse } from '../../../grammar/parse.ts';
import { evaluateIn, report, type Scope } from '../names/scope.ts';
import { errorValue, stringValue, type Value } from './values.ts';

/** `10`, `[1, 2]`, `relu`; a parameter of type string also takes the bare text. Reports E0337 at the parameter. */
export function parseOverride(parameter: Parameter, text: string, scope: Scope): Value {
  if (parameter.type.name.name === 'string' && !text.startsWith('"')) return stringValue(text);
  const prefix = 'const value = ';
  const { program, diagnostics } = parse({ path: `-P ${parameter.name.name}`, text: prefix + text });
  const [declaration] = program.declarations;
  const isOneValue = diagnostics.length === 0 && program.declarations.length === 1 && declaration?.kind === 'const';
  if (!isOneValue) {
    report(
      scope,
      'E0337',
      parameter.span,
      `cannot read ${JSON.stringify(text)} as a value of \`${parameter.name.name}\``,
    );
    return errorValue;
  }
  return evaluateIn(scope, declaration.value);
}
