/** Chains of stages: what is cached and why not, `plan`, `build FILE:STAGE`, `diff`, and budgets on measured figures. */
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../compiler/cli/run-cli.ts';
import { readArtifact } from '../../runtime/node/read-artifact.ts';
import { cnnc, eventsOf, npy, summaryOf, type Ran } from './cnnc.ts';

const chain = `
model Tiny(image: f32[N, 3, 8, 8], classes: int = 2) -> f32[N, classes] {
  return image
    |> conv1: conv(4, k=3, stride=2, bias=false) |> bn1: bn |> relu
    |> global_avg_pool |> flatten |> fc: linear(classes)
}
dataset shapes {
  format = "npy"  path = "images.npy"  labels = "labels.npy"  classes = 2
  split { train = 24  val = 8 }
}
train base for Tiny {
  data = shapes  epochs = 1  batch = 8  seed = 3
  loss = cross_entropy()
  optimizer = sgd(lr=0.05, momentum=0.9)
}
train tuned for Tiny {
  from = base
  data = shapes
  epochs = 2
  loss = cross_entropy()
  optimizer = sgd(lr=0.01)
}
`;

const budget = `
budget for tuned {
  params <= 1K
  val.accuracy >= 0%
  drop(base) <= 100%
  latency(p50) <= 1000s
}
`;

const count = 32;
/** Bright and dark pictures. */
const pictures = (): Uint8Array => {
  const values = Array.from({ length: count * 3 * 64 }, (_, at) => (Math.floor(at / 192) % 2) + Math.sin(at * 1.3) / 4);
  return npy(values, [count, 3, 8, 8]);
};
const labels = (): Uint8Array =>
  npy(
    Array.from({ length: count }, (_, at) => at % 2),
    [count],
  );

let folder = '';
const at = (name: string): string => join(folder, name);
const runs = (): string => at('runs');
const cached = (ran: Ran): unknown =>
  eventsOf(ran)
    .filter(({ type }) => type === 'artifact')
    .map(({ stage, cached: isCached }) => [stage, isCached]);
const statuses = (ran: Ran): Record<string, { status: unknown; reasons: unknown }> =>
  Object.fromEntries(
    eventsOf(ran)
      .filter(({ kind }) => kind === 'stage')
      .map(({ name, status, reasons }) => [name, { status, reasons }]),
  );
