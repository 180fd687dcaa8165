/** Weights that commands are given: forms of the file, names and shapes that differ, and numbers that are not finite. */
import { describe, expect, it } from 'vitest';
import { encodeSafetensors, parseSafetensors } from '../../runtime/files/safetensors.ts';
import { fromFloat32, toFloat32, type StoredTensor } from '../../runtime/files/stored-tensor.ts';
import { readFileSync, writeFileSync } from 'node:fs';
import { cnnc, tinyWeights, workshop, type Workshop } from './cnnc.ts';

const identity = `
model Colours(x: f32[N, 3, 4, 4]) -> f32[N, 3] {
  return x |> global_avg_pool |> flatten |> fc: linear(3, bias=false)
}
`;

/** `fc.weight` = 10 I in a header of any length: padded as some writers do, and as others do not. */
function weightsFile(length: number, weight: StoredTensor = ten): Uint8Array {
  const [dtype, shape, bytes] = [weight.dtype, weight.shape, weight.bytes];
  const entry = `"fc.weight":{"dtype":"${dtype}","shape":[${shape.join()}],"data_offsets":[0,${bytes.length}]}`;
  const open = '{"__metadata__":{"made by":"';
  const text = `${open}${'x'.repeat(length)}"},${entry}}`;
  const written = new Uint8Array(8 + text.length + bytes.length);
  new DataView(written.buffer).setBigUint64(0, BigInt(text.length), true);
  written.set(new TextEncoder().encode(text), 8);
  written.set(bytes, 8 + text.length);
  return written;
}

const ten = fromFloat32(Float32Array.of(10, 0, 0, 0, 10, 0, 0, 0, 10), [3, 3]);
const raw = (values: ArrayBufferView): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

const build = (shop: Workshop, source: string, weights: string, ...flags: readonly string[]) =>
  cnnc('build', shop.at(source), '-o', shop.at('out'), '--weights', shop.at(weights), ...flags);

/** Bytes of the weights that the artifact holds. */
const builtWeights = (shop: Workshop): string => readFileSync(shop.at('out/weights.safetensors')).toString('hex');

