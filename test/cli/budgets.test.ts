/** Budgets of `cnnc build` and `cnnc check`: each figure, how far off it is, which layers weigh most, and what is written. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evaluateSize } from '../../runtime/artifact.ts';
import { readArtifact } from '../../runtime/node/read-artifact.ts';
import { cnnc, eventsOf, tinySource, workshop, type Ran } from './cnnc.ts';

/** Two convolutions of one line, and a small classifier. */
const source = `
block cell(x: f32[N, C, H, W], out: int) -> f32[N, out, H, W] {
  return x |> seq { conv(out, k=3, bias=false); bn; relu }
}
model Pair(image: f32[N, 3, 8, 8]) -> f32[N, 4] {
  return image |> stem: cell(16) |> mid: cell(16) |> global_avg_pool |> flatten |> head: linear(4)
}
`;

async function buildWith(
  budget: string,
  text = source,
  ...flags: string[]
): Promise<Ran & { readonly folder: string }> {
  const shop = workshop({ 'pair.cnn': `${text}budget for Pair { ${budget} }\n` });
  const folder = shop.at('out');
  const ran = await cnnc('build', shop.at('pair.cnn'), '--weights', 'random', '-o', folder, ...flags);
  return { ...ran, err: ran.err.replaceAll(`${shop.folder}/`, ''), folder };
}

// 16*3*9 + 16*16*9 weights, 2 * 2*16 scales and shifts, 16*4 + 4 of the classifier.
const params = 432 + 2304 + 64 + 68;
// 64 pixels of each convolution's weights, and the classifier's.
const macs = 64 * (432 + 2304) + 64;

describe('a build', () => {
  it('keeps budgets that hold, at their exact figures', async () => {
    const ran = await buildWith(`params <= ${params}  macs <= ${macs}  size <= 1MiB  peak_memory <= 1MiB`);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(existsSync(join(ran.folder, 'manifest.json'))).toBe(true);
  });

  it('writes nothing where one is missed, and shows line, distance and layers', async () => {
    const ran = await buildWith('params <= 2K');
    expect(ran.code).toBe(4);
    expect(existsSync(ran.folder)).toBe(false);
    expect(ran.err).toBe(`error[E0801]: Pair misses its budget \`params <= 2K\`
 --> pair.cnn:8:19
  |
3 |   return x |> seq { conv(out, k=3, bias=false); bn; relu }
  |                     -------------------------- mid.0, stem.0
6 |   return image |> stem: cell(16) |> mid: cell(16) |> global_avg_pool |> flatten |> head: linear(4)
  |                                                                                    --------------- head
8 | budget for Pair { params <= 2K }
  |                   ^^^^^^^^^^^^ it has 2,868, 43% over
help: the layers that weigh most are mid.0 (2,304, 80%), stem.0 (432, 15%), head (68, 2.4%)
  = more: npx cnnc explain E0801
nothing was written: what a build makes keeps its budgets
`);
  });

  it('compares multiply-accumulates, for the sizes that are given', async () => {
    const ran = await buildWith(`macs < ${macs}`);
    expect(ran).toMatchObject({ code: 4, err: expect.stringContaining('it has 175,168\n') });
    const open = source.replaceAll('8, 8]', 'H, W]');
    expect(await buildWith('macs <= 1K', open)).toMatchObject({
      code: 0,
      err: 'note: `macs <= 1K` was not checked, for it depends on sizes that are open; give them with --shape\n',
    });
    expect(await buildWith('macs <= 1K', open, '--shape', 'H=8,W=8')).toMatchObject({
      code: 4,
      err: expect.stringContaining('it has 175,168'),
    });
  });

  it('compares the bytes of the weights file', async () => {
    const { folder } = await buildWith('size <= 1GiB');
    const bytes = statSync(join(folder, 'weights.safetensors')).size;
    expect((await buildWith(`size <= ${bytes}B`)).code).toBe(0);
    const ran = await buildWith(`size <= ${bytes - 1}B`);
    expect(ran.code).toBe(4);
    // 2304 floats of the second convolution; its bias, still zero, is one with that of the first.
    expect(ran.err).toMatch(/it has 12\.0 KiB, less than 0\.01% over\n.*mid\.0 \(9\.00 KiB, 75%\), stem\.0 \(/s);
  });

  it('compares the bytes of arena and weights, at the batch of the budget', async () => {
    const { folder } = await buildWith('peak_memory <= 1GiB');
    const { manifest } = await readArtifact(folder);
    const weights = Object.values(manifest.constants).reduce((sum, { bytes }) => sum + bytes, 0);
    const peak = (batch: number): number =>
      weights +
      Math.max(...Object.values(manifest.plans).map((plan) => evaluateSize(plan?.arena.bytes ?? 0, { N: batch })));
    expect(peak(5)).toBeGreaterThan(peak(1) + 4 * 16 * 64 * 4);
    expect((await buildWith(`peak_memory <= ${peak(1)}B`)).code).toBe(0);
    expect((await buildWith(`peak_memory < ${peak(1)}B`)).code).toBe(4);
    expect((await buildWith(`batch = 5  peak_memory <= ${peak(5)}B`)).code).toBe(0);
    const ran = await buildWith(`batch = 5  peak_memory <= ${peak(5) / 2}B`);
    expect(ran.code).toBe(4);
    expect(ran.err).toMatch(
      /it has [\d.]+ KiB \(arena [\d.]+ KiB of the (software|gpu) plan, weights [\d.]+ KiB\), 100% over/,
    );
  });

  it('reports every missed line at once, and lower bounds without layers', async () => {
    const ran = await buildWith('params <= 2K  size <= 1KiB  macs >= 1GMACs', source, '--json');
    const found = eventsOf(ran).filter(({ code }) => code === 'E0801');
    expect(found.map(({ help }) => help === undefined)).toEqual([false, false, true]);
    expect(found[2]).toMatchObject({ label: 'it has 175,168, 100% under' });
  });

  it('is not held to the budget of a stage', async () => {
    const shop = workshop({
      'staged.cnn': `${tinySource}
dataset d { format = "idx" }
train base for Tiny { data = d  loss = mse  optimizer = sgd(lr=0.1) }
budget for base { params <= 1  macs <= 1  size <= 1B  peak_memory <= 1B }
`,
    });
    const ran = await cnnc('build', shop.at('staged.cnn'), '--weights', 'random', '-o', shop.at('out'));
    expect(ran).toMatchObject({ code: 0, err: '' });
  });
});

it('a check names the layers as well', async () => {
  const shop = workshop({ 'pair.cnn': `${source}budget for Pair { macs <= 100KMACs  size <= 1B }\n` });
  const ran = await cnnc('check', shop.at('pair.cnn'));
  expect(ran.code).toBe(4);
  expect(ran.err.match(/error\[/g)).toHaveLength(1);
  expect(ran.err).toContain('it has 175,168, 75% over');
  expect(ran.err).toContain('help: the layers that weigh most are mid.0 (147,456, 84%), stem.0 (27,648, 16%)');
});
