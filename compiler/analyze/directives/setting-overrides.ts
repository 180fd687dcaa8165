/** Settings from outside a source, as `--set train.lr=0.05`, put into its directives before they are checked. */
import type { AssignEntry, Directive, Entry, Expression, GroupEntry, Identifier } from '../../../grammar/ast.ts';
import type { Diagnostic } from '../../../grammar/diagnostics.ts';
import { parse } from '../../../grammar/parse.ts';
import type { Span } from '../../../grammar/source.ts';
import { closestName } from '../../../grammar/suggest.ts';
import { directiveSchemas, lossFunctions, type Fields, type Functions, type Spec } from './directive-schema.ts';
import { writtenCall } from './written-call.ts';
import { textOf } from '../values/type-match.ts';
import { entryOf } from './written.ts';

/** A key that names no setting, or text that is no `KEY=VALUE`. */
export class OverrideError extends Error {
  readonly help: string;

  constructor(message: string, help: string) {
    super(message);
    this.help = help;
  }
}

export interface SettingOverrides {
  /** Each spans one `KEY=VALUE`; a key begins with the word of a directive or its name. */
  readonly settings: readonly Span[];
  /** Name of the directive that a word means where several have it. */
  readonly chosen?: string | undefined;
}

interface Override {
  readonly path: readonly Identifier[];
  readonly value: Expression;
  readonly span: Span;
}

/**
 * The directives with each setting replaced, or added where it was not given. Diagnostics are those of the values'
 * syntax; values that do not fit are found as any other. Throws an OverrideError.
 */
export function overrideSettings(
  directives: readonly Directive[],
  { settings, chosen }: SettingOverrides,
): { readonly directives: readonly Directive[]; readonly diagnostics: readonly Diagnostic[] } {
  let changed = directives;
  const diagnostics: Diagnostic[] = [];
  for (const span of settings) {
    const read = readOverride(span);
    diagnostics.push(...read.diagnostics);
    const [owner, ...path] = read.path;
    if (!owner || !read.value) continue;
    const directive = directiveOf(changed, owner, chosen);
    const fields = directiveSchemas[directive.word.name]?.fields ?? {};
    const override = { path: expandShorthand(directive.entries, fields, path), value: read.value, span };
    const entries = setIn(directive.entries, fields, directive.word.name, override);
    changed = changed.map((each) => (each === directive ? { ...each, entries } : each));
  }
  return { directives: changed, diagnostics };
}

interface Read {
  readonly path: readonly Identifier[];
  /** Absent where its syntax is wrong. */
  readonly value?: Expression;
  readonly diagnostics: readonly Diagnostic[];
}

function readOverride(span: Span): Read {
  const { file, start } = span;
  const text = textOf(span);
  const key = /^\s*[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)+\s*(?==)/.exec(text)?.[0];
  if (key === undefined) throw new OverrideError(`'${text}' is not KEY=VALUE`, 'write --set train.epochs=3');
  const path = [...key.matchAll(/\w+/g)].map(({ 0: name, index }) => {
    const from = start + index;
    return { name, span: { file, start: from, end: from + name.length } };
  });
  // What stands around the value makes an entry of it that has the same place, so that spans fit what was written.
  const entry = `${' '.repeat(start)}${'x{x'.padEnd(key.length)}${text.slice(key.length)}\n}`;
  const { program, diagnostics } = parse(file, entry);
  const [directive, second] = program.declarations;
  const [assigned, more] = directive?.kind === 'directive' ? directive.entries : [];
  if (diagnostics.length > 0) return { path, diagnostics };
  if (assigned?.kind !== 'assign' || second || more) {
    const help = 'quote it from the shell, as in --set "train.schedule=step(every=2epochs)"';
    throw new OverrideError(`'${text.slice(key.length + 1)}' is not one value`, help);
  }
  return { path, value: assigned.value, diagnostics };
}

/** The directive that the first part of a key means. */
function directiveOf(directives: readonly Directive[], { name }: Identifier, chosen: string | undefined): Directive {
  const named = directives.filter((each) => each.name?.name === name);
  const found = named.length > 0 ? named : directives.filter((each) => each.word.name === name);
  const [only, second] = found.length > 1 ? found.filter((each) => each.name?.name === chosen) : found;
  if (only && !second) return only;
  const names = (among: readonly Directive[]): string[] => among.flatMap((each) => each.name?.name ?? []);
  if (found.length > 0) {
    const help = names(found).length > 0 ? `begin with a name: ${names(found).join(', ')}` : 'change it in the source';
    throw new OverrideError(`\`${name}\` means several directives`, help);
  }
  const known = new Set([...directives.map(({ word }) => word.name), ...names(directives)]);
  throw unknown(`no directive is called \`${name}\``, name, [...known]);
}

function unknown(message: string, name: string, known: readonly string[], otherwise = 'there is'): OverrideError {
  const near = closestName(name, known);
  return new OverrideError(message, near ? `did you mean \`${near}\`?` : `${otherwise} ${known.join(', ')}`);
}