const plan = (...flags: readonly string[]) => cnnc('plan', at('tiny.cnn'), '--runs', runs(), '--json', ...flags);
const train = (...flags: readonly string[]) => cnnc('train', at('tiny.cnn'), '-o', runs(), '--json', ...flags);
const rewrite = (from: string, to: string): void => writeFileSync(at('tiny.cnn'), (chain + budget).replace(from, to));

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnc-stages-'));
  writeFileSync(at('tiny.cnn'), chain + budget);
  writeFileSync(at('images.npy'), pictures());
  writeFileSync(at('labels.npy'), labels());
  utimesSync(at('labels.npy'), 1_700_000_000, 1_700_000_000);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a chain of stages', () => {
  it('is planned before anything ran, with what is known of it', async () => {
    const ran = await plan('--detailed-exitcode');
    expect(ran.code).toBe(6);
    expect(statuses(ran)).toEqual({
      base: { status: 'missing', reasons: ['never run'] },
      tuned: { status: 'missing', reasons: ['never run'] },
    });
    const [base] = eventsOf(ran).filter(({ name }) => name === 'base');
    // 4 x 3 x 9 weights, 4 gammas and betas, 2 x 4 + 2 of the classifier; 16 pixels of 108 products, and 8.
    expect(base).toMatchObject({ params: 126, macs: 16 * 108 + 8 });
  });

  it('runs in order, each stage in a folder of its own, and is measured', async () => {
    const ran = await train();
    expect(ran).toMatchObject({ code: 0, err: expect.stringContaining('compiled in') });
    expect(cached(ran)).toEqual([
      ['base', false],
      ['tuned', false],
    ]);
    const record = JSON.parse(readFileSync(join(runs(), 'tuned/stage.json'), 'utf8')) as Record<string, unknown>;
    expect(record).toMatchObject({ format: 'cnnc-stage', word: 'train', name: 'tuned', from: 'base' });
    expect(record['figures']).toMatchObject({
      params: 126,
      'val.accuracy': expect.any(Number),
      peak_memory: expect.any(Number),
    });
    // What the trainer measured of the weights that it kept is what is measured of them now.
    const lines = readFileSync(join(runs(), 'tuned/metrics.jsonl'), 'utf8').trim().split('\n');
    const best = lines
      .map((line) => JSON.parse(line) as { best?: boolean; values?: Record<string, number> })
      .findLast((line) => line.best);
    expect((record['figures'] as Record<string, number>)['val.accuracy']).toBe(best?.values?.['val.accuracy']);
  });

  it('is up to date then, and runs nothing', async () => {
    expect(await plan('--detailed-exitcode')).toMatchObject({ code: 0 });
    const before = statSync(join(runs(), 'base/stage.json')).mtimeMs;
    expect(cached(await train())).toEqual([
      ['base', true],
      ['tuned', true],
    ]);
    expect(statSync(join(runs(), 'base/stage.json')).mtimeMs).toBe(before);
  });

  it('starts the second stage from the weights of the first', async () => {
    const start = await train('--set', 'tuned.epochs=1', '--set', 'tuned.optimizer=sgd(lr=1e-30)');
    expect(start.code).toBe(0);
    const first = readFileSync(join(runs(), 'base/best.safetensors'));
    const second = readFileSync(join(runs(), 'tuned/best.safetensors'));
    const conv = (bytes: Buffer): string => bytes.subarray(bytes.readUInt32LE(0) + 8).toString('hex');
    // Running statistics move on; weights do not at such a rate.
    expect(first.length).toBe(second.length);
    const same = [...conv(first)].filter((digit, index) => digit === conv(second)[index]).length;
    expect(same / conv(first).length).toBeGreaterThan(0.9);
    expect((await train()).code).toBe(0);
  });

  it('says what made a stage stale: a setting, the data, a line of the model, the stage before', async () => {
    rewrite('sgd(lr=0.01)', 'sgd(lr=0.02)');
    expect(statuses(await plan())).toEqual({
      base: { status: 'cached', reasons: [] },
      tuned: { status: 'stale', reasons: ['optimizer is sgd(lr=0.02) and was sgd(lr=0.01)'] },
    });
    rewrite('conv(4, k=3', 'conv(4, k=5');
    const changed = statuses(await plan());
    expect(changed['base']).toEqual({
      status: 'stale',
      reasons: [expect.stringMatching(/^the model changed at .*tiny\.cnn:4:8$/)],
    });
    expect(changed['tuned']).toEqual({ status: 'stale', reasons: ['it starts from base, which has to run'] });
    rewrite('', '# a comment changes nothing\n');
    expect(await plan('--detailed-exitcode')).toMatchObject({ code: 0 });
    const given = readFileSync(at('labels.npy'));
    utimesSync(at('labels.npy'), 1_700_000_000, 1_700_000_005);
    expect(await plan('--detailed-exitcode')).toMatchObject({ code: 0 });
    writeFileSync(at('labels.npy'), given.with(given.length - 1, 77));
    expect(statuses(await plan())['base']).toEqual({ status: 'stale', reasons: ['labels.npy changed'] });
    writeFileSync(at('labels.npy'), given);
    utimesSync(at('labels.npy'), 1_700_000_000, 1_700_000_000);
    expect(await plan('--detailed-exitcode', '--limit-batches', '1')).toMatchObject({ code: 6 });
    rewrite('', '');
  });

  it('keeps an earlier run beside the new one', async () => {
    rewrite('sgd(lr=0.01)', 'sgd(lr=0.02)');
    const before = readFileSync(join(runs(), 'tuned/stage.json'), 'utf8');
    const ran = await train();
    expect(cached(ran)).toEqual([
      ['base', true],
      ['tuned', false],
    ]);
    expect(ran.err).toContain('tuned runs again: optimizer is sgd(lr=0.02) and was sgd(lr=0.01)');
    expect(readFileSync(join(runs(), 'tuned.previous/stage.json'), 'utf8')).toBe(before);
    rewrite('', '');
    expect((await train()).code).toBe(0);
  });

  it('goes on after Ctrl-C, within the stage that it stopped in', async () => {
    const folderOf = (name: string): string => join(at('cut'), name);
    const run = (...flags: readonly string[]) => cnnc('train', at('tiny.cnn'), '-o', at('cut'), '--json', ...flags);
    const others = new Set(process.listeners('SIGINT'));
    let epochs = 0;
    const write = (text: string): void => {
      if (text.includes('"kind":"epoch"')) epochs++;
      // The first epoch of the second stage.
      if (epochs !== 2) return;
      // A second one would end the process.
      epochs = -Infinity;
      for (const listener of process.listeners('SIGINT')) if (!others.has(listener)) listener('SIGINT');
    };
    const argv = ['train', at('tiny.cnn'), '-o', at('cut'), '--json'];
    expect(await runCli(argv, { stdout: { write }, stderr: { write: () => undefined }, env: {} })).toBe(130);
    expect(statuses(await cnnc('plan', at('tiny.cnn'), '--runs', at('cut'), '--json'))).toMatchObject({
      base: { status: 'cached' },
      tuned: { status: 'unfinished' },
    });
    expect(await run()).toMatchObject({ code: 3, err: expect.stringContaining('holds a training run already') });
    const ran = await run('--resume');
    expect(cached(ran)).toEqual([
      ['base', true],
      ['tuned', false],
    ]);
    const importWeights = (path: string): string => readFileSync(join(path, 'best.safetensors')).toString('hex');
    expect(importWeights(folderOf('tuned'))).toBe(importWeights(join(runs(), 'tuned')));
  });

  it('is refused where a folder was changed by hand', async () => {
    const file = join(runs(), 'base/best.safetensors');
    const whole = readFileSync(file);
    const broken = Buffer.from(whole);
    broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
    writeFileSync(file, broken);
    const ran = await cnnc('build', `${at('tiny.cnn')}:base`, '--runs', runs(), '-o', at('net'));
    const damaged = join(runs(), 'base');
    const help = `help: put the file back as it was, or move ${damaged} away and run its stage again`;
    expect(ran.code).toBe(3);
    expect(ran.err).toContain(`error[E0724]: ${file} is not as the stage base wrote it\n`);
    expect(ran.err).toContain(help);
    writeFileSync(file, whole);
    const record = join(runs(), 'base/stage.json');
    const text = readFileSync(record, 'utf8');
    const changes: readonly (readonly [string | RegExp, string, string])[] = [
      ['"cnnc-stage"', '"other"', 'is no record of a stage'],
      ['"version": 1', '"version": 9', 'has the format 9, of another version of cnnc; this one reads 1'],
      [/"params": [^,]*,/, '"params": "many",', 'has no valid figures.params'],
      ['{', '', 'is not JSON'],
    ];
    for (const [from, to, what] of changes) {
      writeFileSync(record, text.replace(from, to));
      const planned = await cnnc('plan', at('tiny.cnn'), '--runs', runs(), '-q');
      expect(planned).toMatchObject({ code: 3, err: `error[E0724]: ${record} ${what}\n${help}\n` });
    }
    writeFileSync(record, text);
  });

  it('has names: unknown ones are refused, and several ends must be chosen from', async () => {
    expect(await cnnc('train', `${at('tiny.cnn')}:tunde`)).toMatchObject({
      code: 2,
      err: expect.stringContaining('did you mean `tuned`?'),
    });
    writeFileSync(at('two.cnn'), chain.replace('from = base', ''));
    expect(await cnnc('train', at('two.cnn'))).toMatchObject({
      code: 2,
      err: expect.stringContaining('they end in base, tuned'),
    });
  });
});

