/** Checks the directives of a file: names, targets, keys, values, and that stages form no circle. */
import type { Directive, Entry, Expression, Identifier, ValueEntry } from '../../../grammar/ast.ts';
import type { DiagnosticCode } from '../../../grammar/diagnostics.ts';
import type { Span } from '../../../grammar/source.ts';
import { didYouMean } from '../../../grammar/suggest.ts';
import { checkConstraint, type Constraint } from './budget.ts';
import { defaultText } from './complete.ts';
import { directiveSchemas, stageWords, type DirectiveSchema, type Fields, type Functions } from './directive-schema.ts';
import { checkCall, checkValue } from './directive-values.ts';
import { modelHelp } from './directive-models.ts';
import { foreignKeyHelp, foreignWordHelp } from './foreign-settings.ts';
import { lookUpFile } from '../load.ts';
import { report, type Scope } from '../names/scope.ts';
import type { Checking, Setting, Settings } from './settings.ts';
import { checkStageChains } from './stage-chains.ts';

/** A checked directive; `settings` holds what was written and is right, without defaults. */
export interface CheckedDirective {
  readonly word: string;
  readonly name?: string;
  /** The model, or the stage for a budget. */
  readonly target?: string;
  readonly settings: Settings;
  readonly items: readonly Setting[];
  readonly constraints: readonly Constraint[];
  readonly declaration: Directive;
}

const isStage = (word: string): boolean => stageWords.some((each) => each === word);

function complain(scope: Scope, code: DiagnosticCode, span: Span, message: string, help?: string): void {
  report(scope, code, span, message, help === undefined ? {} : { help });
}

/** All directives of the file that have a known word, with faults reported in `scope`. */
export function checkDirectives(directives: readonly Directive[], scope: Scope): CheckedDirective[] {
  const c: Checking = { scope, names: collectNames(directives, scope) };
  const checked: CheckedDirective[] = [];
  for (const directive of directives) {
    const word = directive.word.name;
    const schema = Object.hasOwn(directiveSchemas, word) ? directiveSchemas[word] : undefined;
    if (!schema) {
      const known = Object.keys(directiveSchemas);
      const help = foreignWordHelp(word) ?? didYouMean(word, known) ?? `directives are ${known.join(', ')}`;
      complain(scope, 'E0601', directive.word.span, `unknown directive \`${word}\``, help);
      continue;
    }
    checkHeader(c, directive, schema);
    checked.push(checkEntries(c, directive, schema));
  }
  checkCircles(checked, scope);
  checkStageChains(checked, scope);
  return checked;
}

/** Names by word. Reports names declared twice; stages share their names, as `from` and budgets refer to any. */
function collectNames(directives: readonly Directive[], scope: Scope): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>();
  const seen = new Map<string, Span>();
  for (const { word, name, target } of directives) {
    const group = isStage(word.name) ? 'stage' : word.name;
    const shown = name ?? target;
    if (!shown) continue;
    const key = `${group} ${name ? '' : 'for '}${shown.name}`;
    const first = seen.get(key);
    if (first) {
      const message = name
        ? `\`${name.name}\` is declared twice`
        : `\`${shown.name}\` has two directives \`${word.name}\``;
      const help = name ? 'give it a name of its own' : 'put all entries into one of them';
      report(scope, 'E0609', shown.span, message, { notes: [{ message: 'the first one', span: first }], help });
    } else {
      seen.set(key, shown.span);
    }
    if (name) names.set(word.name, (names.get(word.name) ?? new Set()).add(name.name));
  }
  return names;
}

function checkHeader(c: Checking, { word, name, target }: Directive, schema: DirectiveSchema): void {
  if (schema.name === 'required' && !name) {
    complain(c.scope, 'E0610', word.span, `\`${word.name}\` needs a name`, `write \`${word.name} name ... { ... }\``);
  }
  if (schema.name === 'none' && name) {
    const help = `write \`${word.name} for ${target?.name ?? 'Model'} { ... }\``;
    complain(c.scope, 'E0610', name.span, `\`${word.name}\` has no name of its own`, help);
  }
  if (schema.target === 'none') {
    if (!target) return;
    const help = `remove \`for ${target.name}\``;
    return complain(c.scope, 'E0610', target.span, `\`${word.name}\` belongs to no model`, help);
  }
  if (!target) {
    complain(
      c.scope,
      'E0610',
      word.span,
      `\`${word.name}\` needs a target`,
      `write \`${word.name} ... for Model { ... }\``,
    );
    return;
  }
  checkTarget(c, target, schema);
}

/** Reports E0606 where no model, or stage, has the name. */
function checkTarget(c: Checking, target: Identifier, schema: DirectiveSchema): void {
  const { known, item } = lookUpFile(c.scope.module, target.name);
  const stages = stageWords.flatMap((each) => [...(c.names.get(each) ?? [])]);
  if (schema.target === 'model or stage' && stages.includes(target.name)) return;
  if (item?.declaration.kind === 'model' || (known && !item)) return;
  const what = schema.target === 'model' ? 'no model is called' : 'no model or stage is called';
  const stageMeant = schema.target === 'model' ? undefined : didYouMean(target.name, stages);
  const help = stageMeant ?? modelHelp(c, target.name);
  complain(c.scope, 'E0606', target.span, `${what} \`${target.name}\``, help);
}

