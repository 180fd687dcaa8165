/** Concrete syntax to the tree of `ast.ts`: expressions, stages and entries. */
import type { CstNode, IToken } from 'chevrotain';
import type {
  Argument,
  BinaryExpression,
  BinaryOperator,
  Entry,
  Expression,
  Identifier,
  Label,
  Stage,
  StringLiteral,
} from './ast.ts';
import { childNode, childNodes, childToken, childTokens, requiredNode, requiredToken } from './cst.ts';
import { diagnostic } from './diagnostics.ts';
import type { Diagnostic } from './diagnostics.ts';
import { numberValue, stringValue } from './literals.ts';
import type { SourceFile, Span } from './source.ts';

/** The file being built and the faults that only the tree shows. */
export interface Building {
  readonly file: SourceFile;
  readonly diagnostics: Diagnostic[];
}

export function spanOf(b: Building, first: IToken, last: IToken = first): Span {
  return { file: b.file, start: first.startOffset, end: last.startOffset + last.image.length };
}

/** From the start of one part to the end of another. */
export function across(first: Span, last: Span): Span {
  return { file: first.file, start: first.start, end: last.end };
}

export function identifier(b: Building, token: IToken): Identifier {
  return { name: token.image, span: spanOf(b, token) };
}

export function stringLiteral(b: Building, token: IToken): StringLiteral {
  return { kind: 'string', value: stringValue(token.image), span: spanOf(b, token) };
}

export function expression(b: Building, node: CstNode): Expression {
  let result = operators(b, node);
  for (const stageNode of childNodes(node, 'stage')) {
    const next = stage(b, stageNode);
    result = { kind: 'pipe', input: result, stage: next, span: across(result.span, next.span) };
  }
  return result;
}

/** Binding strength; operators of one row associate to the left. */
const precedence: Readonly<Record<BinaryOperator, number>> = {
  '||': 1,
  '&&': 2,
  '==': 3,
  '!=': 3,
  '<': 3,
  '<=': 3,
  '>': 3,
  '>=': 3,
  '..': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '//': 6,
  '%': 6,
};
const COMPARISON = precedence['=='];

function isBinaryOperator(text: string): text is BinaryOperator {
  return Object.hasOwn(precedence, text);
}

interface Pending {
  readonly operator: BinaryOperator;
  readonly token: IToken;
}

/** Operator precedence with its own stacks (Dijkstra's shunting yard): a chain may have any length. */
function operators(b: Building, node: CstNode): Expression {
  const operands = childNodes(node, 'operand');
  const signs = childTokens(node, 'BinaryOperator');
  const [first] = operands;
  if (!first) return operand(b, requiredNode(node, 'operand'));
  const values: Expression[] = [operand(b, first)];
  const pending: Pending[] = [];
  signs.forEach((token, index) => {
    const right = operands[index + 1];
    if (!right || !isBinaryOperator(token.image)) return;
    const strength = precedence[token.image];
    while (pending.length > 0 && precedence[pending.at(-1)?.operator ?? '||'] >= strength) reduce(b, values, pending);
    pending.push({ operator: token.image, token });
    values.push(operand(b, right));
  });
  while (pending.length > 0) reduce(b, values, pending);
  return values[0] ?? operand(b, first);
}

function reduce(b: Building, values: Expression[], pending: Pending[]): void {
  const right = values.pop();
  const left = values.pop();
  const top = pending.pop();
  if (!left || !right || !top) return;
  const operatorSpan = spanOf(b, top.token);
  const { operator } = top;
  if (precedence[operator] === COMPARISON) reportChain(b, left, operator, operatorSpan);
  values.push({ kind: 'binary', operator, operatorSpan, left, right, span: across(left.span, right.span) });
}

/** `a < b < c` would compare a truth value with `c`. */
function reportChain(b: Building, left: Expression, operator: BinaryOperator, operatorSpan: Span): void {
  // Once a chain: its first link has no comparison on its own left.
  if (!isBareComparison(left) || isBareComparison(left.left)) return;
  const text = (part: Expression): string => b.file.text.slice(part.span.start, part.span.end);
  const middle = text(left.right);
  const help = `join two comparisons: \`${text(left)} && ${middle} ${operator} ...\``;
  b.diagnostics.push(
    diagnostic('E0118', operatorSpan, 'comparisons do not chain', {
      notes: [{ message: 'the comparison before it', span: left.operatorSpan }],
      ...(middle.length <= 40 ? { help } : {}),
    }),
  );
}