describe('build FILE:STAGE', () => {
  const build = (...flags: readonly string[]) =>
    cnnc('build', `${at('tiny.cnn')}:tuned`, '--runs', runs(), '-o', at('tuned'), ...flags);

  it('makes an artifact with the figures and the budget of the stage', async () => {
    const ran = await build();
    expect(ran).toMatchObject({ code: 0, err: expect.stringContaining('`latency(p50) <= 1000s` was not checked') });
    const { manifest } = await readArtifact(at('tuned'));
    expect(manifest.stage).toMatchObject({ name: 'tuned', figures: { params: 126 } });
    expect(manifest.budgets?.map(({ metric }) => metric)).toEqual(['params', 'val.accuracy', 'drop', 'latency']);
    expect(manifest.budgets?.[2]?.reference).toEqual(expect.any(Number));
  });

  it('finds a single stage where train was told to put it', async () => {
    const alone = at('alone');
    expect(await cnnc('train', `${at('tiny.cnn')}:base`, '-o', alone)).toMatchObject({ code: 0 });
    const ran = await cnnc('build', `${at('tiny.cnn')}:base`, '--runs', alone, '-o', at('alone-built'));
    expect(ran).toMatchObject({ code: 0 });
    const planned = await cnnc('plan', at('tiny.cnn'), '--runs', alone, '--json');
    expect(statuses(planned)).toMatchObject({ base: { status: 'cached' }, tuned: { status: 'missing' } });
  });

  it('says what to run where the stage is not up to date', async () => {
    rewrite('epochs = 2', 'epochs = 3');
    const ran = await build();
    expect(ran).toMatchObject({ code: 3, err: expect.stringContaining('error[E0725]') });
    expect(ran.err).toContain('epochs is 3 and was 2');
    expect(ran.err).toContain(`help: run npx cnnc train ${at('tiny.cnn')}:tuned -o ${runs()}`);
    rewrite('seed = 3', 'seed = 4');
    const earlier = await build();
    expect(earlier.err).toContain('the stages from base to tuned have to run first: seed is 4 and was 3');
    rewrite('', '');
  });

  it('does not train', async () => {
    const weights = join(runs(), 'base/best.safetensors');
    expect(await build('--weights', weights)).toMatchObject({ code: 2, err: expect.stringContaining('trains') });
  });

  it('writes nothing where measured figures miss the budget, and points at the line', async () => {
    rewrite('val.accuracy >= 0%', 'val.accuracy > 100%');
    const ran = await build();
    expect(ran.code).toBe(4);
    expect(ran.err).toMatch(/error\[E0801\]: tuned misses its budget `val\.accuracy > 100%`\n +--> .*tiny\.cnn:26:3\n/);
    rewrite('drop(base) <= 100%', 'drop(base) <= -100%');
    const dropped = await build();
    expect(dropped).toMatchObject({ code: 4, err: expect.stringMatching(/% against [\d.]+%\), [\d.]+ points over/) });
    rewrite('', '');
  });
});