function checkEntries(c: Checking, directive: Directive, schema: DirectiveSchema): CheckedDirective {
  const constraints: Constraint[] = [];
  const items: Setting[] = [];
  const other = (entry: ValueEntry): void => {
    const constraint = schema.constraints ? checkConstraint(c, entry.value) : undefined;
    if (constraint) constraints.push(constraint);
    if (schema.constraints) return;
    const item = checkItem(c, schema.items, entry.value, directive.word.name);
    if (item) items.push(item);
  };
  const { word, name, target } = directive;
  const settings = checkFields(c, schema.fields, directive.entries, { word: word.name, span: word.span }, other);
  return {
    word: word.name,
    ...(name ? { name: name.name } : {}),
    ...(target ? { target: target.name } : {}),
    settings,
    items,
    constraints,
    declaration: directive,
  };
}

function checkItem(
  c: Checking,
  functions: Functions | undefined,
  value: Expression,
  word: string,
): Setting | undefined {
  if (functions) return checkCall(c, functions, value, `an entry of \`${word}\``);
  complain(c.scope, 'E0604', value.span, `an entry of \`${word}\` must be \`key = value\``, entryHelp(value));
  return undefined;
}

/** For `epochs 10` and `batch = 32 32`. */
const entryHelp = (value: Expression): string =>
  value.kind === 'name' ? `write \`${value.name} = ...\`` : 'give it a key, or remove it';

/** Checks the entries of a directive or group; entries without a key go to `other`. */
function checkFields(
  c: Checking,
  fields: Fields,
  entries: readonly Entry[],
  owner: { readonly word: string; readonly span: Span },
  other: (entry: ValueEntry) => void,
): Settings {
  const settings = new Map<string, Setting>();
  const given = new Map<string, Span>();
  const { diagnostics } = c.scope.build;
  let refused = 0;
  for (const [at, entry] of entries.entries()) {
    if (entry.kind === 'value') {
      // `epochs 10`: one fault, and the key has it.
      if (isBareKey(entries[at - 1], fields)) continue;
      const before = diagnostics.length;
      other(entry);
      if (diagnostics.length > before) refused++;
      continue;
    }
    const { name: key, span } = entry.name;
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    const first = given.get(key);
    if (!field) {
      refused++;
      const known = Object.keys(fields);
      const foreign = foreignKeyHelp(owner.word, key, known);
      const help = foreign ?? didYouMean(key, known) ?? (known.length > 0 ? `it has ${known.join(', ')}` : undefined);
      complain(c.scope, 'E0602', span, `\`${owner.word}\` has no key \`${key}\``, help);
    } else if (first) {
      report(c.scope, 'E0608', span, `\`${key}\` is given twice`, {
        notes: [{ message: 'the first one', span: first }],
        help: 'remove one of them',
      });
    } else {
      given.set(key, span);
      const setting = checkEntry(c, field.spec, entry, key, defaultText(field));
      if (setting) settings.set(key, setting);
    }
  }
  const missing = Object.entries(fields).filter(([key, field]) => field.required && !given.has(key));
  // A refused entry is likely the one that seems to be missing.
  if (missing.length <= refused) return settings;
  for (const [key, field] of missing) {
    complain(c.scope, 'E0603', owner.span, `\`${owner.word}\` needs \`${key}\`: ${field.doc}`, `add \`${key} = ...\``);
  }
  return settings;
}

/** A key without `=`. */
const isBareKey = (entry: Entry | undefined, fields: Fields): boolean =>
  entry?.kind === 'value' && entry.value.kind === 'name' && Object.hasOwn(fields, entry.value.name);

function checkEntry(
  c: Checking,
  spec: Fields[string]['spec'],
  entry: Exclude<Entry, ValueEntry>,
  key: string,
  fallback?: string,
): Setting | undefined {
  if (entry.kind === 'assign') return checkValue(c, spec, entry.value, `\`${key}\``, fallback);
  const owner = { word: key, span: entry.name.span };
  const items: Setting[] = [];
  if (spec.kind === 'items') {
    const take = (each: ValueEntry): void => {
      const item = checkCall(c, spec.functions, each.value, `an entry of \`${key}\``);
      if (item) items.push(item);
    };
    return { kind: 'group', entries: checkFields(c, {}, entry.entries, owner, take), items };
  }
  if (spec.kind === 'group') {
    const refuse = (each: ValueEntry): void =>
      complain(c.scope, 'E0604', each.span, `an entry of \`${key}\` must be \`name = value\``, entryHelp(each.value));
    return { kind: 'group', entries: checkFields(c, spec.fields, entry.entries, owner, refuse), items };
  }
  complain(c.scope, 'E0604', entry.name.span, `\`${key}\` is a value, not a group`, `write \`${key} = ...\``);
  return undefined;
}

/** Reports E0607 where stages follow each other in a circle through `from` or `teacher`. */
function checkCircles(checked: readonly CheckedDirective[], scope: Scope): void {
  const sources = new Map<string, { readonly from: string; readonly span: Span }[]>();
  for (const { word, name, settings } of checked) {
    if (!isStage(word) || name === undefined) continue;
    const named = [settings.get('from'), settings.get('teacher')];
    const needed = named.flatMap((each) => (each?.kind === 'name' ? [{ from: each.value, span: each.span }] : []));
    sources.set(name, needed);
  }
  const reported = new Set<string>();
  const visit = (name: string, chain: readonly string[]): void => {
    for (const { from } of sources.get(name) ?? []) {
      if (reported.has(from)) continue;
      const at = [...chain, name].indexOf(from);
      if (at < 0) {
        visit(from, [...chain, name]);
        continue;
      }
      const circle = [...chain, name].slice(at);
      const span = sources.get(from)?.find((each) => each.from === (circle[1] ?? from))?.span;
      const help = 'leave `from` out where training starts from nothing';
      if (span)
        complain(scope, 'E0607', span, `stages follow each other in a circle: ${[...circle, from].join(' -> ')}`, help);
      for (const each of circle) reported.add(each);
    }
    reported.add(name);
  };
  for (const start of sources.keys()) if (!reported.has(start)) visit(start, []);
}
