/** The analyzer never throws, whatever the text: damaged programs, long chains, many declarations. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenize } from '../../grammar/parse.ts';
import { check, faultsOf } from './memory-host.ts';

const root = new URL('../../', import.meta.url).pathname;
const sources = [
  'examples/resnet20/resnet20.cnn',
  'examples/shufflenet_v2/shufflenet_v2.cnn',
  'examples/unet/unet.cnn',
  'examples/mobilenet_v3_small/mobilenet_v3_small.cnn',
  'test/golden/analyze/tiny.cnn',
].map((path) => readFileSync(`${root}${path}`, 'utf8'));

describe('damaged programs', () => {
  const pieces = sources.map((text) =>
    tokenize({ path: 'main.cnn', text })
      .filter(({ kind }) => kind !== 'comment' && kind !== 'doc')
      .map((token) => token.text),
  );
  const words = [...new Set(pieces.flat())];

  it('are reported, never thrown', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: sources.length - 1 }),
        fc.array(fc.tuple(fc.nat(), fc.constantFrom('drop', 'swap', 'put'), fc.nat()), { minLength: 1, maxLength: 3 }),
        (which, edits) => {
          const tokens = [...(pieces[which] ?? [])];
          for (const [position, edit, other] of edits) {
            const at = position % tokens.length;
            const word = words[other % words.length] ?? '';
            if (edit === 'drop') tokens.splice(at, 1);
            else tokens.splice(at, edit === 'swap' ? 1 : 0, word);
          }
          const { diagnostics, models } = check(tokens.join(' '));
          for (const { code, message } of diagnostics) expect(message, code).toMatch(/\S/);
          for (const { built } of models)
            if (built && !built.graph) expect(built.diagnostics.length + diagnostics.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('large programs', () => {
  const model = (body: string): string => `model M(x: f32[N, 4, 8, 8]) {\n${body}\n}`;

  it('may pipe and add without limit', () => {
    expect(faultsOf(model(`  return x${' |> relu'.repeat(8000)}`))).toEqual([]);
    expect(faultsOf(model(`  return x${' + x'.repeat(8000)}`))).toEqual([]);
    expect(faultsOf(model(`  assert true${' && 1 == 1'.repeat(8000)}\n  return x`))).toEqual([]);
  });

  it('end at 100,000 nodes', () => {
    const block =
      'block ten(x: f32[N, C, H, W]) { return x |> relu |> relu |> relu |> relu |> relu |> relu |> relu |> relu |> relu |> relu |> relu }\n';
    expect(faultsOf(`${block}${model('  return x |> seq { for i in 0..9999 { ten } }')}`)).toEqual([
      'E0334 1:125 the model has more than 100000 nodes',
    ]);
  });

  it('do not make lists out of long ranges', () => {
    expect(faultsOf(model('  assert len(0..9007199254740991) > 5\n  return x'))).toEqual([]);
    expect(faultsOf(model('  let (a, b) = 0..9007199254740991\n  return x |> conv(a + b, k=1)'))).toEqual([
      'E0332 2:16 cannot take 2 names apart from a range',
    ]);
  });
});
