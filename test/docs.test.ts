/** The pages of docs/: their generated sections are up to date, their sources check, and their links lead somewhere. */
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withGenerated } from '../compiler/cli/reference.ts';
import { check } from './analyze/memory-host.ts';
import { filesBelow, readText, root } from './source-tree.ts';

const pages = filesBelow('docs').filter((path) => path.endsWith('.md'));

describe.each(pages)('%s', (path) => {
  const text = readText(path);

  it('is what the tables of the compiler make of it (CNNC_BLESS=1 writes it)', () => {
    const made = withGenerated(text);
    if (process.env['CNNC_BLESS'] === '1') writeFileSync(join(root, path), made);
    else expect(text).toBe(made);
  });

  it('shows sources without a fault', () => {
    const sources = [...text.matchAll(/^```cnn\n(.*?)^```/gms)].map(([, source = '']) => source);
    for (const source of sources) {
      expect(check(source).diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([]);
    }
  });

  it('links to files that are there', () => {
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link);
    for (const link of links) expect(existsSync(join(root, dirname(path), link)) ? '' : link).toBe('');
  });
});

it('there are pages', () => {
  expect(pages).toContain('docs/coming-from-pytorch.md');
});