/** A comparison without brackets around it: those would begin before its operand. */
function isBareComparison(part: Expression): part is BinaryExpression {
  return part.kind === 'binary' && precedence[part.operator] === COMPARISON && part.span.start === part.left.span.start;
}

function operand(b: Building, node: CstNode): Expression {
  let result = primary(b, node);
  for (const suffix of childNodes(node, 'postfix')) result = postfix(b, result, suffix);
  const prefixes = childTokens(node, 'PrefixOperator');
  for (let i = prefixes.length - 1; i >= 0; i--) {
    const sign = prefixes[i];
    if (!sign) continue;
    const span = across(spanOf(b, sign), result.span);
    result = { kind: 'unary', operator: sign.image === '!' ? '!' : '-', operand: result, span };
  }
  return result;
}

function primary(b: Building, node: CstNode): Expression {
  const { children } = node;
  if (children['Identifier']) {
    const name = requiredToken(node, 'Identifier');
    return { kind: 'name', name: name.image, span: spanOf(b, name) };
  }
  if (children['Number']) return numberLiteral(b, requiredToken(node, 'Number'));
  if (children['String']) return stringLiteral(b, requiredToken(node, 'String'));
  if (children['parentheses']) return parentheses(b, requiredNode(node, 'parentheses'));
  if (children['list']) return list(b, requiredNode(node, 'list'));
  if (children['ifExpression']) return ifExpression(b, requiredNode(node, 'ifExpression'));
  if (children['entries']) {
    const body = requiredNode(node, 'entries');
    return { kind: 'record', entries: entries(b, body), span: bracketSpan(b, body, 'LCurly', 'RCurly') };
  }
  if (children['None']) return { kind: 'none', span: spanOf(b, requiredToken(node, 'None')) };
  const truth = childToken(node, 'True');
  const token = truth ?? requiredToken(node, 'False');
  return { kind: 'boolean', value: truth !== undefined, span: spanOf(b, token) };
}

function numberLiteral(b: Building, token: IToken): Expression {
  // A malformed number has its diagnostic from the scan.
  const value = numberValue(token.image) ?? { value: NaN, integer: false };
  return { kind: 'number', ...value, span: spanOf(b, token) };
}

export function bracketSpan(b: Building, node: CstNode, open: string, close: string): Span {
  return spanOf(b, requiredToken(node, open), requiredToken(node, close));
}

function parentheses(b: Building, node: CstNode): Expression {
  const elements = childNodes(node, 'expression').map((element) => expression(b, element));
  const span = bracketSpan(b, node, 'LParen', 'RParen');
  const [inner] = elements;
  if (elements.length > 1 || !inner) return { kind: 'tuple', elements, span };
  if (node.children['Comma']) {
    b.diagnostics.push(
      diagnostic('E0110', span, 'a tuple has two or more elements', {
        help: 'remove the comma, or write a list: `[...]`',
      }),
    );
  }
  // The brackets leave no node, but they belong to the extent of the expression.
  return { ...inner, span };
}

function list(b: Building, node: CstNode): Expression {
  const elements = childNodes(node, 'expression').map((element) => expression(b, element));
  return { kind: 'list', elements, span: bracketSpan(b, node, 'LSquare', 'RSquare') };
}

function ifExpression(b: Building, node: CstNode): Expression {
  const [condition, then, otherwise] = childNodes(node, 'expression').map((part) => expression(b, part));
  if (!condition || !then || !otherwise) throw new Error('an `if` expression has three parts');
  const span = across(spanOf(b, requiredToken(node, 'If')), otherwise.span);
  return { kind: 'if', condition, then, else: otherwise, span };
}

function postfix(b: Building, object: Expression, node: CstNode): Expression {
  const call = childNode(node, 'arguments');
  if (call) {
    const span = across(object.span, bracketSpan(b, call, 'LParen', 'RParen'));
    return { kind: 'call', callee: object, arguments: callArguments(b, call), span };
  }
  const inner = childNode(node, 'expression');
  if (inner) {
    const span = across(object.span, spanOf(b, requiredToken(node, 'RSquare')));
    return { kind: 'index', object, index: expression(b, inner), span };
  }
  const member = childToken(node, 'KeyName');
  if (member) {
    return { kind: 'member', object, member: identifier(b, member), span: across(object.span, spanOf(b, member)) };
  }
  const file = stringLiteral(b, requiredToken(node, 'String'));
  return { kind: 'attach', model: object, file, span: across(object.span, file.span) };
}

