/** Checks directive values against their specs and gives them as settings in base units. */
import type { Expression } from '../../../grammar/ast.ts';
import type { Span } from '../../../grammar/source.ts';
import { didYouMean } from '../../../grammar/suggest.ts';
import { defaultText } from './complete.ts';
import { conversionHelp } from '../values/conversions.ts';
import { checkNumber } from './directive-numbers.ts';
import { lossFunctions, metricNames, splitNames, type Fields, type Functions, type Spec } from './directive-schema.ts';
import { computedLiteral } from './computed-literal.ts';
import {
  foreignCallHelp,
  foreignChoiceHelp,
  foreignMemberHelp,
  foreignMetricHelp,
  foreignParameterHelp,
} from './foreign-settings.ts';
import { lookUpFile } from '../load.ts';
import { evaluateIn } from '../names/scope.ts';
import { checkModel, checkSizes } from './directive-models.ts';
import { complain, type Checking, type Setting, type Settings } from './settings.ts';
import { textOf } from '../values/type-match.ts';
import { writtenCall, type WrittenCall } from './written-call.ts';
import { describeKind } from '../values/values.ts';

export type { Setting, Settings } from './settings.ts';

/** The value as a setting; undefined after a report. `what` names it in messages, `fallback` is what holds without it. */
export function checkValue(
  c: Checking,
  spec: Spec,
  written: Expression,
  what: string,
  fallback?: string,
): Setting | undefined {
  const expression = computedLiteral(c, spec, written);
  if (!expression) return undefined;
  switch (spec.kind) {
    case 'number':
      return checkNumber(c, spec, expression, what, fallback);
    case 'bool':
    case 'string':
      return checkPlain(c, spec.kind, expression, what);
    case 'choice':
      return checkChoice(c, spec.names, expression, what);
    case 'call':
      return checkCall(c, spec.functions, expression, what);
    case 'list':
      return checkList(c, spec, expression, what);
    case 'pairs':
      return checkPairs(c, spec.of, expression, what);
    case 'globs':
      return checkGlobs(c, expression, what);
    case 'metric':
      return checkMetric(c, expression, what);
    case 'reference':
      return checkReference(c, spec, expression, what);
    case 'loss':
      return checkLoss(c, expression, what);
    case 'model':
      return checkModel(c, expression, what);
    case 'sizes':
      return checkSizes(c, expression, what);
    case 'group':
    case 'items':
      return complain(c, 'E0604', expression.span, `${what} is a group`, 'write `name { ... }` without `=`');
  }
}

function checkPlain(c: Checking, kind: 'bool' | 'string', expression: Expression, what: string): Setting | undefined {
  const isUnquoted =
    kind === 'string' && expression.kind === 'name' && !lookUpFile(c.scope.module, expression.name).known;
  if (isUnquoted) {
    const help = `put it into quotes: \`"${expression.name}"\``;
    return complain(c, 'E0604', expression.span, `${what} must be a string`, help);
  }
  const value = evaluateIn(c.scope, expression);
  if (value.kind === 'error') return undefined;
  if (value.kind === 'bool' && kind === 'bool') return { kind, value: value.value };
  if (value.kind === 'string' && kind === 'string') return { kind, value: value.value, span: expression.span };
  const wanted = kind === 'bool' ? 'true or false' : 'a string';
  const message = `${what} must be ${wanted}, not ${describeKind(value)}`;
  return complain(c, 'E0604', expression.span, message, conversionHelp(value, kind));
}

function checkChoice(c: Checking, names: readonly string[], expression: Expression, what: string): Setting | undefined {
  const given =
    expression.kind === 'name' ? expression.name : expression.kind === 'string' ? expression.value : undefined;
  const list = names.map((name) => `\`${name}\``).join(', ');
  if (given === undefined) {
    const text = textOf(expression.span);
    const help = names.includes(text) ? `put it into quotes: \`"${text}"\`` : `write \`"${names[0] ?? ''}"\`, say`;
    return complain(c, 'E0604', expression.span, `${what} must be one of ${list}`, help);
  }
  if (names.includes(given)) return { kind: 'name', value: given, span: expression.span };
  return complain(
    c,
    'E0604',
    expression.span,
    `${what} cannot be \`${given}\``,
    foreignChoiceHelp(given, names) ?? didYouMean(given, names) ?? `it is one of ${list}`,
  );
}

