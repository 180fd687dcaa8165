/** Concrete syntax to the tree of `ast.ts`: declarations and statements. */
import type { CstNode, IToken } from 'chevrotain';
import type {
  BlockDeclaration,
  Body,
  Declaration,
  Directive,
  Import,
  Parameter,
  Program,
  Statement,
  TypeExpression,
} from './ast.ts';
import type { Building } from './build-expression.ts';
import {
  across,
  bracketSpan,
  entries,
  expression,
  identifier,
  pattern,
  spanOf,
  stringLiteral,
  toBrace,
} from './build-expression.ts';
import { childNode, childNodes, childToken, childTokens, requiredNode, requiredToken } from './cst.ts';
import { diagnostic } from './diagnostics.ts';
import type { Diagnostic } from './diagnostics.ts';
import { DocComment } from './tokens.ts';
import type { SourceFile } from './source.ts';

/** The program of a parsed file; `comments` carry the documentation of declarations. */
export function buildProgram(
  file: SourceFile,
  tree: CstNode,
  comments: readonly IToken[],
): { program: Program; diagnostics: readonly Diagnostic[] } {
  const b: Building = { file, diagnostics: [] };
  const imports: Import[] = [];
  const declarations: Declaration[] = [];
  for (const node of childNodes(tree, 'declaration')) {
    const imported = childNode(node, 'import');
    if (imported) imports.push(importDeclaration(b, imported));
    else {
      const bare = declaration(b, node);
      const doc = docBefore(file, comments, bare.span.start);
      declarations.push(doc === undefined ? bare : { ...bare, doc });
    }
  }
  return { program: { file, imports, declarations }, diagnostics: b.diagnostics };
}

function importDeclaration(b: Building, node: CstNode): Import {
  const from = stringLiteral(b, requiredToken(node, 'String'));
  const names = childTokens(node, 'Identifier').map((name) => identifier(b, name));
  const span = across(spanOf(b, requiredToken(node, 'Import')), from.span);
  return { kind: 'import', names, from: from.value, fromSpan: from.span, span };
}

function declaration(b: Building, node: CstNode): Declaration {
  const constant = childNode(node, 'constant');
  if (constant) return constantOf(b, constant);
  const fn = childNode(node, 'function');
  if (fn) return functionDeclaration(b, fn);
  const block = childNode(node, 'block');
  if (block) return blockDeclaration(b, block);
  return directive(b, requiredNode(node, 'directive'));
}

/** `const` has one form at file level and in a body. */
function constantOf(b: Building, node: CstNode) {
  const value = expression(b, requiredNode(node, 'expression'));
  const name = identifier(b, requiredToken(node, 'Identifier'));
  return { kind: 'const', name, value, span: across(spanOf(b, requiredToken(node, 'Const')), value.span) } as const;
}

function functionDeclaration(b: Building, node: CstNode): Declaration {
  const inner = body(b, requiredNode(node, 'body'));
  return {
    kind: 'fn',
    name: identifier(b, requiredToken(node, 'Identifier')),
    parameters: parameters(b, requiredNode(node, 'parameters')),
    returns: typeExpression(b, requiredNode(node, 'type')),
    body: inner,
    span: across(spanOf(b, requiredToken(node, 'Fn')), inner.span),
  };
}

function blockDeclaration(b: Building, node: CstNode): BlockDeclaration {
  const model = childToken(node, 'Model');
  const inner = body(b, requiredNode(node, 'body'));
  const bare: BlockDeclaration = {
    kind: model ? 'model' : 'block',
    name: identifier(b, requiredToken(node, 'Identifier')),
    parameters: parameters(b, requiredNode(node, 'parameters')),
    body: inner,
    span: across(spanOf(b, model ?? requiredToken(node, 'Block')), inner.span),
  };
  const returns = childNode(node, 'type');
  return returns ? { ...bare, returns: typeExpression(b, returns) } : bare;
}

function parameters(b: Building, node: CstNode): readonly Parameter[] {
  return childNodes(node, 'parameter').map((parameter) => {
    const name = identifier(b, requiredToken(parameter, 'Identifier'));
    const type = typeExpression(b, requiredNode(parameter, 'type'));
    const value = childNode(parameter, 'expression');
    if (!value) return { name, type, span: across(name.span, type.span) };
    const otherwise = expression(b, value);
    return { name, type, default: otherwise, span: across(name.span, otherwise.span) };
  });
}

