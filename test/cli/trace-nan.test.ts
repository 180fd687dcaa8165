/** `cnnc train --trace-nan`: names the op that first gives NaN or Inf, where it stands, and what it read. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../runtime/node/temporary-folder.ts';
import { cnnc, eventsOf } from './cnnc.ts';

const source = `model Steep(image: f32[N, 3, 8, 8]) -> f32[N, 2] {
  let steep = relu(image + 1) * 1000
    |> exp
  return steep |> global_avg_pool |> flatten |> fc: linear(2)
}
model Plain(image: f32[N, 3, 8, 8]) -> f32[N, 2] {
  return image |> flatten |> fc: linear(2)
}
dataset shapes {
  format = "synthetic"  samples = 24  size = 8px  classes = 2
  split { train = 16  val = 8 }
}
train steep for Steep { data = shapes  batch = 8  loss = cross_entropy()  optimizer = sgd(lr=0.05) }
train fast for Plain {
  data = shapes
  batch = 8
  loss = 50 * cross_entropy()
  optimizer = sgd(lr=3e38)
}
train good for Plain { data = shapes  batch = 8  epochs = 2  loss = cross_entropy()  optimizer = adam }
`;

const train = (folder: string, name: string, ...flags: readonly string[]) =>
  cnnc('train', `${join(folder, 'nets.cnn')}:${name}`, '-o', join(folder, name), ...flags);

/** Without the line on what was compiled. */
const told = (err: string): string => err.replace(/^(?:data: |.*compiled in).*\n/gm, '');

describe('--trace-nan', () => {
  it('names an op of the forward direction, alone also where it was fused', async () => {
    const folder = temporaryFolder({ 'nets.cnn': source });
    const { code, err } = await train(folder, 'steep', '--trace-nan');
    expect(code).toBe(5);
    expect(told(err).replaceAll(`${folder}/`, '')).toMatch(
      new RegExp(
        [
          String.raw`^error\[E0911\]: the forward op exp is the first to give Inf in step 1 of epoch 1`,
          String.raw` --> nets\.cnn:3:8`,
          String.raw`  \|`,
          String.raw`3 \|     \|> exp`,
          String.raw`  \|        \^\^\^ [\d,]+ of 1,536 values`,
          String.raw`help: it read mul in [\d.]+ \.\. [\d.]+`,
          String.raw`  = more: npx cnnc explain E0911\n$`,
        ].join('\n'),
      ),
    );
  });

  it('names the optimizer, whose step leaves weights that are not finite', async () => {
    const folder = temporaryFolder({ 'nets.cnn': source });
    const ran = await train(folder, 'fast', '--trace-nan', '--json');
    expect(ran.code).toBe(5);
    const found = eventsOf(ran).find(({ type }) => type === 'diagnostic');
    expect(found).toMatchObject({ code: 'E0911', message: expect.stringContaining('in step 1 of epoch 1') });
    expect(found?.['message']).toMatch(/^the optimizer op /);
    expect(JSON.stringify(found)).toContain('"line":18');
    expect(found?.['help']).toMatch(/^it read .* in /);
  });

  it('finds nothing wrong in a run without faults, and changes nothing in it', async () => {
    const folder = temporaryFolder({ 'nets.cnn': source });
    const weights = (name: string): Buffer => readFileSync(join(folder, name, 'final.safetensors'));
    expect((await train(folder, 'good', '--trace-nan')).code).toBe(0);
    const traced = weights('good');
    expect((await cnnc('train', join(folder, 'nets.cnn:good'), '-o', join(folder, 'plain'))).code).toBe(0);
    expect(traced.equals(weights('plain'))).toBe(true);
  });

  it('goes on from a checkpoint of a run that was not traced', async () => {
    const folder = temporaryFolder({ 'nets.cnn': source });
    expect((await train(folder, 'good', '--epochs', '1')).code).toBe(0);
    const ran = await train(folder, 'good', '--resume', '--trace-nan', '--epochs', '2');
    expect(ran).toMatchObject({ code: 0, out: expect.stringContaining('finished after 4 steps') });
  });
});
