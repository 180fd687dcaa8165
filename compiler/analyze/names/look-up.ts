/** What a name stands for: a local, then file scope, then the prelude. */
import type { ConstDeclaration } from '../../../grammar/ast.ts';
import type { Span } from '../../../grammar/source.ts';
import { lookUpFile, type FileItem, type Module } from '../load.ts';
import { preludeValues } from '../prelude/prelude.ts';
import { evaluateIn, fileScope, localNames, lookUpLocal, report, type Scope } from './scope.ts';
import { unknownNameHelp } from './unknown-name.ts';
import { errorValue, type Value } from '../values/values.ts';

/** The value of a file constant: computed on first use, once a build, in the scope of its own file. */
export function evaluateConstant(declaration: ConstDeclaration, module: Module, scope: Scope): Value {
  const { constants } = scope.build;
  const known = constants.get(declaration);
  const own = fileScope(scope.build, module);
  if (known === 'busy') {
    report(own, 'E0207', declaration.name.span, `\`${declaration.name.name}\` depends on itself`, {
      help: 'give one of the constants of the circle a value of its own',
    });
    return errorValue;
  }
  if (known) return known;
  constants.set(declaration, 'busy');
  const value = evaluateIn(own, declaration.value);
  constants.set(declaration, value);
  return value;
}

function valueOfItem({ declaration, module }: FileItem, scope: Scope): Value {
  if (declaration.kind === 'const') return evaluateConstant(declaration, module, scope);
  return declaration.kind === 'fn' ? { kind: 'fn', declaration, module } : { kind: 'block', declaration, module };
}

/** Whether something has the name: a local, the file, an import or the prelude. */
export const isKnown = (name: string, scope: Scope): boolean =>
  lookUpLocal(scope, name) !== undefined || lookUpFile(scope.module, name).known || preludeValues.has(name);

export function lookUp(name: string, span: Span, scope: Scope): Value {
  const local = lookUpLocal(scope, name);
  if (local) return local.value;
  const { known, item } = lookUpFile(scope.module, name);
  if (item) return valueOfItem(item, scope);
  if (known) return errorValue;
  const found = preludeValues.get(name);
  if (found) return found;
  const { declared, imported } = scope.module;
  const candidates = [...localNames(scope), ...declared.keys(), ...imported.keys(), ...preludeValues.keys()];
  report(scope, 'E0201', span, `unknown name \`${name}\``, { help: unknownNameHelp(name, candidates) });
  return errorValue;
}