describe('budget lines of an artifact', () => {
  const artifactWith = async (line: string, to: string): Promise<string> => {
    rewrite(line, to);
    const artifact = at(`with-${to.replaceAll(/\W/g, '-')}`);
    // Weights of now, and figures that keep every budget: what is measured later is what counts.
    const record = join(runs(), 'tuned/stage.json');
    const text = readFileSync(record, 'utf8');
    writeFileSync(record, text.replace(/"val.accuracy": [\d.]+/, '"val.accuracy": 2'));
    const ran = await cnnc('build', `${at('tiny.cnn')}:tuned`, '--runs', runs(), '-o', artifact);
    writeFileSync(record, text);
    expect(ran.code).toBe(0);
    rewrite('', '');
    return artifact;
  };
  /** All pictures are said to be of one class. */
  const evaluate = (artifact: string, label: number, ...more: readonly string[]) => {
    writeFileSync(
      at('given.npy'),
      npy(
        Array.from({ length: count }, () => label),
        [count],
      ),
    );
    return cnnc('eval', artifact, '--data', `npy:${at('images.npy')}`, '--labels', at('given.npy'), '--json', ...more);
  };
  const top1Of = (ran: Ran): number => Number(eventsOf(ran).find(({ type }) => type === 'summary')?.['top1']);

  it('hold in eval on the data that is given', async () => {
    const artifact = await artifactWith('val.accuracy >= 0%', 'val.accuracy >= 51%');
    const both = [await evaluate(artifact, 0), await evaluate(artifact, 1)];
    expect(both.map(top1Of).reduce((sum, top1) => sum + top1, 0)).toBe(1);
    expect(both.map(({ code }) => code)).toEqual(both.map((ran) => (top1Of(ran) >= 0.51 ? 0 : 4)));
    const worse = both.find(({ code }) => code === 4);
    expect(worse?.err).toMatch(
      /error\[E0801\]: tuned misses its budget `val\.accuracy >= 51%`\n +--> .*tiny\.cnn:26:3/,
    );
    const points = Number((51 - top1Of(worse ?? both[0] ?? { code: 0, out: '', err: '' }) * 100).toPrecision(3));
    expect(worse?.err).toContain(`${points} points under`);
  });

  it('compare the accuracy with that of another stage', async () => {
    const artifact = await artifactWith('drop(base) <= 100%', 'drop(base) < -1%');
    const base = at('base-alone');
    await cnnc('build', `${at('tiny.cnn')}:base`, '--runs', runs(), '-o', base);
    for (const label of [0, 1]) {
      // Of the other stage as well it is the data given here that counts.
      const reference = top1Of(await evaluate(base, label));
      for (const where of [
        ['--runs', runs()],
        ['--against', base],
      ]) {
        const ran = await evaluate(artifact, label, ...where);
        expect(ran.code).toBe(reference - top1Of(ran) < -0.01 ? 0 : 4);
        expect(eventsOf(ran)).toContainEqual({ type: 'metric', kind: 'reference', stage: 'base', accuracy: reference });
      }
    }
    const alone = await evaluate(artifact, 0, '--runs', at('nowhere'));
    expect(alone).toMatchObject({ code: 0, err: expect.stringContaining('`drop(base)` is not judged') });
  });

  it('hold in bench --assert', async () => {
    const artifact = await artifactWith('latency(p50) <= 1000s', 'latency(p99) <= 1us');
    expect(await cnnc('bench', artifact, '--iters', '3')).toMatchObject({ code: 0 });
    const ran = await cnnc('bench', artifact, '--iters', '3', '--assert');
    expect(ran.code).toBe(4);
    expect(ran.err).toMatch(
      /error\[E0801\]: tuned misses its budget `latency\(p99\) <= 1us`\n +--> .*tiny\.cnn:28:3\n/,
    );
    expect(ran.err).toMatch(/28 | {3}latency\(p99\) <= 1us\n/);
    expect(ran.err).toMatch(/it has [\d.]+ m?s, \d+% over/);
    expect((await cnnc('bench', artifact, '--iters', '3', '--assert', 'p50<=1000s')).code).toBe(4);
  });
});

