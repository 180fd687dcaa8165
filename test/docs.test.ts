/** The pages of docs/: their generated sections are up to date, their sources check, and their links lead somewhere. */
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withGenerated } from '../compiler/cli/commands/reference.ts';
import { check } from './analyze/memory-host.ts';
import { filesBelow, readText, root } from './source-tree.ts';

const pages = filesBelow('docs').filter((path) => path.endsWith('.md'));

/** What a source without a network of its own goes on from. */
const before = `dataset pictures { format = synthetic  samples = 600  size = 64px  classes = 3 }
model Net(image: f32[N, 3, 64, 64]) -> f32[N, 3] {
  return image |> stem: conv(16, k=3) |> relu |> body: conv(16, k=3) |> relu |> global_avg_pool |> flatten |> head: linear(3)
}
train base for Net { data = pictures  epochs = 8  batch = 16  loss = cross_entropy()  optimizer = adamw(lr=0.01) }
`;

describe.each(pages)('%s', (path) => {
  const text = readText(path);

  it('is what the tables of the compiler make of it (CNNC_BLESS=1 writes it)', () => {
    const made = withGenerated(text);
    if (process.env['CNNC_BLESS'] !== '1') expect(text).toBe(made);
    // Other tests write their sections of the same pages.
    else if (text !== made) writeFileSync(join(root, path), made);
  });

  it('shows sources without a fault', () => {
    const sources = [...text.matchAll(/^```cnn\n(.*?)^```/gms)].map(([, source = '']) => source);
    for (const source of sources) {
      const whole = /^(model|dataset) /m.test(source) ? source : before + source;
      expect(check(whole).diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([]);
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
