/** A prune stage without `from` starts from published weights: those of the model's directive, or of `--weights`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseSafetensors } from '../../runtime/files/safetensors.ts';
import { toFloat32 } from '../../runtime/files/stored-tensor.ts';
import { cnnc } from './cnnc.ts';

const network = `
model Tiny(image: f32[N, 3, 8, 8], classes: int = 2) -> f32[N, classes] {
  let x = image |> conv1: conv(8, k=3, bias=false) |> bn1: bn |> relu
  return x |> conv2: conv(8, k=3) |> relu |> global_avg_pool |> flatten |> fc: linear(classes)
}
dataset shapes {
  format = "synthetic"  samples = 48  size = 8  classes = 2
  split { train = 40  val = 8 }
}
`;
const training = `
train base for Tiny { data = shapes  batch = 8  loss = cross_entropy()  optimizer = sgd(lr=0.05) }
`;
const pruning = `
prune slim for Tiny {
  data = shapes  target = ratio(50%)  criterion = l1_norm(global=true)  bn_reestimate { samples = 32 }
}
prune tuned for Tiny {
  data = shapes  target = ratio(50%)
  finetune { epochs = 1  batch = 8  optimizer = sgd(lr=0.01) }
}
`;

let folder = '';
const at = (...names: string[]): string => join(folder, ...names);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cnnc-published-'));
  writeFileSync(at('dense.cnn'), network + training);
  writeFileSync(at('bare.cnn'), network + pruning);
  writeFileSync(at('slim.cnn'), `${network}${pruning}weights published for Tiny { file = "dense/best.safetensors" }\n`);
  const ran = await cnnc('train', at('dense.cnn'), '-o', at('dense'));
  expect(ran.code, ran.err).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The outputs of the first convolution: one text for each. */
function rowsOf(path: string): string[] {
  const tensor = parseSafetensors(readFileSync(path)).tensors.get('conv1.weight');
  if (!tensor) throw new Error(`${path} has no conv1.weight`);
  const [outputs = 1] = tensor.shape;
  const values = toFloat32(tensor);
  const row = values.length / outputs;
  return Array.from({ length: outputs }, (_, index) => values.slice(index * row, (index + 1) * row).join());
}

it.each([
  ['the model has in its directive', ['slim.cnn:slim'], 'a'],
  ['the command line names', ['bare.cnn:slim', '--weights', 'dense/best.safetensors'], 'b'],
])('the weights that %s are pruned', async (_, [target = '', flag, path = ''], runs) => {
  const ran = await cnnc('train', at(target), '-o', at(runs), ...(flag ? [flag, at(path)] : []));
  expect(ran.code, ran.err).toBe(0);
  const [dense, kept] = [rowsOf(at('dense', 'best.safetensors')), rowsOf(at(runs, 'best.safetensors'))];
  expect(kept.length).toBeLessThan(8);
  expect(kept.length).toBeGreaterThan(0);
  expect(dense).toEqual(expect.arrayContaining(kept));
});

it('they are finetuned, too', async () => {
  const ran = await cnnc('train', `${at('slim.cnn')}:tuned`, '-o', at('tuned'));
  expect(ran.code, ran.err).toBe(0);
  const { figures, from } = JSON.parse(readFileSync(at('tuned', 'stage.json'), 'utf8')) as {
    figures: Record<string, number>;
    from?: string;
  };
  expect([figures['steps'], figures['removed_channels'], from]).toEqual([5, 8, undefined]);
});

it('without any, the stage says what to give it', async () => {
  const ran = await cnnc('train', `${at('bare.cnn')}:slim`, '-o', at('none'));
  expect(ran.code).not.toBe(0);
  expect(ran.err).toContain('weights');
  expect(ran.err).toContain('--weights');
});
