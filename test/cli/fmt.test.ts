/** `cnnc fmt`: files in place, `--check`, syntax errors; process.test.ts has standard input. */
import { chmodSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { expect, it } from 'vitest';
import { cnnc, summaryOf, workshop } from './cnnc.ts';

const untidy = 'const a=[ 1,2 ]  # two\nmodel M( x:f32[N,4] ){return x|>relu}\n';
const tidy = 'const a = [1, 2]  # two\n\nmodel M(x: f32[N, 4]) { return x |> relu }\n';

it('rewrites files in place and leaves nothing beside them', async () => {
  const shop = workshop({ 'untidy.cnn': untidy, 'tidy.cnn': tidy });
  chmodSync(shop.at('untidy.cnn'), 0o640);
  symlinkSync(shop.at('untidy.cnn'), shop.at('link.cnn'));
  const before = readdirSync(shop.folder);
  const written = statSync(shop.at('tidy.cnn')).mtimeMs;
  const ran = await cnnc('fmt', shop.at('link.cnn'), shop.at('tidy.cnn'));
  expect(ran.code).toBe(0);
  expect(ran.out).toBe(`${shop.at('link.cnn')}\n`);
  expect(readFileSync(shop.at('untidy.cnn'), 'utf8')).toBe(tidy);
  expect(statSync(shop.at('untidy.cnn')).mode & 0o777).toBe(0o640);
  expect(lstatSync(shop.at('link.cnn')).isSymbolicLink()).toBe(true);
  expect(statSync(shop.at('tidy.cnn')).mtimeMs).toBe(written);
  expect(readdirSync(shop.folder)).toEqual(before);
});

it('lists with --check what it would change, and exits with 6', async () => {
  const shop = workshop({ 'untidy.cnn': untidy, 'tidy.cnn': tidy });
  const ran = await cnnc('fmt', '--check', shop.at('untidy.cnn'), shop.at('tidy.cnn'), '--json');
  expect(ran.code).toBe(6);
  expect(summaryOf(ran)).toEqual({ type: 'summary', changed: [shop.at('untidy.cnn')], files: 2 });
  expect(readFileSync(shop.at('untidy.cnn'), 'utf8')).toBe(untidy);
  expect((await cnnc('fmt', '--check', shop.at('tidy.cnn'))).code).toBe(0);
});

it('leaves a file with syntax errors as it is and goes on with the others', async () => {
  const shop = workshop({ 'wrong.cnn': 'const = 3\n', 'untidy.cnn': untidy });
  const ran = await cnnc('fmt', shop.at('wrong.cnn'), shop.at('untidy.cnn'));
  expect(ran.code).toBe(1);
  expect(ran.err).toContain('error[E0110]: expected a name, found `=`');
  expect(readFileSync(shop.at('wrong.cnn'), 'utf8')).toBe('const = 3\n');
  expect(readFileSync(shop.at('untidy.cnn'), 'utf8')).toBe(tidy);
});

it('refuses a file that is not there', async () => {
  const shop = workshop({});
  const ran = await cnnc('fmt', shop.at('missing.cnn'));
  expect(ran.code).toBe(3);
  expect(ran.err).toContain('error[E0710]');
});

it('refuses `-` beside files', async () => {
  expect((await cnnc('fmt', '-', 'a.cnn')).code).toBe(2);
});
