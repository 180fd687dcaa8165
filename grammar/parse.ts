/** The front door of the grammar: source text to syntax tree and diagnostics. */
import type { Program } from './ast.ts';
import { balance } from './recovery/brackets.ts';
import { buildProgram } from './build-ast.ts';
import { byPosition, diagnostic } from './diagnostics.ts';
import type { Diagnostic } from './diagnostics.ts';
import { describeFaults } from './recovery/faults.ts';
import { CnnParser } from './parser.ts';
import { scan } from './scan.ts';
import type { SourceFile } from './source.ts';

export { tokenize } from './scan.ts';

/** The largest source text, in bytes of UTF-8. */
export const MAX_SOURCE_BYTES = 4 * 1024 * 1024;

export interface ParseResult {
  /** What parsed: constructs with a fault are left out, so judge it only where `diagnostics` is empty. */
  readonly program: Program;
  /** E01xx, by position, at most one for each construct. */
  readonly diagnostics: readonly Diagnostic[];
}

let parser: CnnParser | undefined;

/**
 * Parses any text whatever; faults are in `diagnostics`, and nothing is thrown. A `text` other than the file's own must
 * have the parts that matter at the same places: it makes a program of a file that holds less than one.
 */
export function parse(file: SourceFile, text: string = file.text): ParseResult {
  const empty: Program = { file, imports: [], declarations: [] };
  if (isTooLarge(text)) return { program: empty, diagnostics: [tooLarge(file)] };
  const { tokens, comments, diagnostics: lexical } = scan(file, text);
  const balanced = balance(file, tokens);
  if (balanced.tooDeep) return { program: empty, diagnostics: [...lexical, ...balanced.diagnostics].sort(byPosition) };
  parser ??= new CnnParser();
  const { tree, faults } = parser.parseFile(balanced);
  const syntax = describeFaults(balanced, faults, lexical);
  const { program, diagnostics: structural } = buildProgram(file, tree, comments);
  return { program, diagnostics: [...lexical, ...syntax, ...structural].sort(byPosition) };
}

function isTooLarge(text: string): boolean {
  if (text.length > MAX_SOURCE_BYTES) return true;
  // One UTF-16 unit takes at most three bytes.
  return text.length * 3 > MAX_SOURCE_BYTES && new TextEncoder().encode(text).length > MAX_SOURCE_BYTES;
}

function tooLarge(file: SourceFile): Diagnostic {
  return diagnostic('E0106', { file, start: 0, end: 0 }, 'this file is larger than 4 MiB', {
    help: 'move parts of it to files of their own and import them',
  });
}
