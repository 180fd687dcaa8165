import { describe, expect, it } from 'vitest';
import { quantizeWeight } from '../../../compiler/passes/int8/weights.ts';
import type { Tensor } from '../../../compiler/ir/type.ts';

const tensor = (shape: number[], data: number[]): Tensor => ({ dtype: 'f32', shape, data: Float64Array.from(data) });
/** Units in which a bias is written: of the product of an input and a weight. */
const unitsOf = (bias: number, inputScale: number, scale = 0): number => Math.abs(bias) / (inputScale * scale);

describe('quantizeWeight', () => {
  it('gives each output the scale of its largest weight, whatever its sign', () => {
    const weight = tensor([2, 3], [0.5, -1.27, 0.01, 2.54, 0.02, -0.02]);
    const { values, scales } = quantizeWeight(weight, { inputScale: 1 });
    expect([...scales]).toEqual([Math.fround(0.01), Math.fround(0.02)]);
    expect([...values.data]).toEqual([50, -127, 1, 127, 1, -1]);
    expect([values.dtype, values.shape]).toEqual(['i8', [2, 3]]);
  });

  it.each([-1000, 1000])('widens the scale until a bias of %d fits i32, and of that output alone', (bias) => {
    const weight = tensor([2, 2], [1e-9, -1e-9, 0.5, -1]);
    const inputScale = 1e-6;
    const { values, scales } = quantizeWeight(weight, { inputScale, bias: tensor([2], [bias, 0.25]) });
    expect(unitsOf(bias, inputScale, scales[0])).toBeLessThanOrEqual(2 ** 29 * (1 + 2 ** -23));
    expect(unitsOf(bias, inputScale, scales[0])).toBeGreaterThan(2 ** 28);
    // What is too small beside the bias rounds to nothing.
    expect([...values.data]).toEqual([0, 0, 64, -127]);
    expect(scales[1]).toBe(Math.fround(1 / 127));
  });

  it.each([-1000, 1000])('widens the one scale of all outputs for a bias of %d', (bias) => {
    const weight = tensor([2, 1], [1e-9, 2e-9]);
    const { scales } = quantizeWeight(weight, { inputScale: 1e-6, bias: tensor([2], [0, bias]), perTensor: true });
    expect(unitsOf(bias, 1e-6, scales[0])).toBeLessThanOrEqual(2 ** 29 * (1 + 2 ** -23));
    expect(scales[0]).toBe(scales[1]);
  });

  it('has one scale for all outputs where asked: that of the largest', () => {
    const { values, scales } = quantizeWeight(tensor([2, 2], [1.27, 0.1, -0.3, 0.02]), {
      inputScale: 1,
      perTensor: true,
    });
    expect([...scales]).toEqual([Math.fround(0.01), Math.fround(0.01)]);
    expect([...values.data]).toEqual([127, 10, -30, 2]);
  });

  it('takes 1 for the scale of zeros', () => {
    const { values, scales } = quantizeWeight(tensor([2, 2], [0, 0, 0, 0]), {
      inputScale: 0.5,
      bias: tensor([2], [0, 0]),
    });
    expect([...scales]).toEqual([1, 1]);
    expect([...values.data]).toEqual([0, 0, 0, 0]);
  });

  it('has no -128, and rounds halves to the even', () => {
    const { values } = quantizeWeight(tensor([1, 4], [-127, 0.5, 1.5, 2.5]), { inputScale: 1 });
    expect([...values.data]).toEqual([-127, 0, 2, 2]);
  });
});
