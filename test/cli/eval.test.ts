/** `cnnc eval`: accuracy of known pictures, data that will not do, assertions. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sealManifest } from '../../runtime/files/seal.ts';
import { cnnc, coloursSource, eventsOf, npy, plainPng, summaryOf, type Rgb } from './cnnc.ts';

const pictures: readonly (readonly [string, Rgb, number])[] = [
  ['a.png', [200, 10, 10], 0],
  ['b.png', [10, 200, 10], 1],
  ['c.png', [10, 10, 200], 2],
  // Wrong on purpose: blue, said to be red.
  ['d.png', [10, 10, 200], 0],
];

let folder = '';
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cnnc-eval-'));
  writeFileSync(at('colours.cnn'), coloursSource);
  writeFileSync(at('labels.txt'), 'red\ngreen\nblue\n');
  for (const [name, colour] of pictures) writeFileSync(at(name), plainPng(colour));
  writeFileSync(at('list.txt'), pictures.map(([name, , label]) => `${name} ${label}\n`).join(''));
  const ran = await cnnc('build', at('colours.cnn'), '-o', at('out'));
  expect(ran.code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const evaluate = (...flags: readonly string[]) =>
  cnnc('eval', at('out'), '--data', `image-folder:${folder}`, '--labels', at('list.txt'), ...flags);

it('counts the best class, and no best five of three', async () => {
  const ran = await evaluate('--json');
  expect(ran.code).toBe(0);
  expect(summaryOf(ran)).toEqual(expect.objectContaining({ top1: 0.75, samples: 4 }));
  expect(summaryOf(ran)).not.toHaveProperty('top5');
  expect(await evaluate()).toMatchObject({
    out: expect.stringMatching(/^top-1 75\.00% \(3 of 4\), [\d.]+ images\/s\n/),
  });
});

it('tells of every class how many of it were found, what was taken for what, and where the model was surest', async () => {
  const ran = await evaluate('--confusion', '--worst', '3');
  const lines = ran.out.split('\n').map((line) => line.trim().replaceAll(/ +/g, ' '));
  expect(lines.slice(1)).toEqual([
    '',
    'class samples precision recall',
    'red 2 100.0% 50.0%',
    'green 1 100.0% 100.0%',
    'blue 1 50.0% 100.0%',
    '',
    'is \\ taken for red green blue',
    'red 1 . 1',
    'green . 1 .',
    'blue . . 1',
    '',
    'probability is taken for sample',
    expect.stringMatching(/^\d+\.\d\d% red blue .*d\.png$/),
    '',
  ]);
  const events = eventsOf(await evaluate('--confusion', '--worst', '3', '--json'));
  const of = (kind: string) => events.filter((each) => each['kind'] === kind);
  expect(of('class').map(({ name, count, precision, recall }) => [name, count, precision, recall])).toEqual([
    ['red', 2, 1, 0.5],
    ['green', 1, 1, 1],
    ['blue', 1, 0.5, 1],
  ]);
  expect(of('confusion')).toMatchObject([
    {
      names: ['red', 'green', 'blue'],
      rows: [
        [1, 0, 1],
        [0, 1, 0],
        [0, 0, 1],
      ],
    },
  ]);
  // softmax of the scores (mean / 255 - 0.5) / 0.1 of the blue picture.
  const scores = [10, 10, 200].map((value) => Math.exp((value / 255 - 0.5) / 0.1));
  const probability = (scores[2] ?? 0) / scores.reduce((sum, value) => sum + value, 0);
  expect(of('mistake')).toMatchObject([{ label: 'red', found: 'blue', probability: expect.closeTo(probability, 5) }]);
});

it('refuses an artifact whose names of classes are more than a line of text', async () => {
  cpSync(at('out'), at('odd'), { recursive: true });
  const written = JSON.parse(readFileSync(at('odd/manifest.json'), 'utf8')) as ReturnType<typeof sealManifest>;
  const { digest: _, files, ...manifest } = written as typeof written & { preprocess: object };
  const preprocess = { ...manifest.preprocess, labels: ['red', 'green\u001b[2J', 'blue'] };
  writeFileSync(at('odd/manifest.json'), JSON.stringify(sealManifest({ ...manifest, preprocess }, files)));
  const ran = await cnnc('eval', at('odd'), '--data', `image-folder:${folder}`, '--labels', at('list.txt'));
  expect(ran).toMatchObject({ code: 3, err: expect.stringMatching(/E0715.* not valid at preprocess\.labels\.1: /) });
});

it.skipIf(process.platform === 'win32')('names files in one line, whatever they are called', async () => {
  const name = 'a\n\u001b[31mb.png';
  mkdirSync(at('named/red'), { recursive: true });
  mkdirSync(at('named/green'));
  mkdirSync(at('named/blue'));
  writeFileSync(at(`named/red/${name}`), plainPng([10, 10, 200]));
  const data = ['eval', at('out'), '--data', `image-folder:${at('named')}`, '--worst', '1'];
  expect((await cnnc(...data)).out).toMatch(/\n *\d+\.\d\d% +red +blue +.*a\ufffd\ufffd\[31mb\.png\n$/);
  writeFileSync(at(`named/red/${name}`), 'nothing');
  const ran = await cnnc(...data);
  expect(ran).toMatchObject({ code: 3, out: '' });
  expect(ran.err).toMatch(/(?:^|\n)error\[E0713\]: cannot decode .*a\ufffd\ufffd\[31mb\.png: it is .*\n$/);
});

it('gives the same figures for every batch, and stops at the limit', async () => {
  expect(summaryOf(await evaluate('--json', '--batch', '3'))).toMatchObject({ top1: 0.75, samples: 4 });
  expect(summaryOf(await evaluate('--json', '--batch', '1', '--limit', '3'))).toMatchObject({ top1: 1, samples: 3 });
});

it('tells of classes that a limit leaves out', async () => {
  expect((await evaluate('--limit', '3')).err).not.toContain('note');
  const one = await evaluate('--limit', '1');
  expect(one.err).toContain(
    'note: --limit takes the first of the samples, and these are all of red, none of green, blue: leave it',
  );
  const data = ['--data', `image-folder:${folder}`, '--labels', at('list.txt')];
  const two = await cnnc('compare', at('out'), at('out'), ...data, '--limit', '2');
  expect(two.err).toContain('and these are of 2 of the 3 classes, none of blue: ');
});

it('takes tensors as they are', async () => {
  const values = [
    [1, 0, 0],
    [0, 0, 1],
  ].flatMap((colour) => colour.flatMap((value) => Array.from({ length: 16 }, () => value)));
  writeFileSync(at('x.npy'), npy(values, [2, 3, 4, 4]));
  writeFileSync(at('labels.npy'), npy([0, 1], [2]));
  const ran = await cnnc('eval', at('out'), '--data', `npy:${at('x.npy')}`, '--labels', at('labels.npy'), '--json');
  expect(ran).toMatchObject({ code: 0, err: 'data: 2 samples (2 classes of 1)\n' });
  expect(summaryOf(ran)).toMatchObject({ top1: 0.5, samples: 2 });
});

describe('--assert', () => {
  it('passes and fails with exit code 4, after the figures', async () => {
    const passed = await evaluate('--assert', 'top1>=75%', '--assert', 'samples==4');
    expect(passed).toMatchObject({ code: 0, err: expect.stringMatching(/^data: 4 pictures .*\n$/) });
    const failed = await evaluate('--assert', 'top1>0.75', '--assert', 'top1 <= 0.9', '--json');
    expect(failed.code).toBe(4);
    expect(failed.err).toMatch(/^data: .*\nerror\[E0802\]: an assertion fails: top1>0\.75 \(it is 0\.75\)\n$/);
    expect(eventsOf(failed).find(({ type }) => type === 'summary')).toMatchObject({ top1: 0.75 });
  });

  it.each([
    [
      'top1>=90',
      "'top1>=90' never holds: top1 lies between 0 and 1, which is 0% to 100%",
      'write top1>=90% or top1>=0.9',
    ],
    ['top1 > 97.5', "'top1 > 97.5' never holds: ", 'write top1>97.5% or top1>0.975'],
    ['top1==80', "'top1==80' never holds: ", 'write top1==80% or top1==0.8'],
    ['top1<=90', "'top1<=90' always holds: ", 'write top1<=90% or top1<=0.9'],
    ['top1>=-1', "'top1>=-1' always holds: ", 'see npx cnnc eval --help'],
    ['top1<0', "'top1<0' never holds: ", 'see npx cnnc eval --help'],
    ['top1>=9000%', "'top1>=9000%' never holds: ", 'write top1>=90% or top1>=0.9'],
  ])('refuses %s, which decides nothing', async (text, message, help) => {
    const ran = await evaluate('--assert', text);
    expect(ran).toMatchObject({ code: 2, out: '', err: expect.stringContaining(`error[E0001]: ${message}`) });
    expect(ran.err).toContain(`help: ${help}\n`);
  });

  it('takes limits at the ends, which decide something', async () => {
    const ends = ['top1>=1', 'top1<=0', 'top1==0.5', 'top1>=0', 'top1<100%'].flatMap((text) => ['--assert', text]);
    expect((await evaluate(...ends)).err).toContain(
      'E0802]: assertions fail: top1>=1 (it is 0.75), top1<=0 (it is 0.75), top1==0.5 (it is 0.75)\n',
    );
  });

  it.each(['top1', 'top1>=', 'top1=>0.9', 'top9>=1', 'top1>=5ms'])('refuses %s before anything runs', async (text) => {
    expect(await evaluate('--assert', text)).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('error[E0001]'),
    });
  });
});

it.each([
  ['no data', [], 2, /required option '--data <format:path>' not specified/],
  [
    'an unknown format',
    ['--data', 'coco:x'],
    2,
    /^error\[E0714\]: .*\nhelp: .*cifar-binary, csv, idx, image-folder, npy/,
  ],
  ['data that is not there', ['--data', 'cifar-binary:nothing'], 3, /^error\[E0710\]/],
  ['a wrong number', ['--data', 'npy:x', '--limit', '0'], 2, /--limit takes an integer of at least 1, not '0'/],
])('refuses %s', async (_, flags, code, message) => {
  expect(await cnnc('eval', at('out'), ...flags)).toMatchObject({ code, out: '', err: expect.stringMatching(message) });
});

it('refuses labels beyond the classes of the model', async () => {
  writeFileSync(at('far.txt'), 'a.png 3\n');
  const ran = await cnnc('eval', at('out'), '--data', `image-folder:${folder}`, '--labels', at('far.txt'));
  expect(ran).toMatchObject({ code: 3, err: expect.stringContaining('error[E0714]') });
});