describe('diff', () => {
  it('tables stages and artifacts with ratios to the first', async () => {
    const ran = await cnnc('diff', join(runs(), 'base'), join(runs(), 'tuned'), at('tuned'), '--json');
    expect(ran.code).toBe(0);
    const figures = eventsOf(ran).filter(({ kind }) => kind === 'figures');
    expect(figures.map(({ name }) => name)).toEqual(['base', 'tuned', 'tuned']);
    expect(figures.every(({ params, latency_p50_ms: latency }) => params === 126 && Number(latency) > 0)).toBe(true);
    const { ratios } = summaryOf(ran) as { ratios: Record<string, number>[] };
    expect(ratios).toHaveLength(2);
    expect(ratios[0]).toMatchObject({ params: 1, macs: 1, size: 1 });
    expect(ratios[0]).not.toHaveProperty('latency_p50_ms');
    const text = await cnnc('diff', join(runs(), 'base'), join(runs(), 'tuned'));
    expect(text.out).toMatch(/^params +126 +126 +the same$/m);
    expect(text.out).toMatch(/^accuracy +[\d.]+% +[\d.]+% +[-+\d.]+ points$/m);
    expect(text.out).toMatch(/^latency +[\d.]+ m?s +[\d.]+ m?s$/m);
    expect(text.err).toContain('npx cnnc bench A B measures artifacts that are built of them in turns');
  });

  it('refuses what is neither', async () => {
    expect(await cnnc('diff', at('.'), runs())).toMatchObject({ code: 3, err: expect.stringContaining('E0715') });
    expect(await cnnc('diff', runs())).toMatchObject({ code: 2 });
  });
});