function callArguments(b: Building, node: CstNode): readonly Argument[] {
  return childNodes(node, 'argument').map((argument) => {
    const key = childToken(argument, 'KeyName');
    const value = expression(b, requiredNode(argument, 'expression'));
    if (!key) return { value, span: value.span };
    const name = identifier(b, key);
    return { name, value, span: across(name.span, value.span) };
  });
}

/** The names of `x` or `(a, b)` after `let` and `for`. */
export function pattern(b: Building, node: CstNode): { names: readonly Identifier[]; destructured: boolean } {
  const names = childTokens(node, 'Identifier').map((name) => identifier(b, name));
  return { names, destructured: node.children['LParen'] !== undefined };
}

function stages(b: Building, node: CstNode): readonly Stage[] {
  return childNodes(node, 'stage').map((each) => stage(b, each));
}

function stage(b: Building, node: CstNode): Stage {
  const token = childToken(node, 'label');
  const bare = unlabelled(b, node);
  if (!token) return bare;
  const name = token.image.startsWith('"') ? stringValue(token.image) : token.image;
  const label: Label = { name, span: spanOf(b, token) };
  return { ...bare, label, span: across(label.span, bare.span) };
}

function unlabelled(b: Building, node: CstNode): Stage {
  const call = childNode(node, 'callStage');
  if (call) return callStage(b, call);
  const seq = childNode(node, 'seqStage');
  if (seq) {
    const inner = requiredNode(seq, 'stages');
    return { kind: 'seq', stages: stages(b, inner), span: toBrace(b, requiredToken(seq, 'Seq'), inner) };
  }
  const loop = childNode(node, 'forStage');
  if (loop) {
    const inner = requiredNode(loop, 'stages');
    const iterable = expression(b, requiredNode(loop, 'expression'));
    const names = pattern(b, requiredNode(loop, 'pattern'));
    const span = toBrace(b, requiredToken(loop, 'For'), inner);
    return { kind: 'for', ...names, iterable, stages: stages(b, inner), span };
  }
  return ifStage(b, requiredNode(node, 'ifStage'));
}

function callStage(b: Building, node: CstNode): Stage {
  const name = identifier(b, requiredToken(node, 'Identifier'));
  const given = childNode(node, 'arguments');
  if (!given) return { kind: 'call', name, span: name.span };
  const span = across(name.span, bracketSpan(b, given, 'LParen', 'RParen'));
  return { kind: 'call', name, arguments: callArguments(b, given), span };
}

function ifStage(b: Building, node: CstNode): Stage {
  const condition = expression(b, requiredNode(node, 'expression'));
  const [then, otherwise] = childNodes(node, 'stages');
  if (!then) throw new Error('an `if` stage has stages');
  const span = toBrace(b, requiredToken(node, 'If'), otherwise ?? then);
  const choice = { kind: 'if', condition, then: stages(b, then), span } as const;
  return otherwise ? { ...choice, else: stages(b, otherwise) } : choice;
}

/** From a token to the closing brace of a node. */
export function toBrace(b: Building, first: IToken, body: CstNode): Span {
  return spanOf(b, first, requiredToken(body, 'RCurly'));
}

export function entries(b: Building, node: CstNode): readonly Entry[] {
  return childNodes(node, 'entry').map((each) => entry(b, each));
}

function entry(b: Building, node: CstNode): Entry {
  const key = childToken(node, 'KeyName');
  const value = childNode(node, 'expression');
  if (!key) {
    const bare = expression(b, requiredNode(node, 'expression'));
    return { kind: 'value', value: bare, span: bare.span };
  }
  const name = identifier(b, key);
  if (!value) {
    const group = requiredNode(node, 'entries');
    return { kind: 'group', name, entries: entries(b, group), span: toBrace(b, key, group) };
  }
  const assigned = expression(b, value);
  return { kind: 'assign', name, value: assigned, span: across(name.span, assigned.span) };
}
