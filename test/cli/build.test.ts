/** `cnnc build`: what it writes, prints and refuses. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compileModel } from '../../compiler/driver/compile-model.ts';
import { builtText } from '../../compiler/cli/commands/build/report.ts';
import { createOutput } from '../../compiler/cli/output.ts';
import { importWeights } from '../../compiler/driver/model-weights.ts';
import { modelIn, openProject, parseTarget } from '../../compiler/driver/project.ts';
import { verifyPasses } from '../../compiler/cli/commands/build/verify-passes.ts';
import { parseGraph } from '../../compiler/ir/parse.ts';
import { isOp } from '../../compiler/ir/op.ts';
import { makeNode } from '../../compiler/ir/node.ts';
import { rewriteGraph } from '../../compiler/ir/rewrite.ts';
import { ops, relu, sigmoid } from '../../compiler/ops/index.ts';
import { parseSafetensors } from '../../runtime/files/safetensors.ts';
import { cnnc, eventsOf, summaryOf, tinySource, tinyWeights, workshop } from './cnnc.ts';

const weights = (shop: { at(name: string): string }) => ['--weights', shop.at('tiny.safetensors')];

describe('what is written', () => {
  it('is an artifact with kernels and weights, and a report of what each pass did', async () => {
    const shop = workshop();
    const ran = await cnnc('build', shop.at('tiny.cnn'), '-o', shop.at('out'), ...weights(shop));
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(readdirSync(shop.at('out')).toSorted()).toEqual(['kernels', 'manifest.json', 'weights.safetensors']);
    expect(ran.out).toMatch(/^Tiny: 268 params, 13\.9 kMACs\n/);
    expect(ran.out).toMatch(/fold-batch-norm +6 -> 5 nodes/);
    expect(ran.out).toMatch(/software +\d+ dispatches, \d+ kernels?, arena .* a sample$/m);
    const bytes = readFileSync(join(shop.at('out'), 'weights.safetensors')).length;
    expect(ran.out).toMatch(new RegExp(`\nwrote ${shop.at('out')}: [0-9.]+ KiB, of which weights [0-9.]+ KiB\n$`));
    expect(Number(/weights ([0-9.]+) KiB\n$/.exec(ran.out)?.[1])).toBeCloseTo(bytes / 1024, 1);
    // A pass without anything to do is named where more is asked for.
    expect(ran.out).not.toContain('nothing to do');
    const verbose = await cnnc('build', shop.at('tiny.cnn'), '-o', shop.at('out'), ...weights(shop), '-v');
    expect(verbose.out).toMatch(/fuse-movement +nothing to do/);
    expect(verbose.out).toMatch(/software .* a sample, .* times its lower bound/);
  });

  it('ends with the accuracy of a stage that was measured', () => {
    const files = new Map([
      ['weights.safetensors', { length: 2048 }],
      ['manifest.json', { length: 1024 }],
    ]);
    const told = (stage?: Readonly<Record<string, number>>): string => builtText(files, stage);
    expect(told({ 'val.accuracy': 0.985, 'val.dice': 0.5 })).toBe(
      '3.00 KiB, of which weights 2.00 KiB\naccuracy 98.50% on the validation part',
    );
    expect(told({ 'val.mean_iou': 0.5, 'val.accuracy': NaN })).toContain('\nmean_iou 50.00% on');
    for (const none of [undefined, {}]) expect(told(none)).toBe('3.00 KiB, of which weights 2.00 KiB');
  });

  it('is the same for the same seed, and other weights for another', async () => {
    const shop = workshop();
    const weightsFor = async (seed: string): Promise<string> => {
      await cnnc('build', shop.at('tiny.cnn'), '-o', shop.at(seed), '--weights', 'random', '--seed', seed);
      const { tensors } = parseSafetensors(readFileSync(join(shop.at(seed), 'weights.safetensors')));
      return [...tensors.values()].map(({ bytes }) => Buffer.from(bytes).toString('hex')).join(' ');
    };
    const [first, again, other] = [await weightsFor('1'), await weightsFor('01'), await weightsFor('2')];
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  it('has only the profile that was asked for', async () => {
    const shop = workshop();
    const ran = await cnnc(
      'build',
      shop.at('tiny.cnn'),
      '-o',
      shop.at('out'),
      ...weights(shop),
      '--profile',
      'gpu',
      '--json',
    );
    const plans = eventsOf(ran).filter(({ kind }) => kind === 'plan');
    expect(plans.map(({ profile }) => profile)).toEqual(['gpu']);
    expect(summaryOf(ran)).toMatchObject({
      model: 'Tiny',
      params: 268,
      macs: 13856,
      weights: shop.at('tiny.safetensors'),
    });
    const run = await cnnc('bench', shop.at('out'), '--adapter', 'software');
    expect(run).toMatchObject({ code: 3, err: expect.stringContaining('holds kernels for gpu') });
  });

  it('prints nothing with -q', async () => {
    const shop = workshop();
    const ran = await cnnc('build', '-q', shop.at('tiny.cnn'), '-o', shop.at('out'), ...weights(shop));
    expect(ran).toEqual({ code: 0, out: '', err: '' });
  });

  it('takes parameters and sizes from the command line', async () => {
    const shop = workshop();
    const flags = ['--weights', 'random', '-P', 'classes=7', '--shape', 'N=2'];
    await cnnc('build', shop.at('tiny.cnn'), '-o', shop.at('out'), ...flags);
    const inspected = await cnnc('inspect', shop.at('out'));
    expect(inspected.out).toContain('takes image [2, 3, 8, 8], gives output [2, 7]');
    expect(await cnnc('bench', shop.at('out'), '--batch', '3')).toMatchObject({ code: 2 });
  });

  it('refuses more or fewer class names than scores', async () => {
    const shop = workshop({ 'labels.txt': 'red\ngreen\n' });
    const ran = await cnnc('build', shop.at('colours.cnn'), '-o', shop.at('out'));
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('labels.txt has red, green; Colours gives 3') });
    expect(ran.err).toMatch(/^error\[E0605\].*\n.*colours\.cnn:7:12/);
    expect(await cnnc('check', shop.at('colours.cnn'))).toMatchObject({
      code: 1,
      err: ran.err + '1 error in 1 file\n',
    });
  });
});

describe('a file with several models', () => {
  const both = `${tinySource}${tinySource.replace('Tiny', 'Other')}`;

  it('wants one of them named', async () => {
    const shop = workshop({ 'both.cnn': both });
    const ran = await cnnc('build', shop.at('both.cnn'), '--weights', 'random');
    expect(ran.code).toBe(2);
    expect(ran.err).toMatch(
      /error\[E0001\]: .* declares several models: Tiny, Other\nhelp: name one: .*both\.cnn:Tiny\n/,
    );
    const named = await cnnc(
      'build',
      `${shop.at('both.cnn')}:Other`,
      '--weights',
      'random',
      '-o',
      shop.at('out'),
      '--json',
    );
    expect(summaryOf(named)).toMatchObject({ model: 'Other' });
  });

  it('helps with a wrong name', async () => {
    const shop = workshop({ 'both.cnn': both, 'none.cnn': 'const a = 1\n' });
    const ran = await cnnc('build', `${shop.at('both.cnn')}:Othr`, '--weights', 'random');
    expect(ran).toMatchObject({ code: 2, err: expect.stringContaining('help: did you mean `Other`?') });
    const none = await cnnc('build', shop.at('none.cnn'));
    expect(none).toMatchObject({ code: 2, err: expect.stringContaining('declares no model') });
  });

  it('is split from its model at the last colon', () => {
    expect(parseTarget('a.cnn')).toEqual({ file: 'a.cnn', name: undefined });
    expect(parseTarget('a.cnn:M')).toEqual({ file: 'a.cnn', name: 'M' });
    expect(parseTarget('C:\\a.cnn')).toEqual({ file: 'C:\\a.cnn', name: undefined });
  });
});

describe('weights', () => {
  const build = (shop: ReturnType<typeof workshop>, ...flags: string[]) =>
    cnnc('build', shop.at('tiny.cnn'), '-o', shop.at('out'), ...flags);

  it('must be given: both ways are told', async () => {
    const shop = workshop();
    const ran = await build(shop);
    expect(ran.code).toBe(2);
    expect(ran.err).toMatch(
      /error\[E0001\]: Tiny has no weights\nhelp: .*--weights FILE.*weights NAME for Tiny.*--weights random/,
    );
  });

  it('may come from the source, beside it or under CNNC_DATA', async () => {
    const source = `${tinySource}weights best for Tiny { file = "tiny.safetensors" }\n`;
    const shop = workshop({ 'sub/named.cnn': source });
    const absent = await cnnc('build', shop.at('sub/named.cnn'), '-o', shop.at('out'));
    expect(absent).toMatchObject({
      code: 3,
      err: expect.stringMatching(/error\[E0710\]: .*sub\/tiny\.safetensors.*\nhelp: .*CNNC_DATA/),
    });
    process.env['CNNC_DATA'] = shop.folder;
    const present = await cnnc('build', shop.at('sub/named.cnn'), '-o', shop.at('out'), '--json');
    delete process.env['CNNC_DATA'];
    expect(summaryOf(present)).toMatchObject({ weights: shop.at('tiny.safetensors') });
  });

  it('keep the rules of the source where --weights names another file', async () => {
    const source = `${tinySource}weights best for Tiny { file = "x"  strict = false  rename = [("net.", "")] }\n`;
    const renamed = tinyWeights({ 'stem.weight': undefined, 'net.stem.weight': [8, 3, 3, 3], extra: [1] });
    const shop = workshop({ 'named.cnn': source, 'other.safetensors': renamed });
    const ran = await cnnc(
      'build',
      shop.at('named.cnn'),
      '-o',
      shop.at('out'),
      '--weights',
      shop.at('other.safetensors'),
    );
    expect(ran.code).toBe(0);
    expect(ran.err).toMatch(/^note: .*other\.safetensors also holds extra, which the model has not\n$/);
  });

  it.each([
    ['a missing tensor', tinyWeights({ 'head.bias': undefined }), 'E0720', 'lacks 1 of 7 parameters: head.bias'],
    [
      'a tensor left over',
      tinyWeights({ 'head.extra': [2] }),
      'E0721',
      'holds head.extra, which the model does not have',
    ],
    [
      'a wrong shape',
      tinyWeights({ 'head.weight': [8, 4] }),
      'E0722',
      'head.weight in .* is \\[8, 4\\], the model takes \\[4, 8\\]',
    ],
    ['a truncated file', tinyWeights().subarray(0, 900), 'E0711', 'bad\\.safetensors: '],
    ['a hostile header', new Uint8Array(64).fill(255), 'E0711', 'bad\\.safetensors: the header has'],
    ['an empty file', new Uint8Array(), 'E0711', 'it is empty'],
  ])('with %s are refused with exit code 3 and nothing is written', async (_, bytes, code, message) => {
    const shop = workshop({ 'bad.safetensors': bytes });
    const ran = await build(shop, '--weights', shop.at('bad.safetensors'));
    expect(ran).toMatchObject({ code: 3, out: '' });
    expect(ran.err).toMatch(new RegExp(`^error\\[${code}\\]: .*${message}`));
    expect(ran.err).not.toContain('    at ');
    expect(existsSync(shop.at('out'))).toBe(false);
  });
});

describe('the output folder', () => {
  it('is left alone where it is no artifact', async () => {
    const shop = workshop({ 'mine/thesis.txt': 'work' });
    const ran = await cnnc('build', shop.at('tiny.cnn'), '-o', shop.at('mine'), ...weights(shop));
    expect(ran).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringMatching(/^error\[E0723\]: .*left alone\nhelp: /),
    });
    expect(readdirSync(shop.at('mine'))).toEqual(['thesis.txt']);
    expect(readdirSync(shop.folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('keeps the earlier artifact where a build fails', async () => {
    const shop = workshop();
    await cnnc('build', shop.at('tiny.cnn'), '-o', shop.at('out'), ...weights(shop));
    const before = readFileSync(join(shop.at('out'), 'manifest.json'), 'utf8');
    writeFileSync(shop.at('tiny.safetensors'), tinyWeights({ 'head.bias': [5] }));
    expect(await cnnc('build', shop.at('tiny.cnn'), '-o', shop.at('out'), ...weights(shop))).toMatchObject({ code: 3 });
    expect(readFileSync(join(shop.at('out'), 'manifest.json'), 'utf8')).toBe(before);
  });

  it('may not be a file', async () => {
    const shop = workshop();
    const ran = await cnnc('build', shop.at('tiny.cnn'), '-o', shop.at('labels.txt'), ...weights(shop));
    expect(ran).toMatchObject({ code: 3, err: expect.stringContaining('labels.txt is a file') });
  });
});

describe('--emit and --dump-ir', () => {
  it('print each stage instead of writing an artifact', async () => {
    const shop = workshop();
    const emit = async (what: string) =>
      (await cnnc('build', shop.at('tiny.cnn'), '--emit', what, ...weights(shop))).out;
    const tree = JSON.parse(await emit('ast')) as { declarations: { kind: string; span: string }[] };
    expect(tree.declarations[0]).toMatchObject({ kind: 'model', span: '2:1-6:2' });
    expect(Object.keys(parseGraph(await emit('ir'), ops).outputs)).toEqual(['output']);
    const manifest = JSON.parse(await emit('plan')) as { plans: { software: { steps: unknown[] } } };
    expect(manifest.plans.software.steps.length).toBeGreaterThan(2);
    expect(await emit('wgsl')).toMatch(/^\/\/ kernels\/.*\.wgsl\n[^]*@compute/);
    expect(readdirSync(shop.folder)).not.toContain('build');
  });

  it('show the graph after each pass that changed it', async () => {
    const shop = workshop();
    const flags = ['-o', shop.at('out'), ...weights(shop)];
    const printed = await cnnc('build', shop.at('tiny.cnn'), '--dump-ir', ...flags, '-q');
    expect(printed.out.match(/^\/\/ after .*$/gm)).toEqual(['// after fold-batch-norm', '// after fuse-conv']);
    expect(printed.out).toContain('"fold-batch-norm"');
    await cnnc('build', shop.at('tiny.cnn'), '--dump-ir', shop.at('dumps'), ...flags);
    expect(readdirSync(shop.at('dumps')).join()).toMatch(/^\d\d-fold-batch-norm\.ir,\d\d-fuse-conv\.ir$/);
  });

  it('report a folder that cannot be written', async () => {
    const shop = workshop();
    mkdirSync(shop.at('taken'));
    const ran = await cnnc(
      'build',
      shop.at('tiny.cnn'),
      '--dump-ir',
      shop.at('labels.txt'),
      '-o',
      shop.at('out'),
      ...weights(shop),
    );
    expect(ran).toMatchObject({ code: 3, err: expect.stringContaining('error[E0723]') });
  });
});

describe('--verify', () => {
  it('accepts the passes as they are', async () => {
    const shop = workshop();
    const ran = await cnnc('build', shop.at('tiny.cnn'), '-o', shop.at('out'), ...weights(shop), '--verify');
    expect(ran).toMatchObject({
      code: 0,
      err: expect.stringMatching(/^verified \d passes against the reference interpreter/),
    });
  });

  it('names the pass, the op and the source line that broke the model', async () => {
    const shop = workshop();
    const source = modelIn(await openProject(shop.at('tiny.cnn')));
    const given = await importWeights(source, { weights: shop.at('tiny.safetensors') }, 0);
    const compilation = compileModel(source, given);
    const { bound } = compilation;
    const broken = rewriteGraph(
      bound,
      (node) => (isOp(node, relu) ? makeNode(sigmoid, node.inputs, {}) : undefined),
      'soften',
    );
    const passes = [{ pass: 'soften', summary: '', before: bound, after: broken }];
    const sink = { write: () => undefined };
    const output = createOutput({
      stdout: sink,
      stderr: sink,
      json: false,
      quiet: true,
      verbose: false,
      color: 'never',
      env: {},
    });
    const context = { output, adapter: undefined, seed: 1, program: 'npx cnnc', argv: [] };
    const verified = verifyPasses(context, source, given, { ...compilation, passes });
    await expect(verified).rejects.toMatchObject({
      code: 'E0998',
      message: expect.stringMatching(/^soften changes the output output by .* at sigmoid.* \(.*tiny\.cnn:4:54\)$/),
    });
  });
});

it('reports an op that no kernel runs at its source line', async () => {
  const body = 'image |> softmax(axis=0) |> global_avg_pool |> flatten';
  const shop = workshop({ 'wide.cnn': `model Wide(image: f32[N, 3, 4, 4]) -> f32[N, 3] {\n  return ${body}\n}\n` });
  const ran = await cnnc('build', shop.at('wide.cnn'), '-o', shop.at('out'));
  expect(ran.code).toBe(1);
  expect(ran.err).toMatch(/^error\[E0340\]: no kernel runs .*\n +--> .*wide\.cnn:2:19\n/);
  expect(existsSync(shop.at('out'))).toBe(false);
});
