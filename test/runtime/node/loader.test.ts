/** Batches by worker threads, in a compiled copy of the runtime, since a thread cannot load TypeScript. */
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openLoader } from '../../../runtime/node/loader.ts';
import type { LoaderOptions } from '../../../runtime/node/loader.ts';
import { threadsAvailable } from '../../../runtime/node/loader-threads.ts';
import { allocateSharedCache, openSharedCache } from '../../../runtime/node/shared-cache.ts';
import { openTrainingData } from '../../../runtime/node/training-data.ts';
import type { DataSpec } from '../../../runtime/train/recipe.ts';
import type { LabelledPicture } from '../../../runtime/train/sample.ts';
import { faultOfAsync } from '../fault.ts';
import { compileCopy, copyRuntime } from '../runtime-copy.ts';
import { flatPng } from './png.ts';
import { temporaryFolder } from './temporary-folder.ts';

type Settings = Omit<LoaderOptions, 'data' | 'workers'>;

const synthetic: DataSpec = {
  name: 'shapes',
  format: 'synthetic',
  samples: 90,
  classes: 3,
  size: 16,
  split: { train: 70, val: 20, seed: 1 },
};

const settings: Settings = {
  split: 'train',
  mode: 'train',
  batch: 8,
  seed: 5,
  augment: [
    { kind: 'random_crop', size: 16, pad: 2 },
    { kind: 'horizontal_flip', p: 0.5 },
    { kind: 'color_jitter', strength: 0.3 },
    { kind: 'mixup', alpha: 0.4 },
  ],
  preprocess: [{ op: 'normalize', mean: [0.5], std: [0.25] }],
  input: { name: 'image', shape: [3, 16, 16] },
  target: { kind: 'class' },
};

/** What each thread count prints of some epochs: a hash of every tensor of every batch. */
const script = `
import { createHash } from 'node:crypto';
import { openLoader } from './dist/runtime/node/loader.js';
import { openTrainingData } from './dist/runtime/node/training-data.js';
const { spec, overrides, settings, workers, epochs, interrupt } = JSON.parse(process.argv[2]);
const data = await openTrainingData(spec, '.', overrides);
const loader = await openLoader({ ...settings, data, workers });
try {
  if (interrupt) for await (const batch of loader.epoch(9)) if (batch.index === 1) break;
  const hashes = [];
  for (const [epoch, from] of epochs) {
    for await (const { index, count, inputs } of loader.epoch(epoch, from)) {
      const hash = createHash('sha256');
      for (const [name, { shape, data }] of Object.entries(inputs)) hash.update(name + shape.join(',')).update(new Uint8Array(data.buffer));
      hashes.push([epoch, index, count, hash.digest('hex')]);
    }
  }
  console.log(JSON.stringify(hashes));
} catch (error) {
  console.log(JSON.stringify({ name: error.name, code: error.code, kind: error.kind, message: error.message, help: error.help }));
}
await loader.close();
await data.close();
`;

interface Run {
  readonly spec: DataSpec;
  readonly overrides?: { readonly target?: 'class' | 'mask' };
  readonly settings: Settings;
  readonly workers: number;
  readonly epochs: readonly (readonly [number, number])[];
  readonly interrupt?: true;
}

/** A compiled copy, and what runs the script in it: the process must end by itself. */
function compiled(): (run: Run) => unknown {
  const folder = copyRuntime({ withNode: true });
  expect(compileCopy(folder)).toBe('');
  writeFileSync(join(folder, 'load.mjs'), script);
  return (run) => {
    const { stdout, stderr, status } = spawnSync(process.execPath, ['load.mjs', JSON.stringify(run)], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 600_000,
    });
    expect([status, stderr]).toEqual([0, '']);
    return JSON.parse(stdout);
  };
}

async function hashesHere({ spec, overrides = {}, settings: given, epochs }: Run): Promise<unknown> {
  const data = await openTrainingData(spec, '.', overrides);
  onTestFinished(() => data.close());
  const loader = await openLoader({ ...given, data, workers: 0 });
  const hashes: unknown[] = [];
  for (const [epoch, from] of epochs) {
    for await (const { index, count, inputs } of loader.epoch(epoch, from)) {
      const hash = createHash('sha256');
      for (const [name, { shape, data: values }] of Object.entries(inputs)) {
        hash.update(name + shape.join(',')).update(new Uint8Array(values.buffer));
      }
      hashes.push([epoch, index, count, hash.digest('hex')]);
    }
  }
  return hashes;
}

