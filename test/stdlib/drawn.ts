/** Weights and images that golden/stdlib/record.py draws alike, so that whole networks can be compared. */
import type { Tensor } from '../../compiler/ir/type.ts';

const at = (index: number, stream: number): number =>
  (Math.imul(index * 7919 + stream * 10007 + 17, 2654435761) >>> 0) / 2 ** 32;

const filled = (shape: readonly number[], value: (index: number) => number): Tensor => {
  const data = new Float64Array(shape.reduce((product, size) => product * size, 1));
  for (let index = 0; index < data.length; index++) data[index] = value(index);
  return { dtype: 'f32', shape, data };
};

/** Every parameter and running statistic from its place in the sorted list of names. */
export function drawnWeights(
  parameters: readonly { readonly name: string; readonly shape: readonly number[] }[],
): Map<string, Tensor> {
  const sorted = parameters.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return new Map(
    sorted.map(({ name, shape }, stream) => {
      const bound = Math.sqrt(6 / shape.slice(1).reduce((product, size) => product * size, 1));
      if (shape.length > 1) return [name, filled(shape, (index) => (2 * at(index, stream) - 1) * bound)];
      if (/(weight|running_var)$/.test(name)) return [name, filled(shape, (index) => 0.5 + at(index, stream))];
      return [name, filled(shape, (index) => 0.2 * at(index, stream) - 0.1)];
    }),
  );
}

export const drawnImage = (shape: readonly number[]): Tensor => filled(shape, (index) => 2 * at(index, 9999) - 1);
