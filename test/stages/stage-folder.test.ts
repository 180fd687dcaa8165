/** What a stage's folder holds: whole tensors for other readers of safetensors, and sparse ones where weights were pruned. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readStageFolder, readStageWeights, writeStageFolder } from '../../compiler/stages/run/stage-folder.ts';
import type { StagedModel } from '../../compiler/stages/run/staged-model.ts';
import { makeGraph } from '../../compiler/ir/node.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import { parseSafetensors } from '../../runtime/files/safetensors.ts';
import { toFloat32 } from '../../runtime/files/stored-tensor.ts';
import { temporaryFolder } from '../runtime/node/temporary-folder.ts';

const tensor = (values: readonly number[]): Tensor => ({
  dtype: 'f32',
  shape: [values.length],
  data: Float32Array.from(values),
});
const weights = new Map([
  ['fc.weight', tensor([1, 2, 3, 4])],
  ['fc.bias', tensor([0, 0, 0, 0])],
  ['bn.running_mean', tensor([0, 0, 0, 1])],
]);
const model: StagedModel = {
  name: 'M',
  source: 'm.cnn',
  graph: makeGraph({}),
  parameters: [],
  weights,
  guards: [],
};
const identity = { compiler: '', source: '', settings: {}, data: '', upstream: '', teacher: '' };

async function written(isSparse: boolean) {
  const path = join(temporaryFolder({}), 'stage');
  const record = { name: 'base', word: 'train' as const, hash: '', identity, figures: {}, isSparse };
  await writeStageFolder(path, model, 'graph', record);
  const file = parseSafetensors(readFileSync(join(path, 'best.safetensors')));
  const folder = await readStageFolder(path);
  const read = folder && (await readStageWeights(folder));
  expect(new Map([...(read ?? [])].map(([name, each]) => [name, [...toFloat32(each)]]))).toEqual(
    new Map([...weights].map(([name, { data }]) => [name, [...data]])),
  );
  return file;
}

it('has whole tensors where nothing was pruned, zeros among them', async () => {
  const { tensors, metadata } = await written(false);
  expect(new Set(tensors.keys())).toEqual(new Set(weights.keys()));
  expect([...metadata]).toEqual([['format', 'pt']]);
});

it('has bitmaps and values where weights were pruned', async () => {
  const { tensors } = await written(true);
  expect(new Set(tensors.keys())).toEqual(
    new Set(['fc.weight', 'fc.bias.bitmap', 'fc.bias.values', 'bn.running_mean.bitmap', 'bn.running_mean.values']),
  );
});