describe('worker threads', () => {
  it('give the batches of one thread from any batch on, report faults as it does, and stop', async () => {
    const load = compiled();
    const run: Run = {
      spec: synthetic,
      settings,
      workers: 0,
      epochs: [
        [0, 0],
        [3, 2],
        [1, 0],
      ],
    };
    const expected = await hashesHere(run);
    expect(expected).toHaveLength(8 + 6 + 8);
    expect(load(run)).toEqual(expected);
    expect(load({ ...run, workers: 1 })).toEqual(expected);
    expect(load({ ...run, workers: 2, interrupt: true })).toEqual(expected);
    // No room for samples, so that each is read in every epoch.
    expect(load({ ...run, workers: 2, settings: { ...settings, cacheBytes: 2000 } })).toEqual(expected);

    const evaluated: Run = {
      spec: synthetic,
      overrides: { target: 'mask' },
      settings: { ...settings, split: 'val', mode: 'evaluate', target: { kind: 'mask' } },
      workers: 2,
      epochs: [[0, 0]],
    };
    expect(load(evaluated)).toEqual(await hashesHere(evaluated));

    const png = flatPng(16, 16, [0, 0, 0]);
    // Head and tail are whole, which is all that is looked at before an epoch begins.
    const damaged = Buffer.from(png);
    const pixels = damaged.indexOf('IDAT') + 8;
    damaged.fill(0, pixels, pixels + 4);
    const folder = temporaryFolder({ 'a/1.png': png, 'a/2.png': damaged, 'b/1.png': png, 'b/2.png': png });
    const spec: DataSpec = { name: 'p', format: 'image-folder', path: folder, split: { train: 4, seed: 0 } };
    const failing: Run = { spec, settings: { ...settings, batch: 2, augment: [] }, workers: 1, epochs: [[0, 0]] };
    const fault = {
      name: 'RuntimeFault',
      code: 'E0713',
      kind: 'input',
      message: `cannot decode ${join(folder, 'a/2.png')}: its data is damaged, or a part of it is missing`,
    };
    expect(load(failing)).toEqual(fault);
    expect(load({ ...failing, workers: 0 })).toEqual(fault);
  });
});

describe('openLoader', () => {
  it('says what does not fit before a thread is started', async () => {
    const data = await openTrainingData(synthetic, '.');
    const fault = (change: Partial<Settings>) => faultOfAsync(() => openLoader({ ...settings, data, ...change }));
    expect(await fault({ split: 'test' })).toBe('E0719: the data has no test split');
    expect(await fault({ batch: 71 })).toMatch(
      /^E0719: the training split of the synthetic data has 70 samples, fewer than/,
    );
    expect(await fault({ input: { name: 'x', shape: [3, 32, 32] } })).toMatch(/^E0906: .* is 16x16/);
    expect(await fault({})).toBe('no fault');
  });

  it('works without threads where they cannot be had', () => {
    expect(threadsAvailable).toBe('typescript' in process.features && process.features.typescript !== false);
  });
});

describe('the shared cache', () => {
  const bytes: LabelledPicture = {
    picture: { width: 3, height: 2, channels: 3, data: Uint8Array.from({ length: 18 }, (_, at) => at) },
    target: { kind: 'mask', mask: { width: 3, height: 2, data: Uint8Array.of(1, 2, 3, 4, 5, 6) } },
  };
  const floats: LabelledPicture = {
    picture: { width: 1, height: 2, channels: 2, data: Float32Array.of(1.5, -2, 3, 4) },
    target: { kind: 'class', label: 7 },
  };

  it('gives back what was put in, in any thread that opens it', () => {
    const memory = allocateSharedCache(3, 1000);
    const cache = openSharedCache(memory);
    cache.put(2, bytes);
    cache.put(0, floats);
    for (const each of [cache, openSharedCache(memory)]) {
      expect([each.get(0), each.get(1), each.get(2)]).toEqual([floats, undefined, bytes]);
    }
  });

  it('keeps no more than there is room for', () => {
    const cache = openSharedCache(allocateSharedCache(3, 48));
    cache.put(0, bytes);
    cache.put(1, bytes);
    cache.put(2, floats);
    expect([cache.get(0), cache.get(1), cache.get(2)]).toEqual([bytes, undefined, floats]);
  });
});
