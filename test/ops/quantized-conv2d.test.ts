import { describe, expect, it } from 'vitest';
import { parseGraph } from '../../compiler/ir/parse.ts';
import { printGraph } from '../../compiler/ir/print.ts';
import { makeGraph, makeNode } from '../../compiler/ir/node.ts';
import type { Sample } from '../../compiler/ir/op.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import { input, ops } from '../../compiler/ops/index.ts';
import { quantizedConv2d, type QuantizedConv2dAttrs } from '../../compiler/ops/quantized-conv2d.ts';
import { checkSamples, checkSymbolicBatch, expectFault, sampleTensor } from './check-op.ts';

type Place = { readonly n: number; readonly o: number; readonly row: number; readonly column: number };

/** One sum, tap by tap in BigInt. */
function sumAt({ n, o, row, column }: Place, tensors: readonly Tensor[], attrs: QuantizedConv2dAttrs): bigint {
  const [x, weight, bias] = tensors as [Tensor, Tensor, Tensor];
  const [, channels = 1, height = 1, width = 1] = x.shape;
  const [outputs = 1, perGroup = 1, kh = 1, kw = 1] = weight.shape;
  const first = n * channels + Math.floor(o / (outputs / attrs.groups)) * perGroup;
  let sum = BigInt(bias.data[o] ?? 0);
  for (let tap = 0; tap < perGroup * kh * kw; tap++) {
    const [c, i, j] = [Math.floor(tap / (kh * kw)), Math.floor(tap / kw) % kh, tap % kw];
    const y = row * attrs.stride[0] - attrs.padding[0] + i * attrs.dilation[0];
    const z = column * attrs.stride[1] - attrs.padding[1] + j * attrs.dilation[1];
    const inside = y >= 0 && y < height && z >= 0 && z < width;
    const q = inside ? x.data[((first + c) * height + y) * width + z] : attrs.inputZero;
    sum += BigInt(q ?? 0) * BigInt(weight.data[o * perGroup * kh * kw + tap] ?? 0);
  }
  return sum;
}

/** Integers in BigInt and one product of doubles that float32 rounds: another way to the same bits. */
function slowly(tensors: readonly Tensor[], attrs: QuantizedConv2dAttrs, shape: readonly number[]): number[] {
  const [, outputs = 1, rows = 1, columns = 1] = shape;
  const plane = rows * columns;
  return Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => {
    const [o, n] = [Math.floor(at / plane) % outputs, Math.floor(at / plane / outputs)];
    const sum = sumAt({ n, o, row: Math.floor((at % plane) / columns), column: at % columns }, tensors, attrs);
    const exact = sum > -(2n ** 24n) && sum < 2n ** 24n ? sum : ((sum + 128n) >> 8n) << 8n;
    expect(BigInt(Math.fround(Number(exact)))).toBe(exact);
    const product = Math.fround(Number(exact) * (attrs.multiplier.data[o] ?? 0));
    return finish(product, tensors[3]?.data[at], attrs);
  });
}

const even = (x: number): number => {
  const away = Math.sign(x) * Math.round(Math.abs(x));
  return Math.abs(x) % 1 === 0.5 && away % 2 !== 0 ? away - Math.sign(x) : away;
};

function finish(product: number, residual: number | undefined, attrs: QuantizedConv2dAttrs): number {
  let steps = even(product);
  if (residual !== undefined) {
    const unit = 2n ** BigInt(attrs.shift);
    const fine = BigInt(Math.max(-(2 ** 29), Math.min(2 ** 29, even(product * Number(unit)))));
    const all = fine + BigInt((residual - attrs.residualZero) * attrs.residualMultiplier) + unit / 2n;
    steps = Number(all >> BigInt(attrs.shift));
  }
  const q = Math.max(attrs.min, Math.min(attrs.max, steps + attrs.outputZero));
  return (attrs.table ? attrs.table.data[q + 128] : q) ?? 0;
}

describe('quantizedConv2d', () => {
  it.each(quantizedConv2d.samples)('has the bits of its formula: $name', (sample: Sample<QuantizedConv2dAttrs>) => {
    const tensors = sample.inputs.map(sampleTensor);
    const result = quantizedConv2d.evaluate(tensors, sample.attrs);
    // + 0 makes a zero without a sign.
    expect([...result.data]).toEqual(slowly(tensors, sample.attrs, result.shape).map((q) => q + 0));
    expect(new Set(result.data).size, 'distinct values').toBeGreaterThan(3);
  });

  it('prints and parses, tables and multipliers included', () => {
    for (const sample of quantizedConv2d.samples) {
      const leaves = sample.inputs.map(({ shape, dtype = 'f32' }, index) =>
        makeNode(input, [], { name: `x${index}`, index, dtype, shape }),
      );
      const text = printGraph(makeGraph({ y: makeNode(quantizedConv2d, leaves, sample.attrs) }));
      expect(printGraph(parseGraph(text, ops))).toBe(text);
    }
  });

  checkSamples(quantizedConv2d);
  checkSymbolicBatch(quantizedConv2d, ({ attrs }) => attrs.shift === 0);

  it('refuses what does not fit', () => {
    const [sample] = quantizedConv2d.samples;
    const attrs = sample?.attrs as QuantizedConv2dAttrs;
    const fits = ['i8[1, 8, 5, 5]', 'i8[8, 8, 1, 1]', 'i32[8]'];
    const fault = (operands: string[], code: string, message: string, change = {}): void =>
      expectFault(quantizedConv2d, operands, { ...attrs, ...change }, code, message);
    fault(fits.with(0, 'f32[1, 8, 5, 5]'), 'E0302', 'cannot convolve f32[1, 8, 5, 5]: the elements must be i8');
    fault(fits.with(2, 'i8[8]'), 'E0302', 'cannot convolve i8[8]: the elements must be i32');
    fault(fits.slice(0, 2), 'E0314', 'cannot convolve: operand 3 is missing');
    fault(fits, 'E0310', 'min 3 is more than max -3', { min: 3, max: -3 });
    fault(fits, 'E0310', 'inputZero must be an integer of -128 to 127, not 128', { inputZero: 128 });
    const short: Tensor = { dtype: 'f32', shape: [2], data: Float32Array.of(1, 1) };
    fault(fits, 'E0310', 'multiplier must be f32[8], not f32[2]', { multiplier: short });
    const residual = [...fits, 'i8[1, 8, 5, 4]'];
    fault(residual, 'E0305', 'cannot add i8[1, 8, 5, 4] to i8[1, 8, 5, 5]', { shift: 3, residualMultiplier: 1 });
    fault(residual, 'E0310', 'shift must be an integer of at least 1, not 0');
  });
});
