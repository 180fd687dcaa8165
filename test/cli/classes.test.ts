/** Names of classes on their way: from folders through a training and its weights into artifacts, `eval` and `run`. */
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { imageModel } from '../../compiler/cli/image-model.ts';
import { readArtifact } from '../../runtime/node/read-artifact.ts';
import { encodeSafetensors, parseSafetensors } from '../../runtime/files/safetensors.ts';
import { fromFloat32 } from '../../runtime/files/stored-tensor.ts';
import { faultOf } from '../runtime/fault.ts';
import { temporaryFolder } from '../runtime/node/temporary-folder.ts';
import { cnnc, npy, plainPng, summaryOf, type Ran, type Rgb } from './cnnc.ts';

const colours: Readonly<Record<string, Rgb>> = { ant: [200, 20, 20], mouse: [20, 200, 20], zebra: [20, 20, 200] };

/** Folders of eight pictures each, of the colour of a class. */
const pictures = (folder: string, names: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(names).flatMap(([name, of]) =>
      Array.from({ length: 8 }, (_, at) => [
        `${folder}/${name}/${at}.png`,
        plainPng((colours[of] ?? [0, 0, 0]).map((value) => value + at) as unknown as Rgb, 16),
      ]),
    ),
  );
const all = { ant: 'ant', mouse: 'mouse', zebra: 'zebra' };

/** Scores are ten times the mean red, green and blue. */
const weights = encodeSafetensors(
  new Map([
    ['fc.weight', fromFloat32(Float32Array.of(10, 0, 0, 0, 10, 0, 0, 0, 10), [3, 3])],
    ['fc.bias', fromFloat32(new Float32Array(3), [3])],
  ]),
);

const model = (classes = 3) =>
  `model M(x: f32[N, 3, 16, 16]) -> f32[N, ${classes}] { return x |> global_avg_pool |> flatten |> fc: linear(${classes}) }\n`;
const training = (labels = '', epochs = 4) => `
dataset d { format = "image-folder"  path = "data"  ${labels} split { train = 16  val = 8  seed = 1 } }
train base for M { data = d  epochs = ${epochs}  batch = 4  optimizer = sgd(lr=0.5)  loss = cross_entropy() }
`;
const named = (file: string) => `preprocess for M { labels = "${file}" }\n`;

function shopOf(files: Readonly<Record<string, string | Uint8Array>>) {
  const folder = temporaryFolder({ ...pictures('data', all), 'w.safetensors': weights, ...files });
  return (name: string): string => join(folder, name);
}

async function built(at: (name: string) => string, target: string, ...flags: readonly string[]): Promise<string> {
  const ran = await cnnc('build', at(target), '-o', at('out'), '--runs', at('runs'), ...flags);
  expect([ran.code, ran.code === 0 ? '' : ran.err]).toEqual([0, '']);
  return at('out');
}

const figures = (ran: Ran) => (ran.code === 0 ? summaryOf(ran) : ran);
const trained = (at: (name: string) => string, file: string, ...flags: readonly string[]) =>
  cnnc('train', at(file), '-o', at('runs/base'), ...flags);

