/** Short ways from text to trees for the grammar's tests. */
import type { Expression, Program } from '../../grammar/ast.ts';
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import { parse } from '../../grammar/parse.ts';
import type { Span } from '../../grammar/source.ts';
import { formatLocation } from '../../grammar/source.ts';

export function diagnose(text: string): readonly Diagnostic[] {
  return parse({ path: 't.cnn', text }).diagnostics;
}

/** `code line:column message`, one a diagnostic. */
export function summary(text: string): string[] {
  return diagnose(text).map(({ code, span, message }) => {
    return `${code} ${formatLocation(span).slice('t.cnn:'.length)} ${message}`;
  });
}

/** The program of a text that must have no faults. */
export function program(text: string): Program {
  const result = parse({ path: 't.cnn', text });
  if (result.diagnostics.length > 0) throw new Error(summary(text).join('\n'));
  return result.program;
}

/** The expression of `const v = TEXT`. */
export function expressionOf(text: string): Expression {
  const [declaration] = program(`const v = ${text}`).declarations;
  if (declaration?.kind !== 'const') throw new Error('no constant');
  return declaration.value;
}

/** A tree without its spans and its file: the structure alone. */
export function structure(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(structure);
  if (typeof node !== 'object' || node === null) return node;
  const fields = Object.entries(node).filter(([key]) => !/^(span|file|.*Span)$/.test(key) || isStringFile(key, node));
  return Object.fromEntries(fields.map(([key, value]) => [key, structure(value)]));
}

/** `file` of an attached model is a string literal, not the source file. */
function isStringFile(key: string, node: object): boolean {
  return key === 'file' && 'kind' in node && node.kind === 'attach';
}

export function textOf(span: Span): string {
  return span.file.text.slice(span.start, span.end);
}

/** Every node of a tree that has a span, with the node that holds it. */
export function* nodes(node: unknown, parent?: Spanned): Generator<{ node: Spanned; parent: Spanned | undefined }> {
  if (Array.isArray(node)) for (const each of node) yield* nodes(each, parent);
  else if (typeof node === 'object' && node !== null) {
    const here = isSpanned(node) ? node : undefined;
    if (here) yield { node: here, parent };
    for (const [key, value] of Object.entries(node)) {
      if (/span$/i.test(key) || (key === 'file' && !isStringFile(key, node))) continue;
      yield* nodes(value, here ?? parent);
    }
  }
}

export interface Spanned {
  readonly span: Span;
  readonly kind?: string;
}

function isSpanned(node: object): node is Spanned {
  return 'span' in node;
}