describe('a weights file', () => {
  it('may have a header of any length, which leaves its numbers on any byte', async () => {
    const lengths = [0, 1, 2, 3, 4, 5, 6, 7];
    const files = lengths.map((length): [string, Uint8Array] => [`${length}.safetensors`, weightsFile(length)]);
    const shop = workshop({ 'm.cnn': identity, ...Object.fromEntries(files) });
    const found = new Set<string>();
    for (const length of lengths) {
      expect(await build(shop, 'm.cnn', `${length}.safetensors`)).toMatchObject({ code: 0, err: '' });
      found.add(builtWeights(shop));
    }
    expect(found.size).toBe(1);
  });

  it.each<[string, StoredTensor]>([
    ['F64', { dtype: 'F64', shape: [3, 3], bytes: raw(Float64Array.from(toFloat32(ten))) }],
    ['F16', { dtype: 'F16', shape: [3, 3], bytes: raw(Uint16Array.from(toFloat32(ten), (x) => (x ? 0x4900 : 0))) }],
    ['BF16', { dtype: 'BF16', shape: [3, 3], bytes: raw(Uint16Array.from(toFloat32(ten), (x) => (x ? 0x4120 : 0))) }],
    ['F8_E4M3', { dtype: 'F8_E4M3', shape: [3, 3], bytes: Uint8Array.from(toFloat32(ten), (x) => (x ? 0x52 : 0)) }],
    ['F8_E5M2', { dtype: 'F8_E5M2', shape: [3, 3], bytes: Uint8Array.from(toFloat32(ten), (x) => (x ? 0x49 : 0)) }],
  ])('of %s gives the same artifact', async (_, weight) => {
    const shop = workshop({
      'm.cnn': identity,
      'f32.safetensors': weightsFile(0),
      'w.safetensors': weightsFile(3, weight),
    });
    await build(shop, 'm.cnn', 'f32.safetensors');
    const wanted = builtWeights(shop);
    expect(await build(shop, 'm.cnn', 'w.safetensors')).toMatchObject({ code: 0, err: '' });
    expect(builtWeights(shop)).toBe(wanted);
  });

  it('of integers is refused by name', async () => {
    const weight: StoredTensor = { dtype: 'I64', shape: [3, 3], bytes: new Uint8Array(72) };
    const shop = workshop({ 'm.cnn': identity, 'w.safetensors': weightsFile(0, weight) });
    const ran = await build(shop, 'm.cnn', 'w.safetensors');
    expect(ran.code).toBe(3);
    expect(ran.err).toMatch(/^error\[E0722\]: fc\.weight in .* is I64, the model takes floats\n/);
  });

  it.each([
    ['fc: linear(3)', [2, 3], '1, 0'],
    ['conv: conv(3, k=(1, 2), pad=0)', [1, 2, 2, 3], '3, 2, 0, 1'],
    ['conv: conv(3, k=(1, 2), pad=0)', [3, 4, 1, 2], undefined],
    ['conv: conv(3, k=(1, 3), pad=0)', [3, 1, 3, 2], '0, 3, 1, 2'],
  ])('of %s with axes in another order, %j, is told how to turn them', async (layer, shape, order) => {
    const call = layer.startsWith('fc') ? `global_avg_pool |> flatten |> ${layer}` : layer;
    const [name = ''] = layer.split(':');
    const shop = workshop({
      'm.cnn': `model M(x: f32[N, 2, 4, 4]) { return x |> ${call} }`,
      'w.safetensors': fileOf({ [`${name}.weight`]: shape, [`${name}.bias`]: [3] }),
    });
    const ran = await build(shop, 'm.cnn', 'w.safetensors');
    expect(ran.err).toContain(`error[E0722]: ${name}.weight`);
    if (order === undefined) expect(ran.err).not.toContain('transpose');
    else expect(ran.err).toContain(`a.transpose(${order})`);
  });

  it('that is something else is named for what it is', async () => {
    const shop = workshop({ 'm.cnn': identity, 'w.pth': '<!doctype html><html><body>404</body></html>' });
    const ran = await build(shop, 'm.cnn', 'w.pth');
    expect(ran.code).toBe(3);
    expect(ran.err).toMatch(
      /^error\[E0711\]: .*w\.pth: this is no safetensors file: it is an HTML page\nhelp: download/,
    );
  });
});