export function checkCall(
  c: Checking,
  functions: Functions,
  expression: Expression,
  what: string,
): Setting | undefined {
  const call = writtenCall(expression);
  const known = Object.keys(functions);
  const list = known.map((name) => `\`${name}\``).join(', ');
  if (!call) {
    const help = foreignMemberHelp(functions, expression) ?? `write \`${known[0] ?? 'name'}(...)\`, say`;
    return complain(c, 'E0604', expression.span, `${what} must be a call of ${list}`, help);
  }
  const fields = Object.hasOwn(functions, call.name) ? functions[call.name] : undefined;
  if (!fields) {
    const foreign = foreignCallHelp(functions, call.name);
    const help = foreign ?? didYouMean(call.name, known) ?? `it is one of ${list}`;
    return complain(c, 'E0604', call.nameSpan, `${what} cannot be \`${call.name}\``, help);
  }
  const args = checkArguments(c, fields, call);
  return args && { kind: 'call', name: call.name, args, span: expression.span };
}

function checkArguments(c: Checking, fields: Fields, call: WrittenCall): Settings | undefined {
  const settings = new Map<string, Setting>();
  const given = new Set<string>();
  const names = Object.keys(fields);
  const placed = placedParameters(fields);
  let fits = true;
  let position = 0;
  for (const { name, value, span } of call.args) {
    const at = name ? undefined : position++;
    const key = name?.name ?? names[at ?? 0];
    if (at !== undefined && at >= placed && at < names.length) {
      fits = false;
      misplaced(c, call.name, names, at, placed, value);
      continue;
    }
    const field = key !== undefined && Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (key === undefined || !field || given.has(key)) {
      fits = false;
      rejectArgument(c, call.name, key, given, names, name?.span ?? span);
      continue;
    }
    given.add(key);
    const setting = checkValue(c, field.spec, value, `\`${key}\` of \`${call.name}\``, defaultText(field));
    if (setting) settings.set(key, setting);
    else fits = false;
  }
  const missing = Object.entries(fields).filter(([key, field]) => field.required && !given.has(key));
  for (const [key, field] of missing) {
    complain(c, 'E0603', call.nameSpan, `\`${call.name}\` needs \`${key}\`: ${field.doc}`, `add \`${key}=...\``);
  }
  return fits && missing.length === 0 ? settings : undefined;
}

/** How many parameters may be given by position: the first, and those that must be given. */
export const placedParameters = (fields: Fields): number =>
  Math.max(1, Object.values(fields).findLastIndex((field) => field.required) + 1);

function misplaced(
  c: Checking,
  callee: string,
  names: readonly string[],
  at: number,
  placed: number,
  value: Expression,
): void {
  const shown = names.slice(0, placed).map((name) => `\`${name}\``);
  const help = `write \`${names[at] ?? ''}=${textOf(value.span)}\``;
  complain(c, 'E0602', value.span, `\`${callee}\` takes only ${shown.join(' and ')} by position`, help);
}

function rejectArgument(
  c: Checking,
  callee: string,
  key: string | undefined,
  given: ReadonlySet<string>,
  names: readonly string[],
  span: Span,
): void {
  if (key === undefined) {
    const help = names.length === 0 ? `write \`${callee}()\`` : `it has ${names.join(', ')}`;
    complain(c, 'E0602', span, `\`${callee}\` takes ${names.length} values at most`, help);
  } else if (given.has(key)) complain(c, 'E0608', span, `\`${key}\` is given twice`, 'remove one of them');
  else
    complain(
      c,
      'E0602',
      span,
      `\`${callee}\` has no \`${key}\``,
      foreignParameterHelp(key, names) ?? didYouMean(key, names) ?? `it has ${names.join(', ')}`,
    );
}

function checkList(
  c: Checking,
  spec: Extract<Spec, { kind: 'list' }>,
  expression: Expression,
  what: string,
): Setting | undefined {
  if (expression.kind !== 'list') {
    const isElement = expression.kind === 'number' || expression.kind === 'string' || spec.of.kind === 'metric';
    const help =
      expression.kind === 'tuple'
        ? `write \`[${textOf(expression.span).slice(1, -1)}]\``
        : isElement
          ? `write \`[${textOf(expression.span)}]\``
          : `write \`[...]\`, with its elements`;
    return complain(c, 'E0604', expression.span, `${what} must be a list`, help);
  }
  if (spec.length !== undefined && expression.elements.length !== spec.length) {
    return complain(c, 'E0604', expression.span, `${what} must be a list of ${spec.length}`);
  }
  const elements = expression.elements.map((element) => checkValue(c, spec.of, element, `an element of ${what}`));
  const known = elements.filter((element) => element !== undefined);
  return known.length === elements.length ? { kind: 'list', elements: known } : undefined;
}

