/** `cnnc bench`, `compare`, `inspect`, `opt`, `ops`, `doctor` and `explain`. */
import { describe, expect, it } from 'vitest';
import { allCodes } from '../../compiler/cli/commands/explain.ts';
import { families } from '../../compiler/cli/commands/explain/explanations.ts';
import { parseGraph } from '../../compiler/ir/parse.ts';
import { ops } from '../../compiler/ops/index.ts';
import { built, cnnc, eventsOf, npy, readNpy, summaryOf, tinySource, workshop, type Workshop } from './cnnc.ts';

const weights = (shop: Workshop): readonly string[] => ['--weights', shop.at('tiny.safetensors')];
const tiny = (shop: Workshop): Promise<string> => built(shop, 'tiny.cnn', ...weights(shop));

/** Of the tiny model's input and output, and of nothing else that it has. */
const otherSource = `
model Other(image: f32[N, 3, 8, 8], classes: int = 4) -> f32[N, classes] {
  return image |> first: conv(8, k=3) |> hard_swish |> flatten |> last: linear(classes)
}
`;
const moreSource = tinySource.replace('head: linear(classes)', 'head: linear(classes) |> softmax');

describe('bench', () => {
  it('measures what its summary promises', async () => {
    const shop = workshop();
    const ran = await cnnc('bench', await tiny(shop), '--batch', '3', '--iters', '7', '--warmup', '1', '--json');
    expect(ran.code).toBe(0);
    const summary = summaryOf(ran) as Record<string, number>;
    expect(summary).toMatchObject({ batch: 3, iters: 7, adapter: expect.stringMatching(/./) });
    const {
      p50_ms = 0,
      p90_ms = 0,
      p99_ms = 0,
      min_ms = 0,
      first_ms = 0,
      throughput = 0,
      cpu_ms = 0,
      device_ms = 0,
    } = summary;
    expect([min_ms, p50_ms, p90_ms, p99_ms]).toEqual([min_ms, p50_ms, p90_ms, p99_ms].toSorted((a, b) => a - b));
    expect(min_ms).toBeGreaterThan(0);
    expect(first_ms).toBeGreaterThan(p50_ms);
    expect(device_ms).toBeGreaterThan(0);
    expect(cpu_ms).toBeGreaterThan(0);
    expect(throughput).toBeCloseTo(3000 / p50_ms, 6);
  });

  it('fails with exit code 4 where an assertion does', async () => {
    const shop = workshop();
    const artifact = await tiny(shop);
    const flags = ['--iters', '2', '--warmup', '0'];
    expect(await cnnc('bench', artifact, ...flags, '--assert', 'p50<=100s', '--assert', 'throughput>0')).toMatchObject({
      code: 0,
    });
    expect(await cnnc('bench', artifact, ...flags, '--assert', 'p50<=0.01us')).toMatchObject({
      code: 4,
      err: expect.stringContaining('error[E0802]'),
    });
  });

  it('lets several artifacts take turns, and limits how much faster the others are', async () => {
    const shop = workshop();
    const artifact = await tiny(shop);
    const other = await built(shop, 'colours.cnn');
    const flags = ['--iters', '5', '--warmup', '1', '--batch', '2'];
    const ran = await cnnc('bench', artifact, other, artifact, ...flags, '--json');
    expect(ran.code).toBe(0);
    const rows = eventsOf(ran).filter(({ kind }) => kind === 'artifact') as Record<string, number>[];
    expect(rows.map(({ artifact: folder }) => folder)).toEqual([artifact, other, artifact]);
    const [first, ...others] = rows.map(({ p50_ms = NaN }) => p50_ms);
    const speedups = others.map((p50) => (first ?? NaN) / p50);
    expect(rows.map(({ speedup }) => speedup)).toEqual([1, ...speedups]);
    expect(summaryOf(ran)).toMatchObject({ iters: 5, speedup: Math.min(...speedups) });
    const table = await cnnc('bench', artifact, other, ...flags, '--assert', 'speedup>=0');
    expect(table).toMatchObject({ code: 0, out: expect.stringMatching(/rounds[^]*artifact .* speedup\n[^]*x\n$/) });
    expect((await cnnc('bench', artifact, other, ...flags, '--assert', 'speedup>=1e9')).code).toBe(4);
    expect(await cnnc('bench', artifact, shop.at('tiny.cnn'))).toMatchObject({ code: 2 });
    expect(await cnnc('bench', artifact, other, '--assert', 'p50<=1s')).toMatchObject({ code: 2 });
  });

  it('refuses an adapter that is not there, and a folder that is no artifact', async () => {
    const shop = workshop();
    const nonsense = await cnnc('bench', await tiny(shop), '--adapter', 'nonsense');
    expect(nonsense).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringMatching(/^error\[E0901\]: no adapter is called 'nonsense'; there (are|is)\b.*\nhelp: /),
    });
    expect(await cnnc('bench', shop.folder)).toMatchObject({
      code: 3,
      err: expect.stringMatching(/^error\[E0715\]: .*no manifest\.json\nhelp: /),
    });
    expect(await cnnc('bench', shop.at('nothing'))).toMatchObject({
      code: 3,
      err: expect.stringMatching(/^error\[E0710\]/),
    });
  });
});

