/** Checks directive values against their specs and gives them as settings in base units. */
import type { Argument, Expression } from '../../grammar/ast.ts';
import type { DiagnosticCode, DiagnosticDetail } from '../../grammar/diagnostics.ts';
import type { Span } from '../../grammar/source.ts';
import { didYouMean } from '../../grammar/suggest.ts';
import { units, type Quantity } from '../../grammar/units.ts';
import { lossFunctions, metricNames, splitNames, type Fields, type Functions, type Spec } from './directive-schema.ts';
import { lookUpFile } from './load.ts';
import { evaluateIn, report, type Scope } from './scope.ts';
import { textOf } from './type-match.ts';
import { describeKind, formatValue, isNumber, type Value } from './values.ts';

/** A checked value. Numbers are in base units: ratios of one, pixels, seconds, bytes, ... */
export type Setting =
  | { readonly kind: 'number'; readonly value: number; readonly quantity?: Quantity }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string; readonly span: Span }
  /** A choice, a metric such as `val.accuracy`, or a reference such as `cifar10.train`. */
  | { readonly kind: 'name'; readonly value: string; readonly span: Span }
  | { readonly kind: 'call'; readonly name: string; readonly args: Settings; readonly span: Span }
  | { readonly kind: 'list'; readonly elements: readonly Setting[] }
  | { readonly kind: 'group'; readonly entries: Settings; readonly items: readonly Setting[] }
  /** A weighted sum of losses. */
  | { readonly kind: 'sum'; readonly terms: readonly { readonly weight: number; readonly loss: Setting }[] }
  /** A model with arguments in source text, and its weights. */
  | {
      readonly kind: 'model';
      readonly name: string;
      readonly args: Readonly<Record<string, string>>;
      readonly file?: string;
    };

export type Settings = ReadonlyMap<string, Setting>;