describe('an artifact of a network of three colours', () => {
  it('has the names of the folders that it was made for, and meets others by name', async () => {
    const at = shopOf({
      'm.cnn': `${model()}${training()}`,
      ...pictures('two', { ant: 'ant', zebra: 'zebra' }),
      ...pictures('capital', { Ant: 'ant', mouse: 'mouse', Zebra: 'zebra' }),
    });
    const artifact = await built(at, 'm.cnn', '--weights', at('w.safetensors'));
    expect((await cnnc('run', artifact, at('data/zebra/0.png'), '--top', '1')).out).toMatch(/zebra$/m);
    const evaluate = (folder: string) => cnnc('eval', artifact, '--data', `image-folder:${at(folder)}`, '--json');
    expect(figures(await evaluate('data'))).toMatchObject({ top1: 1, samples: 24 });
    const part = await evaluate('two');
    expect(figures(part)).toMatchObject({ top1: 1, samples: 16 });
    expect(part.err).toContain('note: the data has no mouse of M; the other classes are matched by name\n');
    expect(await evaluate('capital')).toMatchObject({
      code: 3,
      err: expect.stringContaining('only the data has the classes Ant, Zebra; only M has ant, zebra'),
    });
  });

  it('is not made with names for more or fewer scores, and none that was made is believed', async () => {
    const at = shopOf({
      'four.cnn': `${model()}${named('four.txt')}`,
      'three.cnn': `${model()}${named('three.txt')}`,
      'four.txt': 'ant\nmouse\nzebra\nowl\n',
      'three.txt': '\uFEFFant\r\n\r\n mouse\t\r\nzebra',
    });
    const refused = await cnnc('build', at('four.cnn'), '--weights', at('w.safetensors'), '-o', at('out'));
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('ant, mouse, zebra, owl; M gives 3') });
    const artifact = await built(at, 'three.cnn', '--weights', at('w.safetensors'));
    const { manifest } = await readArtifact(artifact);
    expect(manifest.preprocess?.labels).toEqual(['ant', 'mouse', 'zebra']);
    // What `run` and `eval` take an artifact for.
    const labels = ['ant', 'mouse', 'zebra', 'owl'];
    const changed = { ...manifest, preprocess: { steps: [], labels } };
    expect(faultOf(() => imageModel({ manifest: changed }))).toBe(
      'E0714: the artifact has ant, mouse, zebra, owl; M gives 3',
    );
  });

  it('is warned of where two of its classes have one name, by its own list and by that of the data', async () => {
    const at = shopOf({
      'own.cnn': `${model()}${named('twice.txt')}`,
      'data.cnn': `${model()}dataset d { format = "npy"  path = "x.npy"  labels = "twice.txt"  split { train = 2  val = 1 } }
train base for M { data = d  epochs = 1  batch = 1  optimizer = sgd(lr=0.5)  loss = cross_entropy() }\n`,
      'x.npy': npy(
        Array.from({ length: 3 * 768 }, (_, index) => Math.sin(index)),
        [3, 3, 16, 16],
      ),
      'labels.npy': npy([0, 1, 2], [3]),
      'twice.txt': 'crane\nmouse\ncrane\n',
    });
    for (const [file, who] of [
      ['own.cnn', at('twice.txt')],
      ['data.cnn', 'the data d'],
    ] as const) {
      const ran = await cnnc('check', at(file));
      expect(ran).toMatchObject({ code: 0 });
      expect(ran.err).toContain(`warning[W0019]: ${who} calls two classes crane, 0 and 2\n`);
    }
  });

  it('is not made, trained or checked with data of another number of classes', async () => {
    const at = shopOf({ 'm.cnn': `${model(4)}${training()}` });
    const message = 'the data has ant, mouse, zebra; M gives 4';
    const checked = await cnnc('check', at('m.cnn'));
    expect(checked).toMatchObject({ code: 1, err: expect.stringContaining(`error[E0605]: ${message}`) });
    expect(await trained(at, 'm.cnn')).toMatchObject({
      code: 3,
      err: expect.stringContaining(`error[E0714]: ${message}`),
    });
    const random = await cnnc('build', at('m.cnn'), '--weights', 'random', '-o', at('out'));
    expect(random).toMatchObject({ code: 3, err: expect.stringContaining(message) });
  });
});