/** `lr` is the optimizer's, and `batch` is the `N` of a `shape` that has one. */
function expandShorthand(
  entries: readonly Entry[],
  fields: Fields,
  path: readonly Identifier[],
): readonly Identifier[] {
  const [first, ...rest] = path;
  if (!first || rest.length > 0) return path;
  if (first.name === 'lr' && !fields['lr'] && fields['optimizer']) return [{ ...first, name: 'optimizer' }, first];
  const shape = entryOf(entries, 'shape');
  const record = shape?.kind === 'assign' && shape.value.kind === 'record' ? shape.value.entries : [];
  if (first.name !== 'batch' || !entryOf(record, 'N')) return path;
  return [
    { ...first, name: 'shape' },
    { ...first, name: 'N' },
  ];
}

type Keyed = AssignEntry | GroupEntry;

/** Entries of `owner` with the value at its path. */
function setIn(entries: readonly Entry[], fields: Fields, owner: string, override: Override): readonly Entry[] {
  const [key, ...path] = override.path;
  if (!key) return entries;
  const field = Object.hasOwn(fields, key.name) ? fields[key.name] : undefined;
  if (!field) {
    const known = [...Object.keys(fields), ...(fields['optimizer'] ? ['lr'] : [])];
    throw unknown(`\`${owner}\` has no key \`${key.name}\``, key.name, known, 'it has');
  }
  const old = entryOf(entries, key.name);
  return replaced(
    entries,
    old,
    path.length === 0 ? assigned(key, override) : setBelow(old, field.spec, key, { ...override, path }),
  );
}

const replaced = (entries: readonly Entry[], old: Entry | undefined, entry: Entry): readonly Entry[] =>
  old ? entries.map((each) => (each === old ? entry : each)) : [...entries, entry];

const assigned = (name: Identifier, { value, span }: Override): AssignEntry => ({ kind: 'assign', name, value, span });

/** The entry of `key` with the value at a path inside of it. */
function setBelow(old: Keyed | undefined, spec: Spec, key: Identifier, override: Override): Entry {
  if (spec.kind === 'group') {
    const entries = setIn(old?.kind === 'group' ? old.entries : [], spec.fields, key.name, override);
    return { kind: 'group', name: old?.name ?? key, entries, span: old?.span ?? override.span };
  }
  const given = old?.kind === 'assign' ? old : undefined;
  if (spec.kind === 'sizes') {
    const value = setSize(given?.value, key, override);
    return given ? { ...given, value } : assigned(key, { ...override, value });
  }
  const functions = spec.kind === 'call' ? spec.functions : spec.kind === 'loss' ? lossFunctions : undefined;
  if (!functions) throw partless(key, override);
  const example = `write it as a whole, as in --set "${keyUpTo(key, override)}=${Object.keys(functions)[0] ?? ''}(...)"`;
  if (!given) throw new OverrideError(`there is no \`${key.name}\` whose settings could be changed`, example);
  return { ...given, value: setArgument(given.value, functions, example, override) };
}

/** The written key as far as one of its parts. */
const keyUpTo = ({ span }: Identifier, { span: { file, start } }: Override): string => file.text.slice(start, span.end);

const partless = (key: Identifier, override: Override): OverrideError =>
  new OverrideError(`\`${key.name}\` has no parts`, `write --set ${keyUpTo(key, override)}=VALUE`);

function setSize(record: Expression | undefined, key: Identifier, override: Override): Expression {
  const [size, ...more] = override.path;
  if (!size || more.length > 0) throw partless(size ?? key, override);
  const { entries, span } = record?.kind === 'record' ? record : { entries: [], span: override.span };
  const old = entryOf(entries, size.name);
  return { kind: 'record', entries: replaced(entries, old, assigned(size, override)), span };
}

/** A call with the argument replaced or added; a call that is wrong itself stays, for the checks will say so. */
function setArgument(call: Expression, functions: Functions, example: string, override: Override): Expression {
  const written = writtenCall(call);
  const [key, ...more] = override.path;
  if (!written || !key) throw new OverrideError(`\`${textOf(call.span)}\` is more than one call`, example);
  const fields = Object.hasOwn(functions, written.name) ? functions[written.name] : undefined;
  if (!fields) return call;
  const names = Object.keys(fields);
  if (!names.includes(key.name)) {
    throw unknown(`\`${written.name}\` has no \`${key.name}\``, key.name, names, 'it has');
  }
  if (more.length > 0) throw partless(key, override);
  const { value, span } = override;
  const unnamed = written.args.filter(({ name }) => !name);
  const old = written.args.find(({ name }) => name?.name === key.name) ?? unnamed[names.indexOf(key.name)];
  const args = old
    ? written.args.map((each) => (each === old ? { ...each, value } : each))
    : [...written.args, { name: key, value, span }];
  const callee = { kind: 'name', name: written.name, span: written.nameSpan } as const;
  return { kind: 'call', callee, arguments: args, span: call.span };
}
