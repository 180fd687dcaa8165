/** From syntax tree and tokens to layouts: expressions, stages and entries. */
import type { Argument, BinaryExpression, Entry, Expression, IfExpression, Stage } from '../ast.ts';
import type { Block, Item, Layout, List } from './layout.ts';
import { leaf, row, space } from './layout.ts';
import type { Comment, Reader } from './tokens.ts';
import { next, nextIf, peek, takeAfter, takeBefore } from './tokens.ts';

/** The next token as a layout. */
export function word(reader: Reader): Layout {
  return leaf(next(reader));
}

/** Reads one item with the comments around it; `separators` are dropped behind it. */
export function item(reader: Reader, separators: readonly string[], layout: () => Layout): Item {
  const { newline, blank } = peek(reader);
  const before = takeBefore(reader);
  const inner = layout();
  const after: Comment[] = [];
  if (separators.length > 0) after.push(...takeAfter(reader));
  for (const separator of separators) {
    const comments = peek(reader).text === separator ? takeBefore(reader) : [];
    if (!nextIf(reader, separator)) continue;
    after.push(...comments, ...takeAfter(reader));
  }
  return {
    before,
    blank,
    newline: newline || before.length > 0,
    layout: inner,
    after,
    separator: '',
    isApart: false,
  };
}

/** Elements in brackets; commas, also a last one, are the printer's. */
export function bracketed<T>(
  reader: Reader,
  elements: readonly T[],
  layout: (element: T) => Layout,
  { padding = '', endsInComma = true }: Partial<Pick<List, 'padding' | 'endsInComma'>> = {},
): Layout {
  const open = next(reader);
  const items = elements.map((element) => item(reader, [','], () => layout(element)));
  const isBroken = items[0]?.newline ?? false;
  return { kind: 'list', open, items, close: next(reader), padding, endsInComma, isBroken };
}

