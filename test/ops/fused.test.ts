import { describe, expect, it } from 'vitest';
import { makeGraph, makeNode } from '../../compiler/ir/node.ts';
import { add } from '../../compiler/ops/add.ts';
import { conv2d } from '../../compiler/ops/conv2d.ts';
import { bodyInput, bodyInputs, fused, operandKind } from '../../compiler/ops/fused.ts';
import { mul } from '../../compiler/ops/mul.ts';
import { relu } from '../../compiler/ops/relu.ts';
import { checkSamples, checkSymbolicBatch, expectFault, expectTensor, f32, type } from './check-op.ts';

const pair = type('f32[1, 2]');
const [a, b] = [bodyInput(0, pair), bodyInput(1, pair)];
/** relu(a + b) * b */
const body = makeGraph({ result: makeNode(mul, [makeNode(relu, [makeNode(add, [a, b], {})], {}), b], {}) });

describe('fused', () => {
  it('computes its body', () => {
    const y = fused.evaluate([f32([1, 2], [1, -5]), f32([1, 2], [2, 3])], { body });
    expectTensor(y, { shape: [1, 2], data: [6, 0] });
  });

  it('types its body on the operands that it gets', () => {
    expect(fused.infer([type('f32[N, 2]'), type('f32[N, 2]')], { body })).toEqual(type('f32[N, 2]'));
  });

  it('counts the work of its body', () => {
    const [x, w] = [type('f32[N, 4, 6, 6]'), type('f32[8, 4, 3, 3]')];
    const window = { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1], groups: 1 } as const;
    const conv = makeNode(conv2d, [bodyInput(0, x), bodyInput(1, w)], window);
    const attrs = { body: makeGraph({ result: makeNode(relu, [conv], {}) }) };
    const operands = [x, w];
    expect(fused.macs?.(operands, fused.infer(operands, attrs), attrs)).toEqual(
      conv2d.macs?.(operands, conv.type, window),
    );
    const one = [type('f32[1, 4, 6, 6]'), w];
    expect(fused.macs?.(one, fused.infer(one, attrs), attrs)).toBe(8 * 6 * 6 * 4 * 3 * 3);
  });

  it('tells the operands that its body reads', () => {
    expect(bodyInputs(body)).toEqual([a, b]);
    expect(bodyInputs(makeGraph({ result: makeNode(relu, [b], {}) }))).toEqual([undefined, b]);
  });

  checkSamples(fused);
  checkSymbolicBatch(fused, ({ inputs }) =>
    inputs.every((each) => each.constant || each.shape[0] === inputs[0]?.shape[0]),
  );

  it('refuses operands that do not fit its body', () => {
    expectFault(fused, ['f32[1, 2]'], { body }, 'E0314', 'the body of a fused node reads more than 1 operands');
    const rank = 'the body of a fused node expects f32[1, 2], not f32[1, 2, 3]';
    expectFault(fused, ['f32[1, 2, 3]', 'f32[1, 2]'], { body }, 'E0302', rank);
    const empty = { body: makeGraph({ other: a }) };
    expectFault(fused, ['f32[1, 2]'], empty, 'E0310', 'the body of a fused node has no result');
  });
});

describe('an operand of a fused node', () => {
  const result = type('f32[N, 8, 4, 4]').shape;
  it.each([
    ['f32[N, 8, 4, 4]', 'same'],
    ['f32[1, 1, 1, 1]', 'scalar'],
    ['f32[1, 8, 1, 1]', 'channel'],
    ['f32[N, 8, 1, 1]', 'gate'],
    ['f32[N, 1, 4, 4]', 'pixel'],
    ['f32[1, 1, 4, 4]', undefined],
    ['f32[1, 8, 4, 4]', undefined],
    ['f32[8, 1, 1]', undefined],
    ['f32[N, 7, 1, 1]', undefined],
  ])('%s lies over the result as %s', (operand, kind) => {
    expect(operandKind(type(operand).shape, result)).toBe(kind);
  });
});