describe('compare', () => {
  it('finds an artifact equal to itself and close to the reference interpreter', async () => {
    const shop = workshop();
    const artifact = await tiny(shop);
    expect(summaryOf(await cnnc('compare', artifact, artifact, '--json', '--rtol', '0', '--atol', '0'))).toMatchObject({
      worst: 0,
      unmatched: 0,
    });
    const reference = [shop.at('tiny.cnn'), '--weights', shop.at('tiny.safetensors'), '--batch', '2'];
    const ran = await cnnc('compare', artifact, ...reference, '--rtol', '1e-5', '--json');
    expect(ran).toMatchObject({ code: 0, err: '' });
    const layers = eventsOf(ran).filter(({ kind }) => kind === 'layer');
    expect(layers.map(({ layer }) => layer)).toEqual([
      'stem conv+relu',
      'global_avg_pool',
      'head linear',
      'output output',
    ]);
    expect(summaryOf(ran)['compared']).toBe(4);
  });

  it('stops at the first layer that differs, with exit code 6', async () => {
    const shop = workshop();
    const artifact = await tiny(shop);
    const random = await built(shop, 'tiny.cnn', '--weights', 'random');
    const ran = await cnnc('compare', artifact, random);
    expect(ran).toMatchObject({
      code: 6,
      out: '',
      err: expect.stringMatching(/^error\[E0907\]: stem conv\+relu \(.*tiny\.cnn:4:8\): the values differ by up to /),
    });
    const strict = await cnnc(
      'compare',
      artifact,
      shop.at('tiny.cnn'),
      '--weights',
      shop.at('tiny.safetensors'),
      '--rtol',
      '0',
      '--atol',
      '0',
    );
    expect(strict.code).toBe(6);
  });

  it('says what has no counterpart, and how much was compared before', async () => {
    const shop = workshop({ 'other.cnn': otherSource, 'more.cnn': moreSource });
    const artifact = await tiny(shop);
    const other = await built(shop, 'other.cnn', '--weights', 'random');
    const apart =
      `no layer of one is in the other: only ${artifact} has stem conv+relu, global_avg_pool, head linear; ` +
      `only ${other} has first conv+hard_swish, reshape, last linear; --rtol and --atol set what is allowed, ` +
      'and --data FORMAT:PATH compares what comes of real samples';
    const [own, its] = [await cnnc('compare', artifact, other), await cnnc('compare', artifact, artifact)];
    expect(own).toMatchObject({ code: 6, out: '', err: expect.stringContaining('E0907]: output output: the values') });
    expect(own.err).toContain(`help: ${apart}\n`);
    expect(its.out).toBe('Tiny: 4 values agree exactly\n');
    // The same layers, and one more behind them.
    const more = await built(shop, 'more.cnn', ...weights(shop));
    expect((await cnnc('compare', artifact, more)).err).toContain(
      `help: the 3 values before it agree: only ${more} has softmax; --rtol and --atol`,
    );
    const loose = ['--atol', '1e9', '--json'];
    expect(summaryOf(await cnnc('compare', more, artifact, ...loose))).toMatchObject({
      compared: 4,
      unmatched: 1,
      only_first: ['softmax'],
      only_second: [],
    });
    expect((await cnnc('compare', more, artifact, '--atol', '1e9')).out).toContain(
      `\nlayers without a counterpart: only ${more} has softmax\n`,
    );
  });

  it('says where outputs are called differently', async () => {
    const shop = workshop({
      'one.cnn': 'model One(a: f32[N, 1, 2, 2]) {\n  return a + 1.0\n}\n',
      'two.cnn':
        'model Two(a: f32[N, 1, 2, 2]) {\n  let more = a + 1.0\n  let less = a - 1.0\n  return (more, less)\n}\n',
    });
    const [one, two] = [await built(shop, 'one.cnn'), await built(shop, 'two.cnn')];
    expect(await cnnc('compare', one, two)).toMatchObject({
      code: 6,
      err: `error[E0907]: the outputs are called differently: only ${one} has output; only ${two} has more, less\n`,
    });
  });

  it('measures signal over noise on data', async () => {
    const shop = workshop({
      'x.npy': npy(
        Array.from({ length: 3 * 192 }, (_, at) => Math.sin(at)),
        [3, 3, 8, 8],
      ),
      'labels.npy': npy([0, 1, 2], [3]),
    });
    const artifact = await tiny(shop);
    const data = ['--data', `npy:${shop.at('x.npy')}`];
    expect(await cnnc('compare', artifact, artifact, ...data)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^3 samples: no noise, 100\.00% with the same class; the largest difference is 0,/),
    });
    const random = await built(shop, 'tiny.cnn', '--weights', 'random');
    const outputOf = async (folder: string): Promise<readonly number[]> => {
      expect(await cnnc('run', folder, shop.at('x.npy'), '--save', shop.at('y.npy'))).toMatchObject({ code: 0 });
      return [...readNpy(shop.at('y.npy')).data];
    };
    const [own, its] = [await outputOf(artifact), await outputOf(random)];
    const noise = its.reduce((sum, x, at) => sum + (x - (own[at] ?? NaN)) ** 2, 0);
    const signal = its.reduce((sum, x) => sum + x ** 2, 0);
    const ran = await cnnc('compare', artifact, random, ...data, '--limit', '3', '--json');
    expect(summaryOf(ran)['sqnr_db']).toBeCloseTo(10 * Math.log10(signal / noise), 5);
    expect((await cnnc('compare', artifact, random, ...data, '--assert', 'sqnr>=100')).code).toBe(4);
    expect((await cnnc('compare', artifact, random, '--limit', '3')).code).toBe(2);
    expect((await cnnc('compare', artifact, shop.at('tiny.cnn'), ...data)).code).toBe(2);
  });

  it('refuses artifacts of different models', async () => {
    const shop = workshop();
    const ran = await cnnc('compare', await tiny(shop), await built(shop, 'colours.cnn'));
    expect(ran).toMatchObject({ code: 2, err: expect.stringContaining('they are of different models') });
  });
});

