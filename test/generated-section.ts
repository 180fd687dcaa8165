/** Tables of documents that tests hold: a test fails where one is stale, and `CNNC_BLESS=1` writes it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { root } from './source-tree.ts';

/**
 * Expects the Markdown table of `rows`, the first of them its head, between `<!-- generated: NAME -->` and
 * `<!-- end: NAME -->` of a document of the project.
 */
export function expectGenerated(document: string, name: string, rows: readonly (readonly string[])[]): void {
  const path = join(root, document);
  const text = readFileSync(path, 'utf8');
  const [begin, end] = [`<!-- generated: ${name} -->\n`, `<!-- end: ${name} -->`];
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  expect(text.includes(begin) && to >= from, `${document} has the marks of ${name}`).toBe(true);
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
  const [head = [], ...body] = rows;
  const table = `\n${line(head)}${line(head.map(() => '---'))}${body.map(line).join('')}\n`;
  if (process.env['CNNC_BLESS'] === '1') writeFileSync(path, text.slice(0, from) + table + text.slice(to));
  else expect(text.slice(from, to)).toBe(table);
}