describe('a file that does not fit', () => {
  it('is shown at the layer', async () => {
    const shop = workshop({ 'w.safetensors': tinyWeights({ 'head.bias': undefined }) });
    const ran = await build(shop, 'tiny.cnn', 'w.safetensors');
    expect(ran.code).toBe(3);
    expect(ran.err).toMatch(/error\[E0720\]: .* lacks 1 of 7 parameters: head\.bias\n +--> .*tiny\.cnn:5:/);
    expect(ran.err).toContain('head: linear(classes)');
  });

  it('names what is left over, and the names by which it fits', async () => {
    const other = { 'head.weight': undefined, 'head.bias': undefined, 'fc2.weight': [4, 8], 'fc2.bias': [4] };
    const shop = workshop({ 'w.safetensors': tinyWeights(other) });
    const ran = await build(shop, 'tiny.cnn', 'w.safetensors');
    expect(ran.err).toMatch(
      /help: left over in the file: fc2\.bias, fc2\.weight; write `rename = \[\("fc2", "head"\)\]` in a weights block/,
    );
    writeFileSync(shop.at('o.safetensors'), tinyWeights({ ...other, 'fc2.bias': [5] }));
    const odd = await build(shop, 'tiny.cnn', 'o.safetensors');
    expect(odd.err).toMatch(/help: left over in the file: fc2\.bias, fc2\.weight; `rename` in a weights block maps/);
  });

  it('shows the call of the block, too', async () => {
    const source = `
block unit(x: f32[N, C, H, W], out: int) -> f32[N, out, H, W] {
  return x |> conv: conv(out, k=1)
}
model M(x: f32[N, 3, 4, 4]) -> f32[N, 8, 4, 4] {
  return x |> first: unit(8)
}
`;
    const tensors = { 'first.conv.weight': [8, 4, 1, 1], 'first.conv.bias': [8] };
    const shop = workshop({ 'm.cnn': source, 'w.safetensors': fileOf(tensors) });
    const ran = await build(shop, 'm.cnn', 'w.safetensors');
    expect(ran.err).toMatch(
      /error\[E0722\]: first\.conv\.weight in .* is \[8, 4, 1, 1\], the model takes \[8, 3, 1, 1\]/,
    );
    expect(ran.err).toMatch(/m\.cnn:3:/);
    expect(ran.err).toMatch(/^6 \|.*\n.* called here$/m);
  });

  it('by a prefix gives the rename that mends it', async () => {
    const tensors = Object.fromEntries(
      [...parseSafetensors(tinyWeights()).tensors].map(([name, { shape }]) => [`module.${name}`, shape]),
    );
    const shop = workshop({ 'w.safetensors': fileOf(tensors) });
    const { err } = await build(shop, 'tiny.cnn', 'w.safetensors');
    const [, rename] = /write `(rename = .*?)`/.exec(err) ?? [];
    expect(rename).toBe('rename = [("module.", "")]');
    const mended = `${readFileSync(shop.at('tiny.cnn'), 'utf8')}\nweights w for Tiny { file = "w.safetensors"  ${rename} }\n`;
    const second = workshop({ 'm.cnn': mended, 'w.safetensors': fileOf(tensors) });
    expect(await cnnc('build', second.at('m.cnn'), '-o', second.at('out'))).toMatchObject({ code: 0, err: '' });
  });
});

describe('--ignore-extra', () => {
  const extra = tinyWeights({ 'aux.fc.weight': [2, 2], 'aux.fc.bias': [2] });

  it('passes over what is left and says so', async () => {
    const shop = workshop({ 'w.safetensors': extra });
    expect((await build(shop, 'tiny.cnn', 'w.safetensors')).err).toMatch(/^error\[E0721\][^]*--ignore-extra/);
    const ran = await build(shop, 'tiny.cnn', 'w.safetensors', '--ignore-extra');
    expect(ran.code).toBe(0);
    expect(ran.err).toMatch(
      /^note: .* also holds aux\.fc\.weight, aux\.fc\.bias, which the model has not\n$|^note: .* also holds aux\.fc\.bias, aux\.fc\.weight, which the model has not\n$/,
    );
  });

  it('misses nothing, as `strict = false` does not', async () => {
    const lacking = tinyWeights({ 'aux.fc.weight': [2, 2], 'head.bias': undefined });
    const directive = 'weights w for Tiny { file = "w.safetensors"  strict = false }\n';
    const source = readFileSync(workshop().at('tiny.cnn'), 'utf8');
    const shop = workshop({ 'w.safetensors': lacking, 'loose.cnn': source + directive });
    expect((await build(shop, 'tiny.cnn', 'w.safetensors', '--ignore-extra')).err).toContain('E0720');
    expect((await cnnc('build', shop.at('loose.cnn'), '-o', shop.at('out'))).err).toContain('E0720');
  });
});