/** What checking needs beside the value. */
export interface Checking {
  readonly scope: Scope;
  /** Names of directives by word. */
  readonly names: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Reports at a value; the result stands for the missing setting. */
export function complain(c: Checking, code: DiagnosticCode, span: Span, message: string, help?: string): undefined {
  const detail: DiagnosticDetail = help === undefined ? {} : { help };
  report(c.scope, code, span, message, detail);
}

/** The value as a setting; undefined after a report. `what` names it in messages. */
export function checkValue(c: Checking, spec: Spec, expression: Expression, what: string): Setting | undefined {
  switch (spec.kind) {
    case 'number':
      return checkNumber(c, spec, expression, what);
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

const plural: Readonly<Record<Quantity, string>> = {
  ratio: '`%`',
  epochs: '`epochs`',
  steps: '`steps`',
  pixels: '`px`',
  seconds: '`ms`, `s`',
  bytes: '`KiB`, `MiB`, `MB`',
  count: '`K`, `M`, `G`',
  macs: '`MMACs`, `GMACs`',
};

type NumberSpec = Extract<Spec, { kind: 'number' }>;

function checkNumber(c: Checking, spec: NumberSpec, expression: Expression, what: string): Setting | undefined {
  const value = evaluateIn(c.scope, expression);
  if (value.kind === 'error') return undefined;
  const number = inBaseUnits(value);
  if (!number) return complain(c, 'E0604', expression.span, `${what} must be a number, not ${describeKind(value)}`);
  const { quantity } = number;
  if (quantity && !spec.units?.includes(quantity)) {
    const help = spec.units
      ? `its units are ${spec.units.map((unit) => plural[unit]).join(', ')}`
      : 'write it without a unit';
    return complain(c, 'E0604', expression.span, `${what} cannot be ${formatValue(value)}`, help);
  }
  if (spec.integer && !Number.isInteger(number.value)) {
    return complain(c, 'E0604', expression.span, `${what} must be an integer, not ${formatValue(value)}`);
  }
  const { least = -Infinity, most = Infinity } = spec;
  if (number.value >= least && number.value <= most) return number;
  const range = most === Infinity ? `at least ${least}` : `between ${least} and ${most}`;
  return complain(c, 'E0605', expression.span, `${what} must be ${range}, not ${formatValue(value)}`);
}

function inBaseUnits(value: Value): Extract<Setting, { kind: 'number' }> | undefined {
  if (isNumber(value)) return { kind: 'number', value: value.value };
  const unit = value.kind === 'quantity' ? units.get(value.unit) : undefined;
  if (value.kind !== 'quantity' || !unit) return undefined;
  return { kind: 'number', value: value.value * unit.scale, quantity: unit.quantity };
}

function checkPlain(c: Checking, kind: 'bool' | 'string', expression: Expression, what: string): Setting | undefined {
  const value = evaluateIn(c.scope, expression);
  if (value.kind === 'error') return undefined;
  if (value.kind === 'bool' && kind === 'bool') return { kind, value: value.value };
  if (value.kind === 'string' && kind === 'string') return { kind, value: value.value, span: expression.span };
  const wanted = kind === 'bool' ? 'true or false' : 'a string';
  return complain(c, 'E0604', expression.span, `${what} must be ${wanted}, not ${describeKind(value)}`);
}

function checkChoice(c: Checking, names: readonly string[], expression: Expression, what: string): Setting | undefined {
  const given =
    expression.kind === 'name' ? expression.name : expression.kind === 'string' ? expression.value : undefined;
  const list = names.map((name) => `\`${name}\``).join(', ');
  if (given === undefined) return complain(c, 'E0604', expression.span, `${what} must be one of ${list}`);
  if (names.includes(given)) return { kind: 'name', value: given, span: expression.span };
  return complain(
    c,
    'E0604',
    expression.span,
    `${what} cannot be \`${given}\``,
    didYouMean(given, names) ?? `it is one of ${list}`,
  );
}

interface WrittenCall {
  readonly name: string;
  readonly nameSpan: Span;
  readonly args: readonly Argument[];
}

/** `sgd(lr=0.1)` or the bare `sgd`. */
export function writtenCall(expression: Expression): WrittenCall | undefined {
  if (expression.kind === 'name') return { name: expression.name, nameSpan: expression.span, args: [] };
  if (expression.kind !== 'call' || expression.callee.kind !== 'name') return undefined;
  return { name: expression.callee.name, nameSpan: expression.callee.span, args: expression.arguments };
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
  if (!call) return complain(c, 'E0604', expression.span, `${what} must be a call of ${list}`);
  const fields = Object.hasOwn(functions, call.name) ? functions[call.name] : undefined;
  if (!fields) {
    const help = didYouMean(call.name, known) ?? `it is one of ${list}`;
    return complain(c, 'E0604', call.nameSpan, `${what} cannot be \`${call.name}\``, help);
  }
  const args = checkArguments(c, fields, call);
  return args && { kind: 'call', name: call.name, args, span: expression.span };
}

function checkArguments(c: Checking, fields: Fields, call: WrittenCall): Settings | undefined {
  const settings = new Map<string, Setting>();
  const given = new Set<string>();
  const names = Object.keys(fields);
  let fits = true;
  let position = 0;
  for (const { name, value, span } of call.args) {
    const key = name?.name ?? names[position++];
    const field = key !== undefined && Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (key === undefined || !field || given.has(key)) {
      fits = false;
      rejectArgument(c, call.name, key, given, names, name?.span ?? span);
      continue;
    }
    given.add(key);
    const setting = checkValue(c, field.spec, value, `\`${key}\` of \`${call.name}\``);
    if (setting) settings.set(key, setting);
    else fits = false;
  }
  for (const [key, field] of Object.entries(fields)) {
    if (!field.required || given.has(key)) continue;
    fits = false;
    complain(c, 'E0603', call.nameSpan, `\`${call.name}\` needs \`${key}\`: ${field.doc}`, `add \`${key}=...\``);
  }
  return fits ? settings : undefined;
}

function rejectArgument(
  c: Checking,
  callee: string,
  key: string | undefined,
  given: ReadonlySet<string>,
  names: readonly string[],
  span: Span,
): void {
  if (key === undefined) complain(c, 'E0602', span, `\`${callee}\` takes ${names.length} values at most`);
  else if (given.has(key)) complain(c, 'E0608', span, `\`${key}\` is given twice`);
  else
    complain(
      c,
      'E0602',
      span,
      `\`${callee}\` has no \`${key}\``,
      didYouMean(key, names) ?? `it has ${names.join(', ')}`,
    );
}

function checkList(
  c: Checking,
  spec: Extract<Spec, { kind: 'list' }>,
  expression: Expression,
  what: string,
): Setting | undefined {
  if (expression.kind !== 'list') return complain(c, 'E0604', expression.span, `${what} must be a list`);
  if (spec.length !== undefined && expression.elements.length !== spec.length) {
    return complain(c, 'E0604', expression.span, `${what} must be a list of ${spec.length}`);
  }
  const elements = expression.elements.map((element) => checkValue(c, spec.of, element, `an element of ${what}`));
  const known = elements.filter((element) => element !== undefined);
  return known.length === elements.length ? { kind: 'list', elements: known } : undefined;
}

function checkPairs(c: Checking, of: Spec, expression: Expression, what: string): Setting | undefined {
  const pairs = expression.kind === 'list' ? expression.elements : [];
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
  const globs = elements?.flatMap((each): Setting[] => {
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
    const help = spec.members ? `there is ${spec.members.join(', ')}` : undefined;
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

/** `ResNet20(depth=56) @ "file"`. */
function checkModel(c: Checking, expression: Expression, what: string): Setting | undefined {
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
    return complain(c, 'E0606', call.nameSpan, `no model is called \`${call.name}\``);
  const parameters = item.declaration.parameters.map(({ name }) => name.name);
  const args: Record<string, string> = {};
  for (const { name, value, span } of call.args) {
    if (!name) return complain(c, 'E0604', span, `name the arguments of \`${call.name}\``);
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

/** `{ N = 16, H = 128 }`. */
function checkSizes(c: Checking, expression: Expression, what: string): Setting | undefined {
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
    else if (entry.kind !== 'assign') complain(c, 'E0604', entry.span, `${what} holds sizes only`);
  }
  return { kind: 'group', entries, items: [] };
}
