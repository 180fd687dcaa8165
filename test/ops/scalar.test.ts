/** The WGSL expressions of elementwise ops, read as JavaScript, against their reference semantics. */
import { describe, expect, it } from 'vitest';
import type { Op } from '../../compiler/ir/op.ts';
import * as all from '../../compiler/ops/all.ts';
import { roundHalfEven } from '../../compiler/ops/rules/integer.ts';

/** What the expressions may call. An exponential that overflows float32 is a fault: WGSL leaves its value open. */
const library = {
  min: Math.min,
  max: Math.max,
  abs: Math.abs,
  log: Math.log,
  sqrt: Math.sqrt,
  sign: Math.sign,
  round: roundHalfEven,
  inverseSqrt: (x: number) => 1 / Math.sqrt(x),
  select: (no: number, yes: number, condition: boolean) => (condition ? yes : no),
  bitsOf: (x: number) => new Int32Array(Float32Array.of(x).buffer)[0],
  floatOf: (bits: number) => new Float32Array(Int32Array.of(bits).buffer)[0],
  clamp: (x: number, low: number, high: number) => Math.min(Math.max(x, low), high),
  exp: (x: number) => {
    expect(Math.fround(Math.exp(x)), `exp(${x})`).not.toBe(Infinity);
    return Math.exp(x);
  },
  // An implementation may compute sinh / cosh, which overflow beyond 88.
  tanh: (x: number) => {
    expect(Math.abs(x)).not.toBeGreaterThanOrEqual(88);
    return Math.tanh(x);
  },
};

function compile(op: Op, attrs: object): (...args: number[]) => number {
  const args = op.operands.map((_, index) => `v${index}`);
  const text =
    op
      .scalar?.(args, attrs as never)
      .replaceAll('bitcast<vec4i>', 'bitsOf')
      .replaceAll('bitcast<vec4f>', 'floatOf')
      .replaceAll(/vec4[fi]\(\)/g, '0')
      .replaceAll(/vec4[fi]\(/g, '(') ?? '';
  // The text comes from the ops themselves.
  // oxlint-disable-next-line typescript/no-implied-eval
  return new Function(...Object.keys(library), ...args, `return ${text};`).bind(undefined, ...Object.values(library));
}

const points = [-3e38, -1e4, -200, -90, -88, -20, -6.5, -6, -3, -1.5, -1, -0.5, -1e-3, -1e-8, 0]
  .flatMap((x) => [x, -x])
  .concat(Array.from({ length: 400 }, (_, index) => index / 25 - 8));

const attrs = { alpha: 0.3, min: -0.5, max: Infinity };
// `expand` has no expression of its own: kernels stretch what they read.
const scalars = (Object.values(all) as Op[]).filter((op) => op.scalar && op.name !== 'expand');
const unary = scalars.filter((op) => op.operands.length === 1);
const binary = scalars.filter((op) => op.operands.length === 2);
// The second operand of `fakeQuantize` is a scale, which must be above zero.
const ternary = scalars.filter((op) => op.operands.length === 3 && op.name !== 'fakeQuantize');

const reference = (op: Op, args: readonly number[], given: object = attrs): number =>
  Number(
    op.evaluate(
      args.map((x) => ({ dtype: 'f32', shape: [], data: Float64Array.of(x) })),
      given as never,
    ).data[0],
  );

const domain: Readonly<Record<string, (x: number) => boolean>> = {
  log: (x) => x > 0,
  sqrt: (x) => x >= 0,
  rsqrt: (x) => x > 0,
  exp: (x) => x < 88,
};

describe('WGSL expressions', () => {
  it.each(unary.map((op) => [op.name, op] as const))('%s says what evaluate says', (name, op) => {
    const expression = compile(op, attrs);
    for (const x of [...points.filter(domain[name] ?? (() => true)), Number.NaN, -Infinity]) {
      const [wanted, actual] = [reference(op, [x]), expression(x)];
      if (!Number.isFinite(wanted)) {
        expect(actual, `${name}(${x})`).toBe(wanted);
        continue;
      }
      // 1e-8 is the fit of gelu; sigmoid and silu end at exp(88) where float32 is subnormal.
      expect(Math.abs(actual - wanted), `${name}(${x})`).toBeLessThanOrEqual(1e-8 * Math.max(1, Math.abs(wanted)));
    }
  });

  it.each(binary.map((op) => [op.name, op] as const))('%s says what evaluate says', (_name, op) => {
    const expression = compile(op, {});
    for (const x of points.slice(10, 60))
      for (const y of [-2.5, -0.5, 0.25, 3, Number.NaN]) {
        expect(expression(x, y)).toBe(reference(op, [x, y]));
      }
  });

  it.each(ternary.map((op) => [op.name, op] as const))('%s says what evaluate says', (_name, op) => {
    const expression = compile(op, {});
    for (const x of points) {
      for (const [y, z] of [
        [-2.5, 0.5],
        [0.25, -3],
      ] as const) {
        expect(expression(x, y, z)).toBe(reference(op, [x, y, z]));
      }
    }
  });

  it('covers every op that has an expression', () => {
    // `fakeQuantize` has a test of its own.
    expect(unary.length + binary.length + ternary.length + 1).toBe(scalars.length);
    expect(ternary.map((op) => op.name)).toContain('where');
    expect(unary.length).toBeGreaterThanOrEqual(17);
  });

  it('fakeQuantize says what evaluate says, at scales that divide without rounding', () => {
    const range = { min: -100, max: 90 };
    const expression = compile(all.fakeQuantize, range);
    for (const x of points.filter((value) => Math.abs(value) < 1e5).map(Math.fround)) {
      for (const scale of [0.25, 0.5, 2]) {
        for (const zero of [-7, 0, 3]) {
          expect(expression(x, scale, zero)).toBe(reference(all.fakeQuantize as Op, [x, scale, zero], range));
        }
      }
    }
  });
});
