/** `cnnc bench` of a train directive: the step and its phases, on random data. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cnnc, summaryOf, tinySource } from './cnnc.ts';

const directives = `
dataset far { format = "npz"  path = "/nowhere.npz"  classes = 4 }
train base for Tiny { data = far  batch = 6  loss = cross_entropy()  optimizer = adamw(lr=1e-3)  ema = 0.9 }
train mixed for Tiny { data = far  loss = cross_entropy()  optimizer = sgd(lr=0.1)  augment { mixup(0.2) } }
`;

let folder = '';
const file = (): string => join(folder, 'net.cnn');
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnc-bench-'));
  writeFileSync(file(), tinySource + directives);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const flags = ['--iters', '5', '--warmup', '1'];

it('measures a step, its phases and its memory, without the data that the directive names', async () => {
  const ran = await cnnc('bench', `${file()}:base`, ...flags, '--json');
  expect(ran.code).toBe(0);
  const summary = summaryOf(ran) as Record<string, number>;
  expect(summary).toMatchObject({ batch: 6, iters: 5, adapter: expect.stringMatching(/./) });
  const { forward_ms = 0, backward_ms = 0, update_ms = 0, p50_ms = 0, first_ms = 0, arena_bytes = 0 } = summary;
  for (const figure of [forward_ms, backward_ms, update_ms, p50_ms, arena_bytes]) expect(figure).toBeGreaterThan(0);
  expect(first_ms).toBeGreaterThan(p50_ms);
  expect(summary['backward_to_forward']).toBeCloseTo(backward_ms / forward_ms, 9);
  expect(summary['throughput']).toBeCloseTo(6000 / p50_ms, 6);
  // The image alone takes more than this, and more samples take more.
  expect(arena_bytes).toBeGreaterThan(6 * 64 * 4 * 4);
  const larger = summaryOf(await cnnc('bench', `${file()}:base`, ...flags, '--batch', '24', '--json'));
  expect(larger['batch']).toBe(24);
  expect(Number(larger['arena_bytes'])).toBeGreaterThan(3 * arena_bytes);
});

it('feeds what a step with mixup reads, takes settings, and prints one table', async () => {
  const ran = await cnnc('bench', `${file()}:mixed`, ...flags, '--set', 'train.batch=3');
  expect(ran).toMatchObject({ code: 0, err: '' });
  expect(ran.out).toMatch(/^batch +3, 5 steps$/m);
  expect(ran.out).toMatch(/^forward \/ backward \/ update .* times forward$/m);
});

it('asserts its own figures', async () => {
  const target = `${file()}:base`;
  expect(await cnnc('bench', target, ...flags, '--assert', 'ratio>0', '--assert', 'arena<=1e9')).toMatchObject({
    code: 0,
  });
  const failed = await cnnc('bench', target, ...flags, '--assert', 'backward<=0.01us');
  expect(failed).toMatchObject({ code: 4, err: expect.stringContaining('error[E0802]') });
});

it('refuses what does not fit: two directives and no name, sizes, settings of an artifact', async () => {
  const path = file();
  expect(await cnnc('bench', path)).toMatchObject({ code: 2, err: expect.stringContaining('base, mixed') });
  expect(await cnnc('bench', `${path}:base`, '--shape', 'H=8')).toMatchObject({ code: 2 });
  expect(await cnnc('bench', join(folder, 'out'), '--set', 'train.batch=3')).toMatchObject({ code: 2 });
  expect(await cnnc('bench', join(folder, 'none.cnn'))).toMatchObject({ code: 3 });
});
