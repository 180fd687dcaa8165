/** The program as a process: what it loads, how it ends, and the demo. */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { filesBelow, root } from '../source-tree.ts';
import { compiledProgram, mainOf } from './compiled-program.ts';
import { eventsOf, summaryOf, tinySource, workshop, type Ran } from './cnnc.ts';

const dist = compiledProgram();
const main = mainOf(dist);
const preload = join(dist, 'list-modules.cjs');

beforeAll(() => {
  writeFileSync(
    preload,
    `process.on('exit', () => require('node:fs').writeSync(2, Object.keys(require.cache).join('\\n')));\n`,
  );
});

function run(argv: readonly string[], options: { readonly cwd?: string; readonly node?: readonly string[] } = {}): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...(options.node ?? []), main, ...argv], {
    cwd: options.cwd ?? root,
    encoding: 'utf8',
    timeout: 600_000,
  });
  return { code: status ?? -1, out: stdout, err: stderr };
}

it('loads no GPU binding, no decoder and no parser before a command needs them', () => {
  const shop = workshop();
  const modulesOf = (...argv: readonly string[]): string => run(argv, { node: ['-r', preload] }).err;
  expect(modulesOf('--version')).not.toMatch(/webgpu|koffi|pngjs|jpeg-js|chevrotain|sparticuz/);
  expect(modulesOf('check', shop.at('tiny.cnn'))).not.toMatch(/webgpu|koffi|pngjs|jpeg-js|sparticuz/);
  const build = modulesOf('build', shop.at('tiny.cnn'), '-o', shop.at('out'), '--weights', 'random');
  expect(build).not.toMatch(/webgpu|koffi|pngjs|jpeg-js|sparticuz/);
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

it('checks sixty thousand lines, and each example, without time that grows faster than the text', () => {
  const clock = join(dist, 'cpu-time.cjs');
  writeFileSync(
    clock,
    `process.on('exit', () => { const { user, system } = process.cpuUsage(); process.stderr.write('cpu ' + (user + system) / 1e6); });\n`,
  );
  /** The least of several runs: what other processes add is no property of this one. */
  const secondsOf = (path: string, runs = 1): number => {
    const times = Array.from({ length: runs }, () => {
      const { code, err } = run(['check', path], { node: ['-r', clock] });
      expect(code).toBe(0);
      return Number(/cpu ([\d.]+)/.exec(err)?.[1] ?? NaN);
    });
    return Math.min(...times);
  };
  const block = (index: number): string => `
## Block ${index} of many.
block unit${index}(x: f32[N, C, H, W], out: int, stride: int = 1) -> f32[N, out, ceil(H / stride), ceil(W / stride)] {
  const hidden = C * 4
  let y = x
    |> conv1: conv(hidden, k=1, bias=false) |> bn1: bn |> relu
    |> conv2: conv(out, k=3, stride=stride) |> bn2: bn # the second
  return if stride == 1 && C == out then relu(x + y) else y
}
`;
  const text = Array.from({ length: 6700 }, (_, index) => block(index)).join('');
  expect(text.split('\n').length).toBeGreaterThan(60_000);
  const shop = workshop({ 'large.cnn': text });
  const large = secondsOf(shop.at('large.cnn'), 2);
  const examples = filesBelow('examples').filter((path) => path.endsWith('.cnn'));
  const each = examples.map((path) => [path, secondsOf(path)] as const);
  console.log(
    [['60,000 lines', large] as const, ...each].map(([name, time]) => `${name}: ${time.toFixed(2)} s`).join('\n'),
  );
  // Ten times what a quiet machine takes: these catch a blow-up, not a slow machine.
  expect(large).toBeLessThan(25);
  expect(Math.max(...each.map(([, time]) => time))).toBeLessThan(3);
});

it('formats standard input', () => {
  const argv = [main, 'fmt', '-'];
  const ran = spawnSync(process.execPath, argv, { encoding: 'utf8', input: 'const  a=1 # one\n', timeout: 100_000 });
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

it('demonstrates itself: it learns, and classifies nearly every fresh image as the reference interpreter does', () => {
  const shop = workshop();
  const ran = run(['demo', '--json'], { cwd: shop.folder });
  expect(ran.code).toBe(0);
  expect(eventsOf(ran).filter(({ kind }) => kind === 'epoch')).toHaveLength(5);
  const summary = summaryOf(ran);
  expect(summary).toMatchObject({ samples: 400, seed: 0 });
  expect(summary['accuracy']).toBeGreaterThan(0.95);
  expect(summary['difference']).toBeLessThan(1e-5);
  expect(readFileSync(shop.at('build/demo/report.html'), 'utf8')).toContain('<h1>base: Shapes</h1>');
  // The commands that it ends with.
  const measured = run(['eval', 'build/demo/net', '--data', 'cifar-binary:build/demo/test.bin', '--json'], {
    cwd: shop.folder,
  });
  expect(summaryOf(measured)).toMatchObject({ top1: summary['accuracy'], samples: 400 });
  const [picture = ''] = readdirSync(shop.at('build/demo/pictures')).filter((name) => name.startsWith('ring-'));
  const top = run(['run', 'build/demo/net', join('build/demo/pictures', picture), '--top', '1'], { cwd: shop.folder });
  expect(top).toMatchObject({ code: 0, out: expect.stringContaining('ring') });
}, 900_000);