describe('a training', () => {
  it.each([
    ['the model', '', named('labels.txt'), ['zebra', 'ant', 'mouse']],
    ['the data', 'labels = "labels.txt"', '', ['ant', 'mouse', 'zebra']],
    ['both', 'labels = "labels.txt"', named('labels.txt'), ['zebra', 'ant', 'mouse']],
  ])('keeps names through its weights where a file for %s has another order', async (_, ofData, ofModel, names) => {
    const at = shopOf({ 'm.cnn': `${model()}${training(ofData)}${ofModel}`, 'labels.txt': 'zebra\nant\nmouse\n' });
    expect((await trained(at, 'm.cnn')).code).toBe(0);
    const best = at('runs/base/best.safetensors');
    expect(parseSafetensors(readFileSync(best)).metadata.get('class_names')).toBe(JSON.stringify(names));
    for (const [target, ...flags] of [['m.cnn:base'], ['m.cnn', '--weights', best]] as const) {
      const artifact = await built(at, target, ...flags);
      expect((await cnnc('run', artifact, at('data/ant/0.png'), '--top', '1')).out).toMatch(/ant$/m);
      const ran = await cnnc('eval', artifact, '--data', `image-folder:${at('data')}`, '--json');
      expect(figures(ran)).toMatchObject({ top1: 1, samples: 24 });
    }
  });

  it('that was elsewhere leaves names to the source, which is told where the data has another order', async () => {
    const at = shopOf({
      'm.cnn': `${model()}${training()}${named('labels.txt')}`,
      'labels.txt': 'zebra\nant\nmouse\n',
    });
    const ran = await cnnc('build', at('m.cnn'), '--weights', at('w.safetensors'), '-o', at('out'));
    expect(ran).toMatchObject({ code: 0, err: expect.stringContaining('score 0 is called zebra, as the source says') });
    // These weights have learnt another order: that none is right cannot stay hidden.
    const wrong = await cnnc('eval', at('out'), '--data', `image-folder:${at('data')}`, '--json');
    expect(figures(wrong)).toMatchObject({ top1: 0, samples: 24 });
  });

  it('gives weights that keep their own order, and none to a model of other classes', async () => {
    const at = shopOf({
      'm.cnn': `${model()}${training()}`,
      'turned.cnn': `${model()}${named('turned.txt')}`,
      'other.cnn': `${model()}${named('other.txt')}`,
      'turned.txt': 'zebra\nant\nmouse\n',
      'other.txt': 'Ant\nmouse\nzebra\n',
    });
    expect((await trained(at, 'm.cnn')).code).toBe(0);
    const best = ['--weights', at('runs/base/best.safetensors')];
    const artifact = await built(at, 'turned.cnn', ...best);
    expect((await cnnc('run', artifact, at('data/ant/0.png'), '--top', '1')).out).toMatch(/ant$/m);
    expect(await cnnc('build', at('other.cnn'), ...best, '-o', at('out'))).toMatchObject({
      code: 3,
      err: expect.stringContaining('only the list of classes of M has the class Ant; only'),
    });
  });

  it('does not go on where a folder has another name', async () => {
    const at = shopOf({ 'm.cnn': `${model()}${training()}`, 'more.cnn': `${model()}${training('', 6)}` });
    expect((await trained(at, 'm.cnn')).code).toBe(0);
    // What is over is no run to go on with: only its checkpoints are left.
    renameSync(at('runs/base/stage.json'), at('stage.json'));
    renameSync(at('data/ant'), at('data/Ant'));
    const resumed = await trained(at, 'more.cnn', '--resume');
    expect(resumed).toMatchObject({
      code: 3,
      err: expect.stringContaining('the classes are Ant, mouse, zebra and were ant, mouse, zebra'),
    });
  });

  it('says which classes have no sample, and runs', async () => {
    const at = shopOf({
      'm.cnn': `${model(4)}${training()}${named('four.txt')}`,
      'four.txt': 'ant\nmouse\nowl\nzebra\n',
    });
    mkdirSync(at('x'));
    const ran = await trained(at, 'm.cnn');
    expect(ran.code).toBe(0);
    expect(ran.err).toContain('note: the data has no owl of M; the other classes are matched by name');
  });
});

it('a comparison on data goes by names', async () => {
  const turned = encodeSafetensors(
    new Map([
      // The same network with its scores in the order zebra, ant, mouse.
      ['fc.weight', fromFloat32(Float32Array.of(0, 0, 10, 10, 0, 0, 0, 10, 0), [3, 3])],
      ['fc.bias', fromFloat32(new Float32Array(3), [3])],
    ]),
  );
  const at = shopOf({
    'a.cnn': `${model()}${named('a.txt')}`,
    'b.cnn': `${model()}${named('b.txt')}`,
    'c.cnn': `${model()}${named('c.txt')}`,
    'a.txt': 'ant\nmouse\nzebra\n',
    'b.txt': 'zebra\nant\nmouse\n',
    'c.txt': 'zebra\nAnt\nmouse\n',
    'turned.safetensors': turned,
  });
  for (const [name, file] of [
    ['a', 'w'],
    ['b', 'turned'],
    ['c', 'turned'],
  ])
    await cnnc('build', at(`${name}.cnn`), '--weights', at(`${file}.safetensors`), '-o', at(`out-${name}`));
  const data = ['--data', `image-folder:${at('data')}`, '--json'];
  expect(figures(await cnnc('compare', at('out-a'), at('out-b'), ...data))).toMatchObject({
    agreement: 1,
    largest: 0,
    samples: 24,
  });
  expect(await cnnc('compare', at('out-a'), at('out-c'), ...data)).toMatchObject({
    code: 3,
    err: expect.stringContaining('only the artifact has the class ant; only the reference has Ant'),
  });
});
