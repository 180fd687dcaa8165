/** Generates the demo's images: circles, squares, triangles and crosses of any place, size and angle, with noise. */
import type { Image8 } from '../../runtime/image.ts';
import { uniformValues } from '../../runtime/philox.ts';

export const shapeNames = ['circle', 'square', 'triangle', 'cross'] as const;

export interface LabelledImage {
  readonly image: Image8;
  readonly label: number;
}

const size = 32;

/** Signed distances in pixels, negative inside; `r` is the radius of the circle around the shape. */
const distances: readonly ((x: number, y: number, r: number) => number)[] = [
  (x, y, r) => Math.hypot(x, y) - r,
  (x, y, r) => box(x, y, r * Math.SQRT1_2, r * Math.SQRT1_2),
  (x, y, r) =>
    Math.max(
      ...[0, 1, 2].map((side) => x * Math.cos((side * 2 * Math.PI) / 3) + y * Math.sin((side * 2 * Math.PI) / 3)),
    ) -
    r / 2,
  (x, y, r) => Math.min(box(x, y, r * 0.95, r * 0.3), box(x, y, r * 0.3, r * 0.95)),
];

const box = (x: number, y: number, halfWidth: number, halfHeight: number): number =>
  Math.max(Math.abs(x) - halfWidth, Math.abs(y) - halfHeight);

/** Numbers drawn for one image: seven of its form, then one of noise for each pixel. */
const formDraws = 7;

/** The image of an index: the same for the same seed, whatever else is drawn. Classes take turns. */
export function shapeImage(seed: number, index: number): LabelledImage {
  const label = index % shapeNames.length;
  const draws = uniformValues(formDraws + size * size, seed, index, [0, 1]);
  const between = (draw: number, low: number, high: number): number => low + (draws[draw] ?? 0) * (high - low);
  const radius = between(0, 7, 12);
  const [centreX, centreY] = [between(1, radius, size - radius), between(2, radius, size - radius)];
  const angle = between(3, 0, 2 * Math.PI);
  const [background, contrast, noise] = [between(4, 0, 0.25), between(5, 0.45, 0.75), between(6, 0, 0.15)];
  const distance = distances[label] ?? (() => 0);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const data = Uint8Array.from({ length: size * size }, (_, pixel) => {
    const [x, y] = [(pixel % size) + 0.5 - centreX, Math.floor(pixel / size) + 0.5 - centreY];
    const apart = distance(x * cos + y * sin, y * cos - x * sin, radius);
    // Half a pixel inside and outside of the edge blends, as a camera would.
    const coverage = Math.min(1, Math.max(0, 0.5 - apart));
    const value = background + contrast * coverage + noise * (2 * (draws[formDraws + pixel] ?? 0) - 1);
    return Math.round(255 * Math.min(1, Math.max(0, value)));
  });
  return { image: { width: size, height: size, channels: 1, data }, label };
}

const ramp = ' .:-=+*#%@';

/** The image in characters, `columns` wide and half as high, since characters are twice as high as wide. */
export function drawImage({ width, height, data }: Image8, columns: number): string[] {
  const rows = Math.round((columns * height) / width / 2);
  return Array.from({ length: rows }, (_, row) => {
    const cells = Array.from({ length: columns }, (__, column) => {
      const [fromY, toY] = [Math.floor((row * height) / rows), Math.floor(((row + 1) * height) / rows)];
      const [fromX, toX] = [Math.floor((column * width) / columns), Math.floor(((column + 1) * width) / columns)];
      let sum = 0;
      for (let y = fromY; y < toY; y++) for (let x = fromX; x < toX; x++) sum += data[y * width + x] ?? 0;
      const mean = sum / ((toY - fromY) * (toX - fromX)) / 255;
      return ramp[Math.min(ramp.length - 1, Math.floor(mean * ramp.length))] ?? ' ';
    });
    return cells.join('');
  });
}
