/** The run of `golden/train/quantized.json`. */
import { readFileSync } from 'node:fs';
import { elementCount, type Tensor } from '../../compiler/ir/type.ts';
import { f32 } from '../ops/check-op.ts';

interface Recorded {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Fixture {
  readonly ranges: Readonly<Record<string, readonly [number, number]>>;
  readonly start: Readonly<Record<string, Recorded>>;
  readonly images: Recorded;
  readonly classes: Recorded;
  readonly loss: readonly number[];
  readonly final: Readonly<Record<string, Recorded>>;
}

const file = new URL('../golden/train/quantized.json', import.meta.url);
const fixture = JSON.parse(readFileSync(file, 'utf8')) as Fixture;

export const { loss, final } = fixture;

/** Ranges of the values by their keys. */
export const ranges = Object.fromEntries(
  Object.entries(fixture.ranges).map(([key, [min, max]]) => [key, { min, max }] as const),
);

export const start: ReadonlyMap<string, Tensor> = new Map(
  Object.entries(fixture.start).map(([key, { shape, data }]) => [key, f32(shape, data)]),
);

function at({ shape: [, ...shape], data }: Recorded, index: number): Tensor {
  const size = elementCount(shape);
  return f32(shape, data.slice(index * size, (index + 1) * size));
}

export const inputsOf = (step: number): Record<'image' | 'labels', Tensor> => ({
  image: at(fixture.images, step),
  labels: at(fixture.classes, step),
});

/** The largest difference of a trained tensor from the recorded one. */
export const differenceOf = (key: string, tensor: Pick<Tensor, 'data'> | undefined): number =>
  Math.max(...(final[key]?.data ?? [NaN]).map((value, index) => Math.abs(value - (tensor?.data[index] ?? NaN))));
