/** The program as a process: what it loads, and how it ends. */
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { compiledProgram, mainOf, runProgram } from './compiled-program.ts';
import { summaryOf, tinySource, workshop, type Ran } from './cnnc.ts';

const dist = compiledProgram();
const main = mainOf(dist);
const preload = join(dist, 'list-modules.cjs');

beforeAll(() => {
  writeFileSync(
    preload,
    `process.on('exit', () => require('node:fs').writeSync(2, Object.keys(require.cache).join('\\n')));\n`,
  );
});

const run = (argv: readonly string[], options: Parameters<typeof runProgram>[2] = {}): Ran =>
  runProgram(dist, argv, options);

it('loads no GPU binding, no decoder and no parser before a command needs them', () => {
  const shop = workshop();
  const modulesOf = (...argv: readonly string[]): string => run(argv, { node: ['-r', preload] }).err;
  expect(modulesOf('--version')).not.toMatch(/webgpu|koffi|sharp|chevrotain|sparticuz/);
  expect(modulesOf('check', shop.at('tiny.cnn'))).not.toMatch(/webgpu|koffi|sharp|sparticuz/);
  const build = modulesOf('build', shop.at('tiny.cnn'), '-o', shop.at('out'), '--weights', 'random');
  expect(build).not.toMatch(/webgpu|koffi|sharp|sparticuz/);
  expect(modulesOf('bench', shop.at('out'), '--iters', '1')).toMatch(/webgpu/);
});

it('ends by itself with the exit code of the command, also when it used the GPU', () => {
  const shop = workshop({ 'wrong.cnn': tinySource.replace('conv(8', 'konv(8') });
  expect(run(['check', shop.at('wrong.cnn')]).code).toBe(1);
  expect(run(['build', shop.at('tiny.cnn'), '--weights', 'random'], { cwd: shop.folder }).code).toBe(0);
  // Without -o, the artifact lies where the user stands, under the model's name.
  const bench = run(['bench', 'build/tiny', '--iters', '2', '--json'], { cwd: shop.folder });
  expect(bench).toMatchObject({ code: 0 });
  expect(summaryOf(bench)).toMatchObject({ batch: 1 });
  expect(run(['bench', 'build/tiny', '--adapter', 'nonsense'], { cwd: shop.folder }).code).toBe(3);
});

it('formats standard input', () => {
  const argv = [main, 'fmt', '-'];
  const ran = spawnSync(process.execPath, argv, { encoding: 'utf8', input: 'const  a=1 # one\n', timeout: 600_000 });
  expect(ran).toMatchObject({ status: 0, stdout: 'const a = 1  # one\n' });
});

it('says nothing where its reader goes away', async () => {
  const child = spawn(process.execPath, [main, 'explain'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let err = '';
  child.stderr.on('data', (data: Buffer) => (err += String(data)));
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect({ code, err }).toEqual({ code: 0, err: '' });
});
