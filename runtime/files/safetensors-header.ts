/** A strict reader of a safetensors header: JSON of one known form, in which no name may come twice. */
import { RuntimeFault } from '../errors.ts';

/** One tensor of the header, checked for form only. */
export interface HeaderEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** First byte and the byte behind the last, counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly entries: readonly HeaderEntry[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** A position in the header's text; JSON.parse would drop all but the last of two equal names without a word. */
interface Cursor {
  readonly text: string;
  at: number;
}

/** The fault for a broken safetensors file: E0711. */
export function malformed(detail: string): RuntimeFault {
  return new RuntimeFault('E0711', 'input', detail);
}

/** Reads a header. Throws E0711 with the place of the first fault. */
export function parseHeader(text: string): Header {
  const cursor = { text, at: 0 };
  const entries: HeaderEntry[] = [];
  let metadata = new Map<string, string>();
  readObject(cursor, 'the header', (name) => {
    if (name === '__metadata__') metadata = readMetadata(cursor);
    else entries.push(readEntry(cursor, name));
  });
  skipSpace(cursor);
  if (cursor.at < text.length) throw expected(cursor, 'nothing but spaces behind the closing brace');
  return { entries, metadata };
}

function readMetadata(cursor: Cursor): Map<string, string> {
  const metadata = new Map<string, string>();
  readObject(cursor, '__metadata__', (name) => metadata.set(name, readString(cursor)));
  return metadata;
}

function readEntry(cursor: Cursor, name: string): HeaderEntry {
  let dtype: string | undefined;
  let shape: readonly number[] | undefined;
  let offsets: readonly number[] | undefined;
  const title = `tensor ${JSON.stringify(name)}`;
  readObject(cursor, title, (key) => {
    if (key === 'dtype') dtype = readString(cursor);
    else if (key === 'shape') shape = readIntegers(cursor);
    else if (key === 'data_offsets') offsets = readIntegers(cursor);
    else throw malformed(`${title} has the unknown key ${JSON.stringify(key)}`);
  });
  if (dtype === undefined) throw malformed(`${title} has no dtype`);
  if (shape === undefined) throw malformed(`${title} has no shape`);
  const [begin, end] = offsets ?? [];
  if (begin === undefined || end === undefined || offsets?.length !== 2) {
    throw malformed(`${title} must have two data_offsets`);
  }
  return { name, dtype, shape, begin, end };
}

/** Reads `{"name": value, ...}`; `readValue` must consume the value. */
function readObject(cursor: Cursor, title: string, readValue: (name: string) => void): void {
  const seen = new Set<string>();
  take(cursor, '{');
  if (taken(cursor, '}')) return;
  do {
    const name = readString(cursor);
    if (seen.has(name)) throw malformed(`${title} has the name ${JSON.stringify(name)} twice`);
    seen.add(name);
    take(cursor, ':');
    readValue(name);
  } while (taken(cursor, ','));
  take(cursor, '}');
}

function readIntegers(cursor: Cursor): readonly number[] {
  const values: number[] = [];
  take(cursor, '[');
  if (taken(cursor, ']')) return values;
  do values.push(readInteger(cursor));
  while (taken(cursor, ','));
  take(cursor, ']');
  return values;
}

const integer = /(?:0|[1-9][0-9]*)(?![0-9.eE])/y;

function readInteger(cursor: Cursor): number {
  skipSpace(cursor);
  integer.lastIndex = cursor.at;
  const found = integer.exec(cursor.text);
  if (!found) throw expected(cursor, 'a non-negative integer');
  const value = Number(found[0]);
  if (!Number.isSafeInteger(value)) throw expected(cursor, 'an integer below 2^53');
  cursor.at = integer.lastIndex;
  return value;
}

function readString(cursor: Cursor): string {
  skipSpace(cursor);
  const end = stringEnd(cursor);
  const value = parseString(cursor.text.slice(cursor.at, end));
  // Lone surrogates have no UTF-8 form: two such names would become equal when written.
  if (value === undefined || /\p{Surrogate}/u.test(value)) throw expected(cursor, 'a well-formed string');
  cursor.at = end;
  return value;
}

/** The character behind the closing quote. A loop, since a regular expression may backtrack or run out of stack. */
function stringEnd(cursor: Cursor): number {
  const { text } = cursor;
  if (text[cursor.at] !== '"') throw expected(cursor, 'a string');
  let at = cursor.at + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  if (at >= text.length) throw malformed(`the string at character ${cursor.at} of the header does not end`);
  return at + 1;
}

function parseString(literal: string): string | undefined {
  try {
    const value: unknown = JSON.parse(literal);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

function take(cursor: Cursor, token: string): void {
  if (!taken(cursor, token)) throw expected(cursor, `'${token}'`);
}

function taken(cursor: Cursor, token: string): boolean {
  skipSpace(cursor);
  if (cursor.text[cursor.at] !== token) return false;
  cursor.at += 1;
  return true;
}

function skipSpace(cursor: Cursor): void {
  while (' \t\n\r'.includes(cursor.text[cursor.at] ?? '.')) cursor.at += 1;
}

function expected(cursor: Cursor, what: string): RuntimeFault {
  const found = cursor.at < cursor.text.length ? JSON.stringify(cursor.text[cursor.at]) : 'its end';
  return malformed(`the header needs ${what} at character ${cursor.at}, but there is ${found}`);
}
