/** Which class is which: lists of classes that meet, compared by name. */
import { RuntimeFault } from './errors.ts';

/** Throws E0714 for a name that no file of names could hold, and that breaks what lists it. */
export function checkNames(names: readonly string[], who: string): void {
  const odd = names.find((name) => !isPlainName(name));
  if (odd === undefined) return;
  const help = 'rename the folder of the class, or write its name anew: as text in one line, without tabs';
  throw misfit(`${who} has a class called ${JSON.stringify(odd)}, with line breaks, tabs or control characters`, help);
}

export const isPlainName = (text: string): boolean => !/[\p{Cc}\u2028\u2029]/u.test(text);

/** Entry of a safetensors file's metadata that names the classes of a model, as JSON, in the order of its scores. */
const metadataKey = 'class_names';

/** The metadata that carries names along with weights; empty where there are none. */
export const namesMetadata = (names: readonly string[] | undefined): readonly (readonly [string, string])[] =>
  names && names.length > 0 ? [[metadataKey, JSON.stringify(names)]] : [];

/** The names that weights carry. Throws E0714 where the entry is no list of names, and as `checkNames` does. */
export function namesInMetadata(metadata: ReadonlyMap<string, string>, place: string): readonly string[] | undefined {
  const text = metadata.get(metadataKey);
  if (text === undefined) return undefined;
  const help = `${metadataKey} is a list in JSON, as in ["ant", "mouse"]; leave it out where the names are not known`;
  try {
    const names: unknown = JSON.parse(text);
    if (Array.isArray(names) && names.every((name): name is string => typeof name === 'string')) {
      checkNames(names, place);
      return names;
    }
  } catch (error) {
    if (isClassFault(error)) throw error;
    // Else it is no JSON, which is told below.
  }
  throw misfit(`the entry ${metadataKey} of ${place} is no list of names`, help);
}

/** What is said of the names of a model's scores by its weights and by its source. */
export interface ScoreNames {
  readonly model: string;
  /** How messages name the weights. */
  readonly weights: string;
  /** Names that the weights carry. */
  readonly carried: readonly string[] | undefined;
  /** Names that the source gives. */
  readonly given: readonly string[] | undefined;
}

/**
 * Names in the order of the scores: as the weights have learnt them, else as the source gives them. `note` says that the
 * source has another order. Throws E0714 where the two differ.
 */
export function settleNames({ model, weights, carried, given }: ScoreNames): {
  readonly names: readonly string[] | undefined;
  readonly note?: string;
} {
  if (!carried || !given) return { names: carried ?? given };
  const own = { who: `the list of classes of ${model}`, names: given };
  const learnt = { who: weights, names: carried };
  const { isSame, missing } = matchClasses(own, learnt);
  if (missing.length > 0) matchClasses(learnt, own);
  if (isSame) return { names: carried };
  const note = `${own.who} has another order than ${weights}: scores are named as the weights have learnt them`;
  return { names: carried, note };
}

/** Classes as someone names them; `who` as in `the data` or `M`. */
export interface NamedClasses {
  readonly who: string;
  readonly names: readonly string[];
}

/** How two lists of classes belong together. */
export interface ClassMatch {
  /** By index in the one: the index in the other. */
  readonly map: readonly number[];
  /** Whether every class has the same index in both. */
  readonly isSame: boolean;
  /** Classes of the other that the one has not. */
  readonly missing: readonly string[];
}

/**
 * Finds every class of `own` in `other` by name, whatever the order; `other` may have more. Throws E0714 that names what
 * differs where `own` has a class that `other` has not, and where a name of `own` is that of two classes.
 */
export function matchClasses(own: NamedClasses, other: NamedClasses): ClassMatch {
  if (own.names.length === other.names.length && own.names.every((name, at) => name === other.names[at])) {
    return { map: own.names.map((_, at) => at), isSame: true, missing: [] };
  }
  checkOnce(own, own.names);
  checkOnce(other, own.names);
  const indices = new Map(other.names.map((name, index) => [name, index]));
  const unknown = own.names.filter((name) => !indices.has(name));
  const known = new Set(own.names);
  const missing = other.names.filter((name) => !known.has(name));
  if (unknown.length > 0) throw differing(own.who, unknown, other.who, missing);
  const map = own.names.map((name) => indices.get(name) ?? -1);
  return { map, isSame: map.every((index, at) => index === at), missing };
}

