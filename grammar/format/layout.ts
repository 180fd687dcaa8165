/** What can stand on one line and where else it may break: the form between syntax tree and text. */
import type { Comment, Token } from './tokens.ts';

/** A token, or a space between tokens. */
export interface Leaf {
  readonly kind: 'leaf';
  readonly token: Token | undefined;
}
/** Parts in a row; each breaks on its own. */
export interface Row {
  readonly kind: 'row';
  readonly parts: readonly Layout[];
}
/** Parts that go to lines of their own, two columns further in, where they do not fit. */
export interface Wrapped {
  readonly kind: 'wrapped';
  readonly first: Layout;
  readonly rest: readonly { readonly gap: string; readonly layout: Layout }[];
}
/** Elements between brackets with commas: rows of the author's, or one a line. */
export interface List {
  readonly kind: 'list';
  readonly open: Token;
  readonly items: readonly Item[];
  readonly close: Token;
  readonly padding: '' | ' ';
  /** False where no comma may stand behind the last element. */
  readonly endsInComma: boolean;
  /** True where the author broke the line after the opening bracket. */
  readonly isBroken: boolean;
}
/** What stands in braces: one item a line, or all on the brace's line. */
export interface Block {
  readonly kind: 'block';
  readonly content: 'statements' | 'stages' | 'entries' | 'record';
  readonly open: Token;
  readonly items: readonly Item[];
  readonly close: Token;
  readonly isBroken: boolean;
}
/** A value and the stages that it goes through. */
export interface Chain {
  readonly kind: 'chain';
  readonly head: Layout;
  readonly stages: readonly Item[];
  readonly isBroken: boolean;
}
/** `if c then a`, `else if d then b`, `else c`. */
export interface Choice {
  readonly kind: 'choice';
  readonly arms: readonly Layout[];
  /** True where the author broke the line in front of an `else`. */
  readonly isBroken: boolean;
}
/** `if c { ... } else { ... }`: both parts break where one does. */
export interface Branches {
  readonly kind: 'branches';
  readonly head: Layout;
  readonly then: Block;
  readonly otherwise: { readonly word: Token; readonly body: Block } | undefined;
}
/** `key = value`, `figure <= limit`, `key { ... }`, aligned with its neighbours. */
export interface EntryLayout {
  readonly kind: 'entry';
  readonly key: Layout;
  readonly sign: Token | undefined;
  readonly value: Layout;
}
/** The head of a declaration with parameters, and its body. */
export interface Signature {
  readonly kind: 'signature';
  readonly name: Layout;
  readonly parameters: Layout;
  readonly result: Layout | undefined;
  /** True where the author broke the line in front of the arrow. */
  readonly isBroken: boolean;
  readonly body: Block;
}

export type Layout = Leaf | Row | Wrapped | List | Block | Chain | Choice | Branches | EntryLayout | Signature;

/** An element, statement, stage, entry or declaration with the comments around it. */
export interface Item {
  readonly before: readonly Comment[];
  /** True where a blank line stands in front of it, behind its comments. */
  readonly blank: boolean;
  /** True where it begins a line of the source. */
  readonly newline: boolean;
  readonly layout: Layout;
  readonly after: readonly Comment[];
  /** What must stand behind it, since the next item would be taken for a part of it. */
  readonly separator: '' | ',';
  /** True for declarations that stand apart. */
  readonly isApart: boolean;
}

export const space: Leaf = { kind: 'leaf', token: undefined };

export function leaf(token: Token): Leaf {
  return { kind: 'leaf', token };
}

export function row(...parts: readonly Layout[]): Layout {
  const all = parts.flatMap((part) => (part.kind === 'row' ? part.parts : [part]));
  const [only, second] = all;
  return only && !second ? only : { kind: 'row', parts: all };
}
