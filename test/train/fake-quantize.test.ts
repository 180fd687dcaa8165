/** Fake quantization and its straight-through gradient beside PyTorch's. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { makeGraph, makeNode } from '../../compiler/ir/node.ts';
import { fakeQuantize } from '../../compiler/ops/fake-quantize.ts';
import { quantize } from '../../compiler/ops/quantize.ts';
import { differentiate } from '../../compiler/train/differentiate.ts';
import { tensorOf, times, total } from '../../compiler/train/expressions.ts';
import { checkSamples, expectFault, expectTensor, f32, noise } from '../ops/check-op.ts';
import { leafOf } from './finite-difference.ts';

interface Recorded {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Case {
  readonly name: string;
  readonly attrs: { readonly min: number; readonly max: number };
  readonly inputs: readonly [Recorded, Recorded, Recorded];
  readonly output: Recorded;
  readonly factors: Recorded;
  readonly gradient: Recorded;
}

const file = new URL('../golden/train/fake-quantize.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as readonly Case[];
const tensorsOf = ({ inputs }: Case) => inputs.map(({ shape, data }) => f32(shape, data));

describe('fakeQuantize', () => {
  it.each(cases)('equals PyTorch: $name', (each) => {
    expectTensor(fakeQuantize.evaluate(tensorsOf(each), each.attrs), each.output);
  });

  it.each(cases)('has the straight-through gradient of PyTorch: $name', (each) => {
    const tensors = tensorsOf(each);
    const leaves = tensors.map((tensor, index) => leafOf(`x${index}`, index, tensor));
    const value = makeNode(fakeQuantize, leaves, each.attrs);
    const loss = total(times(value, tensorOf(each.factors.shape, each.factors.data)));
    const [x] = leaves;
    const result = x && differentiate(loss, [x]).get(x);
    if (!result) throw new Error('no gradient');
    const values = Object.fromEntries(tensors.map((tensor, index) => [`x${index}`, tensor]));
    const { gradient } = evaluateGraph(makeGraph({ gradient: result }), values);
    expect(gradient?.shape).toEqual(each.gradient.shape);
    // PyTorch multiplies by a mask, which leaves -0.
    expect([...(gradient?.data ?? [])]).toEqual(each.gradient.data.map((slope) => slope + 0));
    // Some are outside of the range, some inside.
    expect(new Set(each.gradient.data.map((slope) => slope === 0)).size).toBe(2);
  });

  it('chooses the step that `quantize` chooses, ties included', () => {
    for (const [seed, { scale, zeroPoint }] of [
      { scale: 0.5, zeroPoint: 3 },
      { scale: Math.fround(0.0173), zeroPoint: -128 },
    ].entries()) {
      const x = f32([4, 64], [...noise([2, 64], seed).data, ...Array.from({ length: 128 }, (_, at) => at / 4 - 16)]);
      const steps = quantize.evaluate([x], { scale, zeroPoint });
      const y = fakeQuantize.evaluate([x, f32([1, 1], [scale]), f32([1, 1], [zeroPoint])], { min: -128, max: 127 });
      expect([...y.data]).toEqual(Array.from(steps.data, (step) => (step - zeroPoint) * scale));
    }
  });

  it('refuses bounds that no int8 has', () => {
    const operands = ['f32[2, 3]', 'f32[1, 1]', 'f32[1, 1]'];
    const message = 'max must be an integer of -128 to 127, not 255';
    expectFault(fakeQuantize, operands, { min: 0, max: 255 }, 'E0310', message);
    expectFault(
      fakeQuantize,
      operands.slice(0, 2),
      { min: 0, max: 1 },
      'E0314',
      'cannot fake-quantize: operand 3 is missing',
    );
  });

  checkSamples(fakeQuantize);
});