describe('inspect', () => {
  it('lists layers whose figures sum to those of check', async () => {
    const shop = workshop();
    const ran = await cnnc('inspect', shop.at('tiny.cnn'), '--json');
    const layers = eventsOf(ran).filter(({ kind }) => kind === 'layer');
    // 8 * 8 * 8 floats of memory.
    const stem = { path: 'stem', op: 'conv', shape: '[N, 8, 8, 8]', params: 216, macs: 13824, bytes: 2048 };
    expect(layers[0]).toMatchObject(stem);
    expect(layers.reduce((sum, { params }) => sum + Number(params), 0)).toBe(268);
    expect(summaryOf(ran)).toMatchObject({ model: 'Tiny', params: 268, macs: 13856 });
    expect((await cnnc('inspect', shop.at('tiny.cnn'))).out).toMatch(
      /stem +conv +\[N, 8, 8, 8\] +216 +13,824 +2\.00 KiB +.*tiny\.cnn:4:8\n/,
    );
  });

  it('lists the steps of an artifact and the tensors of a weights file', async () => {
    const shop = workshop();
    const steps = eventsOf(await cnnc('inspect', await tiny(shop), '--json')).filter(({ kind }) => kind === 'step');
    expect(new Set(steps.map(({ profile }) => profile))).toEqual(new Set(['software', 'gpu']));
    expect(steps.find(({ op }) => op === 'conv+relu')).toMatchObject({
      path: 'stem',
      passes: expect.arrayContaining(['fuse-conv']),
    });
    const tensors = eventsOf(await cnnc('inspect', shop.at('tiny.safetensors'), '--json'));
    expect(tensors).toContainEqual({
      type: 'metric',
      kind: 'tensor',
      name: 'stem.weight',
      dtype: 'F32',
      shape: [8, 3, 3, 3],
    });
    expect(tensors.at(-1)).toMatchObject({ type: 'summary', tensors: 8, elements: 285 });
  });
});

describe('opt', () => {
  const text = `graph {
  %0 = input() { name: "x", index: 0, dtype: "f32", shape: [2, 3] }
  %1 = dropout(%0) { p: 0.5 } : f32[2, 3]
  %2 = relu(%1) : f32[2, 3]
  output "y" = %2
}
`;

  it('runs passes in turn and prints IR that parses back', async () => {
    const shop = workshop({ 'a.ir': text });
    const ran = await cnnc('opt', shop.at('a.ir'), '--pass', 'simplify,fuse-conv');
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).not.toContain('dropout');
    expect(Object.values(parseGraph(ran.out, ops).outputs)[0]?.op.name).toBe('relu');
  });

  it('refuses a pass that does not exist, and names those that do', async () => {
    const shop = workshop({ 'a.ir': text });
    expect(await cnnc('opt', shop.at('a.ir'), '--pass', 'simplfy')).toMatchObject({
      code: 2,
      err: expect.stringContaining('did you mean `simplify`?'),
    });
    expect(await cnnc('opt', shop.at('a.ir'), '--pass', 'x')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/there are simplify, .*fuse-conv/),
    });
  });

  it('shows the place of a fault in the text', async () => {
    const shop = workshop({ 'bad.ir': text.replace('relu(%1)', 'rely(%1)') });
    const ran = await cnnc('opt', shop.at('bad.ir'), '--pass', 'simplify');
    expect(ran).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^error\[E0120\]: [^]*bad\.ir:4:\d+\n/) });
  });
});

