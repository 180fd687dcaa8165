/** Checks settings that are models or sizes of a model's symbols. */
import type { Expression } from '../../../grammar/ast.ts';
import { didYouMean } from '../../../grammar/suggest.ts';
import { checkNumber } from './directive-numbers.ts';
import { stageWords } from './directive-schema.ts';
import { lookUpFile } from '../load.ts';
import { complain, type Checking, type Setting } from './settings.ts';
import { textOf } from '../values/type-match.ts';
import { writtenCall } from './written-call.ts';

/** `ResNet20(depth=56) @ "file"`, or the bare name of a stage, which comes before a model of that name. */
export function checkModel(c: Checking, expression: Expression, what: string): Setting | undefined {
  const isStage = (name: string): boolean => stageWords.some((word) => c.names.get(word)?.has(name));
  if (expression.kind === 'name' && isStage(expression.name)) {
    return { kind: 'name', value: expression.name, span: expression.span };
  }
  const file = expression.kind === 'attach' ? { file: expression.file.value } : {};
  const model = expression.kind === 'attach' ? expression.model : expression;
  const call = writtenCall(model);
  if (!call)
    return complain(
      c,
      'E0604',
      expression.span,
      `${what} must be a model`,
      'write `Model(...) @ "weights.safetensors"`',
    );
  const { item, known } = lookUpFile(c.scope.module, call.name);
  if (known && !item) return undefined;
  if (item?.declaration.kind !== 'model')
    return complain(c, 'E0606', call.nameSpan, `no model is called \`${call.name}\``, modelHelp(c, call.name));
  const parameters = item.declaration.parameters.map(({ name }) => name.name);
  const args: Record<string, string> = {};
  for (const { name, value, span } of call.args) {
    if (!name) {
      const help = `as in \`${parameters.at(-1) ?? 'width'}=${textOf(value.span)}\``;
      return complain(c, 'E0604', span, `name the arguments of \`${call.name}\``, help);
    }
    if (!parameters.includes(name.name)) {
      return complain(
        c,
        'E0322',
        name.span,
        `\`${call.name}\` has no parameter \`${name.name}\``,
        didYouMean(name.name, parameters),
      );
    }
    args[name.name] = textOf(value.span);
  }
  return { kind: 'model', name: call.name, args, ...file };
}

/** The model that a misspelt name may mean, or all there are. */
export function modelHelp({ scope }: Checking, name: string): string {
  const { declared, imported } = scope.module;
  const models = [...declared.values()].filter(({ kind }) => kind === 'model').map((each) => each.name.name);
  for (const [each, source] of imported) if (source?.declaration.kind === 'model') models.push(each);
  const known = models.length > 0 ? `there is ${models.join(', ')}` : 'declare one: `model Name(...) { ... }`';
  return didYouMean(name, models) ?? known;
}

/** `{ N = 16, H = 128 }`. */
export function checkSizes(c: Checking, expression: Expression, what: string): Setting | undefined {
  if (expression.kind !== 'record') {
    return complain(c, 'E0604', expression.span, `${what} must be a record of sizes`, 'write `{ N = 16, H = 128 }`');
  }
  const entries = new Map<string, Setting>();
  for (const entry of expression.entries) {
    const size =
      entry.kind === 'assign'
        ? checkNumber(c, { kind: 'number', integer: true, least: 1 }, entry.value, `\`${entry.name.name}\``)
        : undefined;
    if (entry.kind === 'assign' && size) entries.set(entry.name.name, size);
    else if (entry.kind !== 'assign')
      complain(c, 'E0604', entry.span, `${what} holds sizes only`, 'write each as `NAME = size`, as in `H = 128`');
  }
  return { kind: 'group', entries, items: [] };
}