function typeExpression(b: Building, node: CstNode): TypeExpression {
  const name = identifier(b, requiredToken(node, 'Identifier'));
  if (!childToken(node, 'LSquare')) return { name, span: name.span };
  const dims = childNodes(node, 'expression').map((dim) => expression(b, dim));
  const commas = childTokens(node, 'Comma');
  const last = commas.at(-1);
  if (last && commas.length === dims.length) {
    const help = 'write the size, or remove the comma';
    b.diagnostics.push(diagnostic('E0113', spanOf(b, last), 'no size after `,`', { help }));
  }
  return { name, dims, span: across(name.span, bracketSpan(b, node, 'LSquare', 'RSquare')) };
}

function body(b: Building, node: CstNode): Body {
  const statements = childNodes(node, 'statement').map((each) => statement(b, each));
  return { statements, span: bracketSpan(b, node, 'LCurly', 'RCurly') };
}

function statement(b: Building, node: CstNode): Statement {
  const constant = childNode(node, 'constant');
  if (constant) return constantOf(b, constant);
  const binding = childNode(node, 'let');
  if (binding) {
    const value = expression(b, requiredNode(binding, 'expression'));
    const names = pattern(b, requiredNode(binding, 'pattern'));
    return { kind: 'let', ...names, value, span: across(spanOf(b, requiredToken(binding, 'Let')), value.span) };
  }
  const assertion = childNode(node, 'assert');
  if (assertion) return assertStatement(b, assertion);
  const choice = childNode(node, 'ifStatement');
  if (choice) return ifStatement(b, choice);
  const result = requiredNode(node, 'return');
  const value = expression(b, requiredNode(result, 'expression'));
  return { kind: 'return', value, span: across(spanOf(b, requiredToken(result, 'Return')), value.span) };
}

function assertStatement(b: Building, node: CstNode): Statement {
  const condition = expression(b, requiredNode(node, 'expression'));
  const first = spanOf(b, requiredToken(node, 'Assert'));
  const text = childToken(node, 'String');
  if (!text) return { kind: 'assert', condition, span: across(first, condition.span) };
  const message = stringLiteral(b, text);
  return { kind: 'assert', condition, message, span: across(first, message.span) };
}

function ifStatement(b: Building, node: CstNode): Statement {
  const [then, otherwise] = childNodes(node, 'body');
  if (!then) throw new Error('an `if` statement has a body');
  const condition = expression(b, requiredNode(node, 'expression'));
  const span = toBrace(b, requiredToken(node, 'If'), otherwise ?? then);
  const choice = { kind: 'if', condition, then: body(b, then), span } as const;
  return otherwise ? { ...choice, else: body(b, otherwise) } : choice;
}

function directive(b: Building, node: CstNode): Directive {
  const word = requiredToken(node, 'word');
  const group = requiredNode(node, 'entries');
  const name = childToken(node, 'name');
  const target = childToken(node, 'target');
  return {
    kind: 'directive',
    word: identifier(b, word),
    ...(name && { name: identifier(b, name) }),
    ...(target && { target: identifier(b, target) }),
    entries: entries(b, group),
    span: toBrace(b, word, group),
  };
}

/** The `##` lines directly above an offset, without their signs. */
function docBefore(file: SourceFile, comments: readonly IToken[], offset: number): string | undefined {
  const lines: string[] = [];
  let below = offset;
  for (let at = countBefore(comments, offset) - 1; at >= 0; at--) {
    const comment = comments[at];
    if (!comment || comment.tokenType !== DocComment || !standsAbove(file, comment, below)) break;
    lines.push(comment.image.slice(2).replace(/^ /, '').trimEnd());
    below = comment.startOffset;
  }
  return lines.length > 0 ? lines.reverse().join('\n') : undefined;
}

/** True where the comment has its line to itself and the next line is the one at `below`. */
function standsAbove(file: SourceFile, comment: IToken, below: number): boolean {
  const between = file.text.slice(comment.startOffset + comment.image.length, below);
  const lineStart = file.text.lastIndexOf('\n', comment.startOffset - 1) + 1;
  const before = file.text.slice(lineStart, comment.startOffset);
  return /^\r?\n[ \t]*$/.test(between) && /^[\s\uFEFF]*$/.test(before);
}

/** How many comments start before an offset (they are in order). */
function countBefore(comments: readonly IToken[], offset: number): number {
  let low = 0;
  let high = comments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((comments[middle]?.startOffset ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