function checkPairs(c: Checking, of: Spec, expression: Expression, what: string): Setting | undefined {
  const written = expression.kind === 'list' ? expression.elements : [];
  const pairs = written.flatMap((each) => computedLiteral(c, { kind: 'pairs', of }, each) ?? []);
  if (pairs.length < written.length) return undefined;
  if (expression.kind !== 'list' || pairs.some((pair) => pair.kind !== 'tuple' || pair.elements.length !== 2)) {
    return complain(c, 'E0604', expression.span, `${what} must be a list of pairs, as in \`[("a", "b")]\``);
  }
  const elements = pairs.flatMap((pair) => {
    const inner =
      pair.kind === 'tuple' ? pair.elements.map((each) => checkValue(c, of, each, `a pair of ${what}`)) : [];
    const known = inner.filter((each) => each !== undefined);
    return known.length === 2 ? [{ kind: 'list', elements: known } as const] : [];
  });
  return elements.length === pairs.length ? { kind: 'list', elements } : undefined;
}

/** A list of globs: strings, or bare names such as `bias`. */
function checkGlobs(c: Checking, expression: Expression, what: string): Setting | undefined {
  const elements = expression.kind === 'list' ? expression.elements : undefined;
  const globs = elements?.flatMap((written): Setting[] => {
    const each = computedLiteral(c, { kind: 'globs' }, written) ?? written;
    if (each.kind === 'name') return [{ kind: 'string', value: each.name, span: each.span }];
    return each.kind === 'string' ? [{ kind: 'string', value: each.value, span: each.span }] : [];
  });
  if (globs && globs.length === elements?.length) return { kind: 'list', elements: globs };
  return complain(
    c,
    'E0604',
    expression.span,
    `${what} must be a list of names`,
    'write globs as strings, as in `["conv1", "layer2.*"]`',
  );
}

/** `a` or `a.b`. */
export function dottedName(expression: Expression): readonly string[] | undefined {
  if (expression.kind === 'name') return [expression.name];
  if (expression.kind !== 'member' || expression.object.kind !== 'name') return undefined;
  return [expression.object.name, expression.member.name];
}

export function checkMetric(c: Checking, expression: Expression, what: string): Setting | undefined {
  const path = dottedName(expression) ?? [];
  const [first = '', second] = path;
  const metric = second ?? first;
  const splits: readonly string[] = splitNames;
  const metrics: readonly string[] = metricNames;
  if (path.length > 0 && metrics.includes(metric) && (second === undefined || splits.includes(first))) {
    return { kind: 'name', value: path.join('.'), span: expression.span };
  }
  const help =
    foreignMetricHelp(metric) ??
    didYouMean(metric, metrics) ??
    `metrics are ${metrics.join(', ')}, alone or behind ${splits.map((name) => `\`${name}.\``).join(', ')}`;
  return complain(c, 'E0604', expression.span, `${what} must be a metric, not \`${textOf(expression.span)}\``, help);
}

function checkReference(
  c: Checking,
  spec: Extract<Spec, { kind: 'reference' }>,
  expression: Expression,
  what: string,
): Setting | undefined {
  const path = dottedName(expression);
  if (!path) return complain(c, 'E0604', expression.span, `${what} must be the name of a ${spec.words.join(' or ')}`);
  const [name = '', member] = path;
  const known = spec.words.flatMap((word) => [...(c.names.get(word) ?? [])]);
  if (!known.includes(name)) {
    const help =
      didYouMean(name, known) ??
      (known.length > 0 ? `there is ${known.join(', ')}` : `declare it: \`${spec.words[0]} ${name} { ... }\``);
    return complain(c, 'E0607', expression.span, `no ${spec.words.join(' or ')} is called \`${name}\``, help);
  }
  if (member !== undefined && !spec.members?.includes(member)) {
    const help = spec.members ? `there is ${spec.members.join(', ')}` : `write \`${name}\` alone`;
    return complain(c, 'E0607', expression.span, `\`${name}\` has no part \`${member}\``, help);
  }
  return { kind: 'name', value: path.join('.'), span: expression.span };
}

/** Losses joined by `+`, each with a factor in front. */
function checkLoss(c: Checking, expression: Expression, what: string): Setting | undefined {
  if (expression.kind === 'binary' && expression.operator === '+') {
    const [left, right] = [checkLoss(c, expression.left, what), checkLoss(c, expression.right, what)];
    if (left?.kind !== 'sum' || right?.kind !== 'sum') return undefined;
    return { kind: 'sum', terms: [...left.terms, ...right.terms] };
  }
  if (expression.kind === 'binary' && expression.operator === '*') {
    const weight = checkNumber(c, { kind: 'number', least: 0 }, expression.left, `the factor of ${what}`);
    const loss = checkCall(c, lossFunctions, expression.right, what);
    return weight?.kind === 'number' && loss ? { kind: 'sum', terms: [{ weight: weight.value, loss }] } : undefined;
  }
  const loss = checkCall(c, lossFunctions, expression, what);
  return loss && { kind: 'sum', terms: [{ weight: 1, loss }] };
}