describe('slopes of PReLU', () => {
  const source = `
model M(x: f32[N, 3, 4, 4]) -> f32[N, 3, 4, 4] { return x |> act: prelu }
`;
  const slopes = (values: readonly number[], shape: readonly number[]): Uint8Array =>
    encodeSafetensors(new Map([['act.weight', fromFloat32(Float32Array.from(values), shape)]]));

  it.each<[string, Uint8Array, Uint8Array]>([
    ['one slope, as nn.PReLU() has', slopes([0.3], [1]), slopes([0.3, 0.3, 0.3], [3])],
    ['one slope as a scalar', slopes([0.3], []), slopes([0.3, 0.3, 0.3], [3])],
    ['slopes as ONNX writes them', slopes([0.1, 0.2, 0.3], [3, 1, 1]), slopes([0.1, 0.2, 0.3], [3])],
    ['slopes as Keras writes them', slopes([0.1, 0.2, 0.3], [1, 1, 3]), slopes([0.1, 0.2, 0.3], [3])],
  ])('%s', async (_, given, wanted) => {
    const shop = workshop({ 'm.cnn': source, 'a.safetensors': given, 'b.safetensors': wanted });
    expect(await build(shop, 'm.cnn', 'b.safetensors')).toMatchObject({ code: 0 });
    const right = builtWeights(shop);
    expect(await build(shop, 'm.cnn', 'a.safetensors')).toMatchObject({ code: 0 });
    expect(builtWeights(shop)).toBe(right);
  });

  it('of another number of channels are refused, and so is one value for a bias', async () => {
    const shop = workshop({ 'm.cnn': source, 'w.safetensors': slopes([0.1, 0.2], [2]) });
    expect((await build(shop, 'm.cnn', 'w.safetensors')).err).toContain('E0722');
    const other = workshop({ 'w.safetensors': tinyWeights({ 'head.bias': [1] }) });
    expect((await build(other, 'tiny.cnn', 'w.safetensors')).err).toContain('E0722');
  });
});

describe('weights that are not finite', () => {
  const tiny = (changed: Readonly<Record<string, readonly number[]>>): Uint8Array => {
    const { tensors } = parseSafetensors(tinyWeights());
    const all = [...tensors].map(([name, tensor]): [string, StoredTensor] => {
      const values = toFloat32(tensor).slice();
      values.set(changed[name] ?? []);
      return [name, fromFloat32(values, tensor.shape)];
    });
    return encodeSafetensors(new Map(all));
  };

  it.each<[string, Readonly<Record<string, readonly number[]>>, RegExp]>([
    ['NaN', { 'stem.weight': [NaN, 1, NaN] }, /stem\.weight of .* has 2 NaN among 216 values/],
    ['infinity', { 'head.bias': [-Infinity] }, /head\.bias of .* has 1 infinity among 4 values/],
    ['a negative variance', { 'norm.running_var': [-0.5] }, /norm\.running_var of .* has 1 negative variance among 8/],
  ])('%s: build warns, names tensor and layer, and is silent where it is meant', async (_, changed, message) => {
    const shop = workshop({ 'w.safetensors': tiny(changed) });
    const ran = await build(shop, 'tiny.cnn', 'w.safetensors');
    expect(ran.code).toBe(0);
    expect(ran.err).toMatch(/^warning\[W0720\]/);
    expect(ran.err).toMatch(message);
    expect(ran.err).toMatch(/tiny\.cnn:[45]:/);
    expect(await build(shop, 'tiny.cnn', 'w.safetensors', '--allow-non-finite')).toMatchObject({ code: 0, err: '' });
  });

  it('negative means are means like others', async () => {
    const shop = workshop({ 'w.safetensors': tiny({ 'norm.running_mean': [-0.5], 'norm.weight': [-1] }) });
    expect(await build(shop, 'tiny.cnn', 'w.safetensors')).toMatchObject({ code: 0, err: '' });
  });
});

function fileOf(shapes: Readonly<Record<string, readonly number[]>>): Uint8Array {
  const tensors = Object.entries(shapes).map(([name, shape]): [string, StoredTensor] => {
    const count = shape.reduce((product, size) => product * size, 1);
    return [name, fromFloat32(new Float32Array(count).fill(0.5), shape)];
  });
  return encodeSafetensors(new Map(tensors));
}
