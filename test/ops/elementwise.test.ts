import { describe, expect, it } from 'vitest';
import { OpError, type Op } from '../../compiler/ir/op.ts';
import { randomTensor } from '../../compiler/ir/tensor-literal.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import { erfc } from '../../compiler/ops/erf.ts';
import * as all from '../../compiler/ops/all.ts';

const f32 = (shape: number[], data: number[]): Tensor => ({ dtype: 'f32', shape, data: Float64Array.from(data) });

describe('elementwise semantics', () => {
  // Values of PyTorch 2 at x = -5, -1, 0, 0.5, 7 in float64, to 9 digits.
  const x = [-5, -1, 0, 0.5, 7];
  const table: readonly [Op, object, number[]][] = [
    [all.relu, {}, [0, 0, 0, 0.5, 7]],
    [all.relu6, {}, [0, 0, 0, 0.5, 6]],
    [all.hardSigmoid, {}, [0, 1 / 3, 0.5, 0.583333333, 1]],
    [all.hardSwish, {}, [0, -1 / 3, 0, 0.291666667, 7]],
    [all.sigmoid, {}, [0.00669285092, 0.268941421, 0.5, 0.622459331, 0.999088949]],
    [all.tanh, {}, [-0.999909204, -0.761594156, 0, 0.462117157, 0.999998337]],
    [all.silu, {}, [-0.0334642546, -0.268941421, 0, 0.311229666, 6.99362264]],
    [all.gelu, {}, [-1.43325786e-6, -0.158655254, 0, 0.345731231, 7]],
    [all.mish, {}, [-0.0335762377302, -0.303401461374, 0, 0.375245211305, 6.99998837981]],
    [all.softplus, {}, [0.00671534849, 0.313261688, 0.693147181, 0.974076984, 7.00091147]],
    [all.leakyRelu, { alpha: 0.1 }, [-0.5, -0.1, 0, 0.5, 7]],
    [all.elu, { alpha: 2 }, [-1.98652411, -1.26424112, 0, 0.5, 7]],
    [all.clip, { min: -1.5, max: 0.25 }, [-1.5, -1, 0, 0.25, 0.25]],
    [all.abs, {}, [5, 1, 0, 0.5, 7]],
    [all.neg, {}, [5, 1, -0, -0.5, -7]],
    [all.sign, {}, [-1, -1, 0, 1, 1]],
    [all.geluGrad, {}, [-7.14694600179e-6, -0.0833154705877, 0.5, 0.867495124656, 1.00000000006]],
    [all.exp, {}, [0.006737947, 0.367879441, 1, 1.64872127, 1096.63316]],
  ];
  it.each(table.map(([op, attrs, wanted]) => [op.name, op, attrs, wanted] as const))(
    '%s',
    (_name, op, attrs, wanted) => {
      const result = op.evaluate([f32([5], x)], attrs as never);
      for (const [at, value] of wanted.entries()) {
        expect(Math.abs((result.data[at] ?? Number.NaN) - value)).toBeLessThanOrEqual(1e-9 + 5e-9 * Math.abs(value));
      }
    },
  );

  it('passes NaN through', () => {
    for (const op of Object.values(all)) {
      if (!op.scalar) continue;
      const inputs = op.operands.map(() => f32([1], [Number.NaN]));
      const attrs = { alpha: 1, min: -1, max: 1, shape: [1] };
      // A comparison with NaN is false, as in IEEE 754; PyTorch's sign is made of two.
      const wanted = op === all.greater || op === all.equal || op === all.sign ? 0 : Number.NaN;
      expect(op.evaluate(inputs, attrs as never).data[0], op.name).toBe(wanted);
    }
  });

  it('has an erfc of float64 precision', () => {
    // Abramowitz and Stegun, table 7.1, and mpmath for the tail.
    const known: readonly [number, number][] = [
      [0.5, 0.4795001221869535],
      [1, 0.15729920705028513],
      [1.999, 0.0046984433486294865],
      [2.5, 4.069520174449589e-4],
      [5, 1.5374597944280349e-12],
      [-1, 1.8427007929497148],
    ];
    for (const [at, value] of known) expect(Math.abs(erfc(at) / value - 1), String(at)).toBeLessThan(1e-11);
    expect(Math.abs(erfc(2 - 1e-13) / erfc(2) - 1)).toBeLessThan(1e-11);
  });
});

/** Element (i, j, ...) of the broadcast result by index arithmetic, one element at a time. */
function slowBroadcast(f: (x: number, y: number) => number, a: Tensor, b: Tensor): number[] {
  const rank = Math.max(a.shape.length, b.shape.length);
  const sizes: number[] = Array.from({ length: rank }, (_, axis) =>
    Math.max(...[a, b].map((t) => t.shape[axis - rank + t.shape.length] ?? 1)),
  );
  const at = (tensor: Tensor, index: number[]): number => {
    let offset = 0;
    for (const [axis, size] of tensor.shape.entries()) {
      offset = offset * size + (size === 1 ? 0 : (index[axis + rank - tensor.shape.length] ?? 0));
    }
    return tensor.data[offset] ?? Number.NaN;
  };
  const count = sizes
    .map((_, axis) => all.add.infer([a, b], {}).shape[axis])
    .map(Number)
    .reduce((product, size) => product * size, 1);
  return Array.from({ length: count }, (_, flat) => {
    const index = sizes.map(() => 0);
    for (let axis = rank - 1, rest = flat; axis >= 0; axis--) {
      index[axis] = rest % (sizes[axis] ?? 1);
      rest = Math.floor(rest / (sizes[axis] ?? 1));
    }
    return f(at(a, index), at(b, index));
  });
}

describe('broadcasting', () => {
  const shapes: readonly [number[], number[]][] = [
    [
      [2, 3, 4, 5],
      [2, 3, 4, 5],
    ],
    [
      [2, 3, 4, 5],
      [1, 3, 1, 1],
    ],
    [
      [2, 3, 4, 5],
      [3, 1, 5],
    ],
    [
      [2, 1, 4, 1],
      [1, 3, 1, 5],
    ],
    [[], [2, 3]],
    [
      [4, 1],
      [1, 4],
    ],
    [
      [2, 3, 4, 5],
      [2, 1, 4, 1],
    ],
    [
      [0, 3],
      [1, 3],
    ],
    [[], []],
  ];
  it.each(shapes)('of %j and %j agrees with plain index arithmetic', (a, b) => {
    for (const [x, y] of [
      [a, b],
      [b, a],
    ] as const) {
      const operands = [randomTensor(x, 1), randomTensor(y, 2)] as const;
      const result = all.sub.evaluate(operands, {});
      expect([...result.data]).toEqual(slowBroadcast((p, q) => p - q, ...operands));
    }
  });

  it('refuses sizes that do not agree', () => {
    const infer = () =>
      all.add.infer(
        [
          { dtype: 'f32', shape: [2, 3] },
          { dtype: 'f32', shape: [2] },
        ],
        {},
      );
    expect(infer).toThrow(OpError);
    expect(infer).toThrow('cannot add f32[2, 3] and f32[2]');
  });
});
