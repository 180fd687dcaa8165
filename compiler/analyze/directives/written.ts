/** Finds in the syntax tree what a checked setting was written as: warnings point at values, settings have none. */
import type { Entry, Expression } from '../../../grammar/ast.ts';
import type { Span } from '../../../grammar/source.ts';
import { directiveSchemas } from './directive-schema.ts';
import type { Field, Fields } from './directive-spec.ts';
import { writtenCall } from './written-call.ts';

type KeyedEntry = Exclude<Entry, { readonly kind: 'value' }>;

/** The entry with that key; the first one where it is given twice. */
export const entryOf = (entries: readonly Entry[], key: string): KeyedEntry | undefined =>
  entries.find((entry): entry is KeyedEntry => entry.kind !== 'value' && entry.name.name === key);

/** The entries of a group; none where the key is not a group. */
export function groupOf(entries: readonly Entry[], key: string): readonly Entry[] {
  const entry = entryOf(entries, key);
  return entry?.kind === 'group' ? entry.entries : [];
}

export function valueOf(entries: readonly Entry[], key: string): Expression | undefined {
  const entry = entryOf(entries, key);
  return entry?.kind === 'assign' ? entry.value : undefined;
}

/** Where a key's value stands, or the key itself for a group. */
export const spanOf = (entries: readonly Entry[], key: string): Span | undefined =>
  valueOf(entries, key)?.span ?? entryOf(entries, key)?.name.span;

/** The argument of the call that a key's value is, by name or by position; `word` is the directive's. */
export function argumentOf(
  word: string,
  entries: readonly Entry[],
  key: string,
  argument: string,
): Expression | undefined {
  const value = valueOf(entries, key);
  const call = value && writtenCall(value);
  const names = Object.keys((call && parametersOf(word, key, call.name)) ?? {});
  let position = 0;
  return call?.args.find(({ name }) => (name?.name ?? names[position++]) === argument)?.value;
}

/** What the schema says of an argument of the call that a key's value is. */
export function argumentField(
  word: string,
  entries: readonly Entry[],
  key: string,
  argument: string,
): Field | undefined {
  const value = valueOf(entries, key);
  const call = value && writtenCall(value);
  return call && parametersOf(word, key, call.name)?.[argument];
}

function parametersOf(word: string, key: string, callee: string): Fields | undefined {
  const spec = directiveSchemas[word]?.fields[key]?.spec;
  return spec?.kind === 'call' ? spec.functions[callee] : undefined;
}
