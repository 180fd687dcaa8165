/** Checkpoint files: what is written comes back, and any damage is noticed. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { fromFloat32 } from '../../../runtime/files/stored-tensor.ts';
import { encodeSafetensors, parseSafetensors } from '../../../runtime/files/safetensors.ts';
import {
  checkContinues,
  decodeCheckpoint,
  encodeCheckpoint,
  type Checkpoint,
} from '../../../runtime/train/checkpoint.ts';
import { recipeChanges } from '../../../runtime/train/recipe-changes.ts';
import { shapesOf } from '../../../runtime/train/state-tensors.ts';
import { train } from '../../../runtime/train/loop/trainer.ts';
import { faultOf, faultOfAsync } from '../fault.ts';
import { lastCheckpoint, tinyRecipe, tinyTraining, tinyVectors } from './tiny-training.ts';

let checkpoint: Checkpoint;
let bytes: Uint8Array;

beforeAll(async () => {
  const monitor = { monitor: 'val.loss', mode: 'min' } as const;
  const earlyStop = { ...monitor, patience: 5, minDelta: 0, startFromEpoch: 0, restoreBest: true };
  const tiny = tinyTraining({ recipe: tinyRecipe({ earlyStop }) });
  await train(tiny.options);
  checkpoint = await lastCheckpoint(tiny.kept);
  bytes = await encodeCheckpoint(checkpoint);
});

describe('a file', () => {
  it('comes back as it was, and gives the same bytes again', async () => {
    const back = await decodeCheckpoint(bytes);
    expect(back).toEqual(checkpoint);
    expect(back.restorable?.size).toBe(5);
    expect(await encodeCheckpoint(back)).toEqual(bytes);
  });

  it('is one that safetensors readers open, with PyTorch names and a hash of the recipe', () => {
    const { tensors, metadata } = parseSafetensors(bytes);
    expect([...tensors.keys()]).toEqual(
      expect.arrayContaining(['fc.weight', 'bn.running_mean', 'optim.momentum', 'early_stop/fc.weight']),
    );
    expect(metadata.get('recipe_hash')).toMatch(/^[0-9a-f]{64}$/);
  });

  it('keeps NaN of the history', async () => {
    const [first] = checkpoint.state.history;
    const history = [{ ...first!, values: { ...first!.values, 'val.loss': NaN } }];
    const state = { ...checkpoint.state, history };
    expect((await decodeCheckpoint(await encodeCheckpoint({ ...checkpoint, state }))).state).toEqual(state);
  });

  it('cannot be mistaken where a tensor is called as early stopping calls its own', async () => {
    const tensors = new Map([['early_stop/x', { shape: [1], data: Float32Array.of(1) }]]);
    expect(await faultOfAsync(() => encodeCheckpoint({ ...checkpoint, tensors }))).toMatch(/^E0716/);
  });
});

describe('damage', () => {
  it('cut off anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (length) => {
        expect(await faultOfAsync(() => decodeCheckpoint(bytes.subarray(0, length)))).toMatch(/^E0716: /);
      }),
    );
  });

  it('any bit, but for those that say nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (at, bit) => {
        const changed = bytes.slice();
        changed[at]! ^= 1 << bit;
        const read = await decodeCheckpoint(changed).catch((error: { code: string }) => error.code);
        // White space around the header may change without a change of meaning.
        if (read !== 'E0716') expect(read).toEqual(checkpoint);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['format', 'something', 'E0716: the file is no checkpoint'],
    ['version', '2', 'E0716: the checkpoint has version 2, and this is for version 1'],
    ['model', 'other', 'E0716: the checksum does not fit'],
    ['checksum', '0', 'E0716: the checksum does not fit'],
  ])('another %s', async (key, value, fault) => {
    const { tensors, metadata } = parseSafetensors(bytes);
    const changed = encodeSafetensors(tensors, new Map(metadata).set(key, value));
    expect(await faultOfAsync(() => decodeCheckpoint(changed))).toBe(fault);
  });

  it('a file that is something else', async () => {
    const weights = encodeSafetensors(new Map([['x', fromFloat32(Float32Array.of(1), [1])]]));
    expect(await faultOfAsync(() => decodeCheckpoint(weights))).toBe('E0716: the file is no checkpoint');
  });
});

describe('going on', () => {
  const shapes = shapesOf(tinyVectors);
  const go = (more: Partial<Parameters<typeof checkContinues>[1]>): string =>
    faultOf(() => checkContinues(checkpoint, { recipe: checkpoint.recipe, model: 'tiny', shapes, ...more }));

  it('is possible with the same recipe, network and tensors', () => {
    expect(go({})).toBe('no fault');
  });

  it('is refused with another network', () => {
    expect(go({ model: 'other' })).toBe(
      'E0717: the run cannot go on from its checkpoint: network, loss or optimizer are not the same, ' +
        'or another version of cnnc has compiled them',
    );
    expect(go({ shapes: new Map([...shapes, ['fc.bias', [4]]]) })).toContain('tensor fc.bias is [4] and was [3]');
    expect(go({ shapes: new Map([...shapes].slice(1)) })).toContain('tensor fc.weight is absent and was [3, 4]');
    expect(go({ shapes: new Map([...shapes, ['new', [1]]]) })).toContain('tensor new is [1] and was absent');
  });

  it('names a few of many changes', () => {
    const recipe = tinyRecipe({ lr: 1, batch: 2, seed: 3, momentum: 0, metrics: ['dice'] });
    expect(go({ recipe })).toMatch(/; 2 more$/);
  });
});

describe('changes of a recipe', () => {
  const recipe = tinyRecipe();
  const namedAs = (names: string[]) => ({ ...recipe, target: { ...recipe.target, names } });
  const exponential = tinyRecipe({ schedule: { base: { kind: 'exponential', gamma: 0.9, unit: 'epoch' } } });

  it.each([
    ['nothing', recipe, structuredClone(recipe), []],
    ['what JSON leaves out', recipe, JSON.parse(JSON.stringify({ ...recipe, earlyStop: undefined })), []],
    [
      'a number deep inside',
      exponential,
      { ...exponential, schedule: { base: { ...exponential.schedule.base, gamma: 0.8 } } },
      ['schedule.base.gamma is 0.8 and was 0.9'],
    ],
    ['a list', recipe, { ...recipe, metrics: [] }, ['metrics is [] and was ["accuracy"]']],
    ['a setting that was not given', recipe, { ...recipe, momentum: undefined }, ['momentum is not given and was 0.9']],
    [
      'names of classes',
      namedAs(['ant', 'bee']),
      namedAs(['Ant', 'bee']),
      ['the classes are Ant, bee and were ant, bee'],
    ],
    ['the same names of classes', namedAs(['ant', 'bee']), namedAs(['ant', 'bee']), []],
    ['a path', recipe, { ...recipe, data: { ...recipe.data, path: 'elsewhere' } }, []],
    ['what is kept', recipe, { ...recipe, checkpoint: { ...recipe.checkpoint, keep: 9 } }, []],
    ['more epochs', exponential, { ...exponential, epochs: 9 }, []],
    [
      'more epochs under a schedule of the whole run',
      recipe,
      { ...recipe, epochs: 9 },
      ['epochs is 9 and was 4, and the schedule of the rate stretches over all of them'],
    ],
  ] as const)('%s', (_, saved, now, changes) => {
    expect(recipeChanges(saved, now)).toEqual(changes);
  });
});
