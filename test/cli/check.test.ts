/** `cnnc check`: diagnostics as frames and as data, figures of models, budgets. */
import { expect, it } from 'vitest';
import { cnnc, eventsOf, summaryOf, tinySource, workshop } from './cnnc.ts';

it('tells parameters and multiply-accumulates of each model', async () => {
  const shop = workshop();
  const ran = await cnnc('check', shop.at('tiny.cnn'), shop.at('colours.cnn'), '--json');
  expect(ran.code).toBe(0);
  // 8*3*3*3 + 8 + 8 + 4*8 + 4 parameters; 8*8 pixels of 8*3*3*3 products and 4*8 of the classifier.
  expect(summaryOf(ran)).toEqual({
    type: 'summary',
    models: [
      { name: 'Tiny', params: 268, macs: 13856 },
      { name: 'Colours', params: 0, macs: 0 },
    ],
    errors: 0,
    warnings: 0,
  });
  const table = await cnnc('check', shop.at('tiny.cnn'), '--shapes');
  expect(table.out).toMatch(/^model +params +MACs\nTiny +268 +13,856\n/);
  expect(table.out).toContain('takes image: f32[N, 3, 8, 8]\n  gives output: f32[N, 4]\n  open sizes: N\n');
  expect(table.out.replaceAll(`${shop.folder}/`, '')).toMatch(/^ +stem +conv +f32\[N, 8, 8, 8\] +tiny\.cnn:4:8$/m);
});

it('tells open sizes, what asserts state about them, and the shapes of layers by their names', async () => {
  const { code, out } = await cnnc('check', 'examples/unet/unet.cnn', '--shapes');
  expect(code).toBe(0);
  expect(out).toContain('takes image: f32[N, 3, H, W]\n  gives output: f32[N, 21, H, W]\n  open sizes: N, H, W\n');
  expect(out).toContain('  H is a multiple of 16: each run checks it\n  W is a multiple of 16: each run checks it\n');
  expect(out).toMatch(/^.* max_pool +f32\[N, 32, H\/2, W\/2\] +examples\/unet\/unet\.cnn:\d+:\d+$/m);
});

it('gives multiply-accumulates as a formula of open sizes, and their number at the size of training', async () => {
  const { out } = await cnnc('check', 'examples/unet/unet.cnn');
  expect(out).toMatch(/^UNet +7,763,701 +184,832\*H\*W +3,028,287,488 at H=128, W=128$/m);
  expect(184_832 * 128 * 128).toBe(3_028_287_488);
  const ran = await cnnc('check', 'examples/unet/unet.cnn', '--json');
  expect(summaryOf(ran)).toMatchObject({ models: [{ name: 'UNet', params: 7_763_701, macsFormula: '184832*H*W' }] });
  const shop = workshop({ 'open.cnn': 'model A(x: f32[N, 3, H, W]) { return x |> conv(8, k=3, pad=0) }' });
  // 8 * 27 products at each of (H - 2) * (W - 2) places.
  const { out: formula } = await cnnc('check', shop.at('open.cnn'));
  expect(formula).toMatch(/^A +224 +216\*H\*W - 432\*H - 432\*W \+ 864$/m);
});

it('shows every error as a frame, on stderr alone, and exits with 1', async () => {
  const shop = workshop({
    'wrong.cnn': tinySource.replace('conv(8', 'konv(8').replace('linear(classes)', 'linear(klasses)'),
  });
  const ran = await cnnc('check', shop.at('wrong.cnn'));
  expect(ran.code).toBe(1);
  expect(ran.out).not.toContain('error[');
  expect(ran.err.replaceAll(`${shop.folder}/`, '')).toBe(`error[E0201]: unknown name \`konv\`
 --> wrong.cnn:4:14
  |
4 |     |> stem: konv(8, k=3, bias=false) |> norm: bn |> relu
  |              ^^^^
help: did you mean \`conv\`?
  = more: npx cnnc explain E0201

error[E0201]: unknown name \`klasses\`
 --> wrong.cnn:5:51
  |
5 |     |> global_avg_pool |> flatten |> head: linear(klasses)
  |                                                   ^^^^^^^
help: did you mean \`classes\`?
  = more: npx cnnc explain E0201
2 errors in 1 file
`);
});

it('gives diagnostics as data', async () => {
  const shop = workshop({ 'wrong.cnn': tinySource.replace('conv(8', 'konv(8') });
  const ran = await cnnc('--json', 'check', shop.at('wrong.cnn'));
  expect(ran.code).toBe(1);
  const [diagnostic, summary] = eventsOf(ran);
  expect(diagnostic).toMatchObject({
    type: 'diagnostic',
    code: 'E0201',
    severity: 'error',
    line: 4,
    column: 14,
    endColumn: 18,
  });
  expect(summary).toMatchObject({ type: 'summary', errors: 1 });
});

it('exits with 4 where only a budget is missed, and shows the figure', async () => {
  const budget = 'budget for Tiny { params <= 268  macs < 13_856 }\n';
  const shop = workshop({ 'tight.cnn': tinySource + budget });
  const ran = await cnnc('check', shop.at('tight.cnn'));
  expect(ran.code).toBe(4);
  expect(ran.err.match(/error\[E0801\]/g)).toHaveLength(1);
  expect(ran.err).toContain('Tiny misses its budget `macs < 13_856`');
  expect(ran.err).toContain('it has 13,856');
});

it('exits with 3 for a file that is not there, and for a folder', async () => {
  const shop = workshop();
  const missing = await cnnc('check', shop.at('nothing.cnn'));
  expect(missing).toMatchObject({ code: 3, out: '' });
  expect(missing.err).toMatch(/^error\[E0710\]: cannot read .*nothing\.cnn: there is no such file or folder\n$/);
  expect(await cnnc('check', shop.folder)).toMatchObject({ code: 3, err: expect.stringContaining('it is a folder') });
});
