/** `cnnc explain`: what it prints, and that its examples are what they claim to be. */
import { describe, expect, it } from 'vitest';
import { codeExamples } from '../../compiler/cli/commands/explain/code-examples.ts';
import { cnnc, workshop } from './cnnc.ts';

describe('examples', () => {
  it.each(Object.entries(codeExamples))('of %s', async (code, { wrong, right }) => {
    const shop = workshop({ 'main.cnn': wrong });
    const { err, code: exit } = await cnnc('check', shop.at('main.cnn'));
    const found = [...err.matchAll(/^(?:error|warning)\[(\w+)\]/gm)].map(([, each]) => each);
    expect(new Set(found)).toEqual(new Set([code]));
    expect(exit).toBe(code.startsWith('W') ? 0 : code.startsWith('E08') ? 4 : 1);
    const mended = workshop({ 'main.cnn': right });
    expect(await cnnc('check', mended.at('main.cnn'))).toMatchObject({ code: 0, err: '' });
  });
});

it('prints the text and both examples', async () => {
  const { code, out } = await cnnc('explain', 'e0311');
  expect(code).toBe(0);
  expect(out).toMatch(/^E0311: inexact division of integers\n\n`\/` on integers must divide exactly/);
  expect(out).toContain(
    'Wrong:\n\n    model Net(image: f32[N, 3, 32, 32]) {\n      return image |> conv(7 / 2, k=1)\n    }\n',
  );
  expect(out).toContain(
    'Right:\n\n    model Net(image: f32[N, 3, 32, 32]) {\n      return image |> conv(7 // 2, k=1)\n    }\n',
  );
});

it('suggests a code, and lists them all', async () => {
  expect((await cnnc('explain', 'E031')).code).toBe(2);
  expect((await cnnc('explain')).out).toContain('W0002  unused value');
});
