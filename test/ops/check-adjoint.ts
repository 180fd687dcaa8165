/** Checks that one map is the adjoint of another: `<f(x), g> = <x, f*(g)>` for every x and g. */
import { expect } from 'vitest';
import type { Tensor } from '../../compiler/ir/type.ts';
import { noise } from './check-op.ts';

export const dot = (a: Tensor, b: Tensor): number =>
  Float64Array.from(a.data).reduce((sum, value, at) => sum + value * (b.data[at] ?? Number.NaN), 0);

/** `forward` takes x of the given shape, `backward` a gradient of what it gives; both are linear. */
export function expectAdjoint(
  shape: readonly number[],
  forward: (x: Tensor) => Tensor,
  backward: (g: Tensor) => Tensor,
): void {
  for (let seed = 0; seed < 3; seed++) {
    const x = noise(shape, seed);
    const y = forward(x);
    const g = noise(y.shape, seed + 10);
    const back = backward(g);
    expect(back.shape).toEqual(shape);
    expect(Math.abs(dot(y, g) - dot(x, back))).toBeLessThan(1e-11);
  }
}
