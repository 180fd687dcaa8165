/**
 * Pictures of shapes made from a seed, so that examples train without a download: position, size, rotation and colours
 * are random, the background is a ramp between two colours below noise. The same bytes for the same seed and index on
 * every machine: nothing but additions, products, quotients and square roots goes into them.
 */
import { purposes, randomStream } from '../random-stream.ts';
import type { RandomStream } from '../random-stream.ts';
import type { Sample } from '../sample.ts';
import { shapeNames, shapes } from './synthetic-shapes.ts';
import type { Shape } from './synthetic-shapes.ts';

export interface SyntheticOptions {
  /** One shape and its class, or up to three and a mask: 0 is the background, the classes of the shapes follow. */
  readonly target: 'class' | 'mask';
  /** Number of classes, with the background of masks: 2 to 10, for masks to 11. */
  readonly classes: number;
  /** Height and width in pixels. */
  readonly size: number;
  readonly seed: number;
}

type Colour = readonly [number, number, number];

interface Placed {
  readonly shape: Shape;
  readonly shapeIndex: number;
  readonly colour: Colour;
  readonly centre: readonly [number, number];
  readonly radius: number;
  /** Cosine and sine of the rotation. */
  readonly turn: readonly [number, number];
}

/** Names of the classes, the background of masks first. */
export function syntheticClassNames({
  target,
  classes,
}: Pick<SyntheticOptions, 'target' | 'classes'>): readonly string[] {
  return target === 'class' ? shapeNames.slice(0, classes) : ['background', ...shapeNames.slice(0, classes - 1)];
}

/** Most classes that there are shapes for. */
export function mostSyntheticClasses(target: 'class' | 'mask'): number {
  return shapeNames.length + (target === 'mask' ? 1 : 0);
}

/** Sample `index`; classes take turns, so that any run of samples is balanced. */
export function syntheticSample(options: SyntheticOptions, index: number): Sample {
  const { target, classes, size, seed } = options;
  const random = randomStream(seed, purposes.synthetic, size, index);
  const name = `synthetic sample ${index}`;
  const ends = [pickColour(backgrounds, random), pickColour(backgrounds, random)] as const;
  const placed =
    target === 'class'
      ? [place(index % classes, size, [0.28, 0.44], random)]
      : Array.from({ length: 1 + random.below(3) }, (_, at) =>
          place((index + at * (1 + random.below(classes - 1))) % (classes - 1), size, [0.16, 0.3], random),
        );
  const data = paintBackground(size, ends, random);
  const mask = new Uint8Array(size * size);
  for (const each of placed) paintShape(data, mask, size, each);
  addNoise(data, random);
  return {
    input: { kind: 'image', image: { width: size, height: size, channels: 3, data: Uint8Array.from(data, toByte) } },
    target:
      target === 'class'
        ? { kind: 'class', label: index % classes }
        : { kind: 'mask', mask: { width: size, height: size, data: mask } },
    name,
  };
}

/** Darkest and lightest value of a channel: shapes are lighter than what is behind them, in every channel. */
const backgrounds = [10, 110] as const;
const foregrounds = [120, 250] as const;
/** Standard deviation of the noise, and greatest change by a blotch. */
const noise = 8;
const blotchHeight = 12;

const toByte = (value: number): number => Math.min(255, Math.max(0, Math.round(value)));

function pickColour([least, most]: readonly [number, number], random: RandomStream): Colour {
  return [random.between(least, most), random.between(least, most), random.between(least, most)];
}

function place(
  shapeIndex: number,
  size: number,
  [least, most]: readonly [number, number],
  random: RandomStream,
): Placed {
  const radius = size * random.between(least, most);
  const colour = pickColour(foregrounds, random);
  const free = Math.max(0, size / 2 - radius);
  const centre = [size / 2 + random.between(-free, free), size / 2 + random.between(-free, free)] as const;
  return { shape: shapes[shapeIndex] ?? (() => 1), shapeIndex, colour, centre, radius, turn: rotation(random) };
}

/** A point of the unit circle by its rational form, then quarter turns. */
function rotation(random: RandomStream): readonly [number, number] {
  const t = random.between(-0.41421356, 0.41421356);
  const [cos, sin] = [(1 - t * t) / (1 + t * t), (2 * t) / (1 + t * t)];
  return (
    (
      [
        [cos, sin],
        [-sin, cos],
        [-cos, -sin],
        [sin, -cos],
      ] as const
    )[random.below(4)] ?? [cos, sin]
  );
}

/** A ramp in a random direction, with blotches a few pixels wide. */
function paintBackground(size: number, [from, to]: readonly [Colour, Colour], random: RandomStream): Float64Array {
  const data = new Float64Array(size * size * 3);
  const [alongX, alongY] = rotation(random);
  const cells = 6;
  const blotches = Float64Array.from({ length: (cells + 1) ** 2 }, () => random.between(-blotchHeight, blotchHeight));
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const share = 0.5 + ((x + 0.5) / size - 0.5) * alongX * 0.7 + ((y + 0.5) / size - 0.5) * alongY * 0.7;
      const [gridX, gridY] = [(x / size) * cells, (y / size) * cells];
      const blotch = smooth(blotches, cells + 1, gridX, gridY);
      for (let c = 0; c < 3; c++) {
        data[(y * size + x) * 3 + c] = (from[c] ?? 0) * (1 - share) + (to[c] ?? 0) * share + blotch;
      }
    }
  }
  return data;
}

/** Bilinear between the points of a grid. */
function smooth(grid: Float64Array, stride: number, x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [shareX, shareY] = [x - left, y - top];
  const at = (column: number, row: number) => grid[row * stride + column] ?? 0;
  const upper = at(left, top) * (1 - shareX) + at(left + 1, top) * shareX;
  return upper * (1 - shareY) + (at(left, top + 1) * (1 - shareX) + at(left + 1, top + 1) * shareX) * shareY;
}

/** Covers each pixel by its distance from the border, one pixel wide; a pixel belongs to a mask from one half on. */
function paintShape(data: Float64Array, mask: Uint8Array, size: number, placed: Placed): void {
  const { shape, shapeIndex, colour, centre, radius, turn } = placed;
  const [cos, sin] = turn;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [dx, dy] = [(x + 0.5 - centre[0]) / radius, (y + 0.5 - centre[1]) / radius];
      if (dx * dx + dy * dy > 2.25) continue;
      const cover = 0.5 - shape(cos * dx + sin * dy, cos * dy - sin * dx) * radius;
      if (cover <= 0) continue;
      const share = Math.min(1, cover);
      const at = (y * size + x) * 3;
      for (let c = 0; c < 3; c++) data[at + c] = (data[at + c] ?? 0) * (1 - share) + (colour[c] ?? 0) * share;
      if (share >= 0.5) mask[y * size + x] = shapeIndex + 1;
    }
  }
}

/** Adds the sum of two uniform bytes to every value. */
function addNoise(data: Float64Array, random: RandomStream): void {
  const scale = noise / Math.sqrt((2 * (256 * 256 - 1)) / 12);
  for (let at = 0; at < data.length;) {
    for (const word of random.words()) {
      for (let half = 0; half < 2 && at < data.length; half++, at++) {
        const bits = word >>> (16 * half);
        data[at] = (data[at] ?? 0) + ((bits & 255) + ((bits >>> 8) & 255) - 255) * scale;
      }
    }
  }
}
