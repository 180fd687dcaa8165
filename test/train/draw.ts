/** Seeded random choices for generated cases: the same seed draws the same case again. */
import { elementCount, type Tensor } from '../../compiler/ir/type.ts';

/** Seed of the run: CNNC_SEED replays one. */
export const runSeed = Number(process.env['CNNC_SEED'] ?? 1);

export interface Draw {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Uniform among the integers from `least` to `most`, both included. */
  integer(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  shuffled<T>(list: readonly T[]): T[];
}

/** Mulberry32, from a seed and whatever else tells a case from others. */
export function drawOf(...keys: readonly (number | string)[]): Draw {
  let state = 0x9e3779b9;
  for (const character of keys.join('/')) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193);
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 4294967296;
  };
  const integer = (least: number, most: number): number => least + Math.floor(uniform() * (most - least + 1));
  const shuffled = <T>(list: readonly T[]): T[] => {
    const items = [...list];
    for (let at = items.length - 1; at > 0; at--) {
      const other = integer(0, at);
      [items[at], items[other]] = [items[other] as T, items[at] as T];
    }
    return items;
  };
  return {
    uniform,
    integer,
    chance: (probability) => uniform() < probability,
    pick: <T>(list: readonly T[]) => list[integer(0, list.length - 1)] as T,
    shuffled,
  };
}

/**
 * Tensors in which no two elements are closer than the range over their number, in random order; so that no maximum is
 * tied, and none comes to be when one element moves a little.
 */
export function distinctTensors(
  draw: Draw,
  shapes: readonly (readonly number[])[],
  [low, high]: readonly [number, number],
) {
  const total = shapes.reduce((sum, shape) => sum + elementCount(shape), 0);
  const values = draw.shuffled(
    Array.from({ length: total }, (_, at) => low + ((at + 0.3 + 0.4 * draw.uniform()) / total) * (high - low)),
  );
  return shapes.map((shape): Tensor => ({
    dtype: 'f32',
    shape,
    data: Float64Array.from(values.splice(0, elementCount(shape))),
  }));
}

/** The tensor with elements closer than `margin` to one of the given places moved to that distance. */
export function keptFrom(tensor: Tensor, places: readonly number[], margin: number): Tensor {
  const data = Float64Array.from(tensor.data, (value) => {
    const near = places.find((place) => Math.abs(value - place) < margin);
    return near === undefined ? value : near + (value < near ? -margin : margin);
  });
  return { ...tensor, data };
}
