/** From syntax tree and tokens to layouts: declarations and statements. */
import type { Body, Declaration, Import, Parameter, Program, Statement, TypeExpression } from '../ast.ts';
import type { SourceFile } from '../source.ts';
import { braces, bracketed, entries, expression, item, pattern, word } from './build-expression.ts';
import type { Block, Item, Layout } from './layout.ts';
import { row, space } from './layout.ts';
import type { Comment, Reader } from './tokens.ts';
import { next, peek, takeAfter, takeBefore, tokensOf } from './tokens.ts';

export interface FileLayout {
  readonly items: readonly Item[];
  /** Comments behind the last declaration. */
  readonly end: readonly Comment[];
}

/** The layout of a file whose text has no syntax errors. */
export function layOut(file: SourceFile, { imports, declarations }: Program): FileLayout {
  const reader: Reader = { tokens: tokensOf(file), at: 0 };
  const all = [...imports, ...declarations].toSorted((a, b) => a.span.start - b.span.start);
  const items = all.map((each) => {
    const read = item(reader, [], () => declaration(reader, each));
    const isApart = each.kind !== 'import' && each.kind !== 'const';
    return { ...read, after: takeAfter(reader), isApart };
  });
  if (peek(reader).text !== '') throw new Error('the syntax tree has fewer tokens than the text');
  return { items, end: takeBefore(reader) };
}

function declaration(reader: Reader, e: Import | Declaration): Layout {
  switch (e.kind) {
    case 'import': {
      const names = [word(reader), space, bracketed(reader, e.names, () => word(reader), { padding: ' ' })];
      return row(...names, space, word(reader), space, word(reader));
    }
    case 'const':
      return binding(reader, e.value, word);
    case 'directive': {
      const parts = [word(reader), space];
      if (e.name) parts.push(word(reader), space);
      if (e.target) parts.push(word(reader), space, word(reader), space);
      return row(...parts, entries(reader, e.entries, 'entries'));
    }
    default:
      return signatureOf(reader, e.parameters, e.returns, e.body);
  }
}

function signatureOf(
  reader: Reader,
  parameters: readonly Parameter[],
  returns: TypeExpression | undefined,
  inner: Body,
): Layout {
  const name = row(word(reader), space, word(reader));
  const list = bracketed(reader, parameters, (each) => parameter(reader, each));
  const isBroken = returns !== undefined && peek(reader).newline;
  const result = returns && row(word(reader), space, typeLayout(reader, returns));
  return { kind: 'signature', name, parameters: list, result, isBroken, body: body(reader, inner) };
}

function parameter(reader: Reader, e: Parameter): Layout {
  const typed = [word(reader), word(reader), space, typeLayout(reader, e.type)];
  if (!e.default) return row(...typed);
  return row(...typed, space, word(reader), space, expression(reader, e.default));
}

function typeLayout(reader: Reader, e: TypeExpression): Layout {
  const name = word(reader);
  if (!e.dims) return name;
  return row(
    name,
    bracketed(reader, e.dims, (dim) => expression(reader, dim), { endsInComma: false }),
  );
}

function body(reader: Reader, e: Body): Block {
  return braces(reader, 'statements', e.statements, (each) => statement(reader, each));
}

function statement(reader: Reader, e: Statement): Layout {
  switch (e.kind) {
    case 'let':
      return binding(reader, e.value, () => pattern(reader, e.names, e.destructured));
    case 'const':
      return binding(reader, e.value, word);
    case 'assert': {
      const condition = [word(reader), space, expression(reader, e.condition)];
      if (!e.message) return row(...condition);
      const first = row(...condition, word(reader));
      return { kind: 'wrapped', first, rest: [{ gap: ' ', layout: word(reader) }] };
    }
    case 'if': {
      const head = row(word(reader), space, expression(reader, e.condition));
      const then = body(reader, e.then);
      const otherwise = e.else && { word: next(reader), body: body(reader, e.else) };
      return { kind: 'branches', head, then, otherwise };
    }
    case 'return':
      return row(word(reader), space, expression(reader, e.value));
  }
}

/** `let x = value`, `const x = value`. */
function binding(reader: Reader, value: Parameters<typeof expression>[1], names: (reader: Reader) => Layout): Layout {
  const parts = [word(reader), space, names(reader), space, word(reader), space];
  return row(...parts, expression(reader, value));
}