/** Throws E0714 where one of the names is that of two classes. */
function checkOnce(named: NamedClasses, needed: readonly string[]): void {
  const text = namedTwice(named, needed);
  if (text !== undefined) throw misfit(text, 'give every class a name of its own: these lists are compared by name');
}

/** What is to be said of a list in which two classes have the same name; of those names alone, where some are given. */
export function namedTwice({ who, names }: NamedClasses, among: readonly string[] = names): string | undefined {
  const wanted = new Set(among);
  const seen = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    const first = seen.get(name);
    seen.set(name, index);
    if (first !== undefined && wanted.has(name)) return `${who} calls two classes ${name}, ${first} and ${index}`;
  }
  return undefined;
}

function differing(own: string, unknown: readonly string[], other: string, missing: readonly string[]): RuntimeFault {
  const rest = missing.length === 0 ? '' : `; only ${other} has ${nameList(missing)}`;
  const pairs = unknown.flatMap((name) => {
    const near = nearest(name, missing);
    return near === undefined ? [] : [`${name} for ${near}`];
  });
  const help =
    pairs.length > 0
      ? `is it ${nameList(pairs, 4)}? names are compared letter by letter: give a class one name everywhere`
      : 'classes are compared by name: give a class one name everywhere, and leave out what is no class of both';
  return misfit(`only ${own} has ${classWord(unknown.length)} ${nameList(unknown)}${rest}`, help);
}

const classWord = (count: number): string => (count === 1 ? 'the class' : 'the classes');

/** What one list says of another that has other order or more classes; undefined where both are the same. */
export function matchText({ isSame, missing }: ClassMatch, own: string, other: string): string | undefined {
  if (missing.length > 0) {
    return `${own} has no ${nameList(missing)} of ${other}; the other classes are matched by name`;
  }
  return isSame ? undefined : `${own} has the classes of ${other} in another order; they are matched by name`;
}

/** Throws E0714 with both counts where a number of named classes is not what a model gives. */
export function checkCount({ who, names }: NamedClasses, classes: number, model: string): void {
  if (names.length === classes) return;
  const help = 'a model gives one score for each class: change its last layer, or the classes';
  throw misfit(`${who} has ${countedNames(names)}; ${model} gives ${classes}`, help);
}

/** Throws E0714 with both counts where only these are known. */
export function checkNumbers(who: string, count: number, classes: number, model: string): void {
  if (count === classes) return;
  const help = 'a model gives one score for each class: change its last layer, or the classes';
  throw misfit(`${who} has ${count} classes; ${model} gives ${classes}`, help);
}

const mostShown = 8;

/** Names in a line, the first few of many with their number. */
export function nameList(names: readonly string[], most = mostShown): string {
  if (names.length <= most) return names.join(', ');
  return `${names.slice(0, Math.max(1, most - 3)).join(', ')}, ... (${names.length} in all)`;
}

const countedNames = (names: readonly string[]): string =>
  names.length <= mostShown ? nameList(names) : `${names.length} classes (${names.slice(0, 3).join(', ')}, ...)`;

/** The name of a class, or its number where it has none. */
export const className = (names: readonly string[] | undefined, index: number): string =>
  names?.[index] ?? `class ${index}`;

/** Letters and digits alone, so that `Fire_truck` is near to `fire truck`. */
const folded = (name: string): string =>
  name
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');

function nearest(name: string, candidates: readonly string[]): string | undefined {
  const own = folded(name);
  const alike = candidates.find((each) => folded(each) === own);
  if (alike !== undefined || own.length < 3) return alike;
  const part = candidates.find((each) => folded(each).length >= 3 && contains(own, folded(each)));
  return part ?? candidates.find((each) => distance(own, folded(each)) <= Math.max(1, Math.floor(own.length / 4)));
}

const contains = (a: string, b: string): boolean => a.includes(b) || b.includes(a);

/** Insertions, deletions and replacements of letters that turn one name into the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Whether an error is one that this module throws. */
export const isClassFault = (error: unknown): error is RuntimeFault =>
  error instanceof RuntimeFault && error.code === 'E0714';

/** The fault for classes that do not fit: E0714. */
export const misfit = (message: string, help: string): RuntimeFault =>
  new RuntimeFault('E0714', 'input', message, help);