it('lists every op without a gap', async () => {
  const ran = await cnnc('ops', '--json');
  const rows = eventsOf(ran).filter(({ kind }) => kind === 'op');
  expect(rows.map(({ op }) => op)).toEqual([...ops.keys()]);
  expect(rows.flatMap(({ gaps }) => gaps)).toEqual([]);
  expect(rows.find(({ op }) => op === 'conv2d')).toMatchObject({
    scalar: false,
    kernels: { software: expect.arrayContaining(['conv2d-direct']) },
    gradient: 'yes',
  });
  expect(rows.find(({ op }) => op === 'greater')).toMatchObject({ gradient: 'zero' });
  expect(rows.find(({ op }) => op === 'fused')).toMatchObject({ gradient: 'none: fusion comes after differentiation' });
  expect(rows.find(({ op }) => op === 'batchNorm')).toMatchObject({
    kernels: { software: expect.arrayContaining(['-> elementwise']) },
  });
});

it('reports what there is to run models on', async () => {
  const ran = await cnnc('doctor', '--json');
  expect(ran.code).toBe(0);
  expect(summaryOf(ran)).toMatchObject({ usable: true, node: { version: process.version } });
  const text = await cnnc('doctor');
  expect(text.out).toMatch(/^node +ok +v/);
  expect(text.out).toMatch(/maxStorageBuffersPerShaderStage +\d+\n/);
  expect(text.out).toContain('cnnc can run models here');
});

describe('explain', () => {
  it('has a text for every code', () => {
    const silent = [...allCodes.keys()].filter((code) => !families.some(({ prefix }) => code.startsWith(prefix)));
    expect(silent).toEqual([]);
    expect(new Set(allCodes.values()).size).toBeGreaterThan(80);
  });

  it('takes a code in any case and helps with a wrong one', async () => {
    expect((await cnnc('explain', 'e0412')).out).toMatch(/^E0412: call with weights needs a label\n\n/);
    expect(await cnnc('explain', 'E0421')).toMatchObject({ code: 2, err: expect.stringContaining('help: ') });
    expect((await cnnc('explain')).out).toContain('E0901  no GPU adapter\n');
  });
});

describe('usage', () => {
  it.each([
    [[], 'no command was given'],
    [['bild', 'x'], "unknown command 'bild'"],
    [['check'], "missing required argument 'files'"],
    [['check', 'x.cnn', '--bogus'], "unknown option '--bogus'"],
    [['build', 'x.cnn', '--profile', 'cpu'], "argument 'cpu' is invalid"],
    [['build', 'x.cnn', '-P', 'classes'], "'classes' is not name=value"],
    [['build', 'x.cnn', '--shape', 'N=0'], "'N=0' is not NAME=SIZE"],
    [['bench', 'x', '--seed', '-1'], "--seed takes an integer of at least 0, not '-1'"],
    [['compare', 'a', 'b', '--rtol', 'x'], "--rtol takes a number that is not negative, not 'x'"],
    [['ops', 'surplus'], 'too many arguments'],
  ])('%j is refused with exit code 2', async (argv, message) => {
    const ran = await cnnc(...argv);
    expect(ran).toMatchObject({ code: 2, err: expect.stringContaining(`error[E0001]: `) });
    expect(ran.err).toContain(message);
    expect(ran.err).toMatch(/\nhelp: /);
  });

  it('goes to JSON as well', async () => {
    const [diagnostic] = eventsOf(await cnnc('check', '--json'));
    expect(diagnostic).toMatchObject({ type: 'diagnostic', code: 'E0001', severity: 'error' });
  });

  it('shows help of a command on stdout', async () => {
    const ran = await cnnc('build', '--help');
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toMatch(/Usage: npx cnnc build \[options\] <file\[:name\]>[^]*--dump-ir[^]*--adapter/);
  });

  it('colours only where it is told to', async () => {
    const shop = workshop({ 'wrong.cnn': tinySource.replace('conv(8', 'konv(8') });
    expect((await cnnc('check', shop.at('wrong.cnn'))).err).not.toContain('\u001b');
    expect((await cnnc('check', shop.at('wrong.cnn'), '--color', 'always')).err).toContain('\u001b[31m');
    expect((await cnnc('check', shop.at('nothing'), '--color', 'always')).err).toContain('\u001b[');
  });
});