/** What stands in braces; `;` and `,` stay only where the text would mean something else without them. */
export function braces<T>(
  reader: Reader,
  content: Block['content'],
  elements: readonly T[],
  layout: (element: T) => Layout,
): Block {
  const open = next(reader);
  const separators = content === 'statements' ? [] : content === 'stages' ? [';'] : [',', ';'];
  const items = elements.map((element) => {
    const read = item(reader, separators, () => layout(element));
    const after = separators.length > 0 ? read.after : takeAfter(reader);
    const isContinued = content === 'entries' && /^[^\w"}]/.test(peek(reader).text);
    return { ...read, after, separator: content === 'record' || isContinued ? ',' : '' } as const;
  });
  const isBroken = (items[0]?.newline ?? false) || (content === 'statements' && items.length > 1);
  return { kind: 'block', content, open, items, close: next(reader), isBroken };
}

/** The part with which an expression begins, where it begins with a part. */
function firstPart(e: Expression): Expression | undefined {
  switch (e.kind) {
    case 'binary':
      return e.left;
    case 'pipe':
      return e.input;
    case 'call':
      return e.callee;
    case 'index':
    case 'member':
      return e.object;
    case 'attach':
      return e.model;
    default:
      return undefined;
  }
}

/** True for a part without parentheses of its own. */
function isBare(e: Expression): boolean {
  return firstPart(e)?.span.start === e.span.start;
}

export function expression(reader: Reader, e: Expression): Layout {
  const isParenthesis = peek(reader).text === '(' && startsParenthesis(reader, e);
  if (!isParenthesis) return bareExpression(reader, e);
  const open = word(reader);
  const inner = expression(reader, e);
  return row(open, inner, word(reader));
}

/** True where the parenthesis at hand is around the expression and no part of it. */
function startsParenthesis(reader: Reader, e: Expression): boolean {
  const { start } = peek(reader);
  if (e.kind !== 'tuple') return start < (firstPart(e)?.span.start ?? Infinity);
  // A tuple has a parenthesis itself; its elements may begin with others.
  const inner = e.elements[0]?.span.start ?? Infinity;
  const following = peek(reader, 1);
  return following.text === '(' && following.start < inner;
}

function bareExpression(reader: Reader, e: Expression): Layout {
  switch (e.kind) {
    case 'tuple':
    case 'list':
      return bracketed(reader, e.elements, (element) => expression(reader, element));
    case 'record':
      return entries(reader, e.entries, 'record');
    case 'if':
      return ifExpression(reader, e);
    case 'unary':
      return row(word(reader), expression(reader, e.operand));
    case 'binary':
      return operators(reader, e);
    case 'pipe':
      return pipe(reader, e);
    case 'call':
    case 'index':
    case 'member':
    case 'attach':
      return postfixes(reader, e);
    default:
      return word(reader);
  }
}

/** A chain of operators from its first operand on; it may have any length, so it is no recursion. */
function operators(reader: Reader, e: BinaryExpression): Layout {
  const links: BinaryExpression[] = [];
  let first: Expression = e;
  while (first.kind === 'binary' && (first === e || isBare(first))) {
    links.push(first);
    first = first.left;
  }
  const start = expression(reader, first);
  const rest = links.toReversed().map((link) => {
    const isTight = link.operator === '..' && !isLoose(link.left) && !isLoose(link.right);
    const sign = word(reader);
    const operand = expression(reader, link.right);
    return isTight ? { gap: '', layout: row(sign, operand) } : { gap: ' ', layout: row(sign, space, operand) };
  });
  return { kind: 'wrapped', first: start, rest };
}

/** True for what has spaces inside, so that a tight `..` beside it would mislead. */
function isLoose(e: Expression): boolean {
  return (e.kind === 'binary' && isBare(e)) || e.kind === 'if';
}

function pipe(reader: Reader, e: Expression): Layout {
  const chain: Stage[] = [];
  let input = e;
  while (input.kind === 'pipe' && (input === e || isBare(input))) {
    chain.push(input.stage);
    input = input.input;
  }
  const head = expression(reader, input);
  const items = chain.toReversed().map((each, index) => {
    const read = item(reader, [], () => row(word(reader), space, stage(reader, each)));
    // What follows the last stage belongs to the construct around the chain.
    return index < chain.length - 1 ? { ...read, after: takeAfter(reader) } : read;
  });
  return { kind: 'chain', head, stages: items, isBroken: items.some(({ newline }) => newline) };
}

function postfixes(reader: Reader, e: Expression): Layout {
  const links: Expression[] = [];
  let base = e;
  for (let part = firstPart(base); part && isPostfix(base) && (base === e || isBare(base)); part = firstPart(base)) {
    links.push(base);
    base = part;
  }
  const parts: Layout[] = [expression(reader, base)];
  // A percent sign that touched a bracket would be read as the remainder operator.
  if (peek(reader, -1).text.endsWith('%')) parts.push(space);
  for (const link of links.toReversed()) {
    if (link.kind === 'call') parts.push(callArguments(reader, link.arguments));
    else if (link.kind === 'index') parts.push(word(reader), expression(reader, link.index), word(reader));
    else if (link.kind === 'attach') parts.push(space, word(reader), space, word(reader));
    else parts.push(word(reader), word(reader));
  }
  return row(...parts);
}

function isPostfix({ kind }: Expression): boolean {
  return kind === 'call' || kind === 'index' || kind === 'member' || kind === 'attach';
}

function callArguments(reader: Reader, given: readonly Argument[]): Layout {
  return bracketed(reader, given, ({ name, value }) => {
    if (!name) return expression(reader, value);
    const key = word(reader);
    const sign = word(reader);
    const isSpaced = peek(reader).text !== '(' && (value.kind === 'if' || value.kind === 'pipe');
    const inner = expression(reader, value);
    return isSpaced ? row(key, space, sign, space, inner) : row(key, sign, inner);
  });
}

/** `else if` goes on in the same column. */
function ifExpression(reader: Reader, e: IfExpression): Layout {
  const arms: Layout[] = [];
  let isBroken = false;
  let prefix: readonly Layout[] = [];
  for (let at: Expression = e; ; at = at.else) {
    if (at.kind !== 'if' || (at !== e && peek(reader).text === '(')) {
      arms.push(row(...prefix, expression(reader, at)));
      return { kind: 'choice', arms, isBroken };
    }
    const condition = [word(reader), space, expression(reader, at.condition)];
    arms.push(row(...prefix, ...condition, space, word(reader), space, expression(reader, at.then)));
    isBroken ||= peek(reader).newline;
    prefix = [word(reader), space];
  }
}

/** `x` or `(a, b)`. */
export function pattern(reader: Reader, names: readonly unknown[], destructured: boolean): Layout {
  return destructured ? bracketed(reader, names, () => word(reader)) : word(reader);
}

function stage(reader: Reader, e: Stage): Layout {
  const label = e.label ? [word(reader), word(reader), space] : [];
  return row(...label, bareStage(reader, e));
}

function bareStage(reader: Reader, e: Stage): Layout {
  switch (e.kind) {
    case 'call': {
      const name = word(reader);
      return e.arguments ? row(name, callArguments(reader, e.arguments)) : name;
    }
    case 'seq':
      return row(word(reader), space, stages(reader, e.stages));
    case 'for': {
      const names = [word(reader), space, pattern(reader, e.names, e.destructured), space, word(reader)];
      return row(...names, space, expression(reader, e.iterable), space, stages(reader, e.stages));
    }
    case 'if': {
      const head = row(word(reader), space, expression(reader, e.condition));
      const then = stages(reader, e.then);
      const otherwise = e.else && { word: next(reader), body: stages(reader, e.else) };
      return { kind: 'branches', head, then, otherwise };
    }
  }
}

function stages(reader: Reader, inner: readonly Stage[]): Block {
  return braces(reader, 'stages', inner, (each) => stage(reader, each));
}

export function entries(reader: Reader, inner: readonly Entry[], content: 'entries' | 'record'): Layout {
  return braces(reader, content, inner, (each) => entryLayout(reader, each));
}

const comparisons: ReadonlySet<string> = new Set(['<=', '>=', '<', '>', '==', '!=']);

function entryLayout(reader: Reader, e: Entry): Layout {
  if (e.kind === 'group') {
    return { kind: 'entry', key: word(reader), sign: undefined, value: entries(reader, e.entries, 'entries') };
  }
  if (e.kind === 'assign') {
    return { kind: 'entry', key: word(reader), sign: next(reader), value: expression(reader, e.value) };
  }
  const { value } = e;
  if (value.kind !== 'binary' || !comparisons.has(value.operator) || !isBare(value)) return expression(reader, value);
  const key = expression(reader, value.left);
  return { kind: 'entry', key, sign: next(reader), value: expression(reader, value.right) };
}
