/** Every code of the catalogue has a sample with its rendered frame; `CNNC_BLESS=1` writes the frames anew. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeExamples } from '../../compiler/cli/commands/explain/code-examples.ts';
import { catalogue } from '../../grammar/diagnostics.ts';
import { cnnc } from '../cli/cnnc.ts';
import { filesBelow, readText, root } from '../source-tree.ts';

/** Codes that no one source file of reasonable size can cause, and the test that causes them. */
const elsewhere: Readonly<Record<string, string>> = {
  E0106: 'test/grammar/faults.test.ts',
  E0120: 'test/cli/tools.test.ts',
  E0302: 'test/ops/concat.test.ts',
  E0303: 'test/ops/conv2d.test.ts',
  E0314: 'test/ops/fused.test.ts',
  E0337: 'test/analyze/values.test.ts',
  E0340: 'test/cli/build.test.ts',
  E0704: 'test/analyze/load.test.ts',
  W0019: 'test/cli/classes.test.ts',
};

const samples = filesBelow('test/errors').filter((path) => path.endsWith('.cnn'));
const codeOf = (path: string): string => path.slice('test/errors/'.length).split('-')[0] ?? '';

describe('the catalogue', () => {
  it.each(Object.keys(catalogue))('shows %s by a sample and an example', (code) => {
    const test = elsewhere[code];
    if (test !== undefined) return expect(readText(test)).toContain(code);
    expect(samples.map(codeOf)).toContain(code);
    expect(Object.keys(codeExamples)).toContain(code);
  });

  it('has every code of the samples', () => {
    for (const code of [...samples.map(codeOf), ...Object.keys(codeExamples)]) expect(catalogue).toHaveProperty(code);
  });
});

describe('samples', () => {
  it.each(samples)('%s', async (path) => {
    const { code, err } = await cnnc('check', path);
    const frame = join(root, path.replace(/\.cnn$/, '.txt'));
    if (process.env['CNNC_BLESS'] === '1') writeFileSync(frame, err);
    expect(existsSync(frame)).toBe(true);
    expect(err).toBe(readText(path.replace(/\.cnn$/, '.txt')));
    const codes = [...err.matchAll(/^(?:error|warning)\[(\w+)\]/gm)].map(([, found]) => found);
    expect(new Set(codes)).toEqual(new Set([codeOf(path)]));
    expect(code).toBe(codeOf(path).startsWith('W') ? 0 : codeOf(path).startsWith('E08') ? 4 : 1);
  });
});
