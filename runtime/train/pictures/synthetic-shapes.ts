/** The shapes of synthetic pictures as signed distances: negative inside, in units of the shape's radius. */

/** Signed distance of a point from the border of a shape with radius 1 about (0, 0). */
export type Shape = (x: number, y: number) => number;

export const shapeNames = [
  'circle',
  'square',
  'triangle',
  'cross',
  'ring',
  'star',
  'bar',
  'crescent',
  'frame',
  'corner',
] as const;

type Point = readonly [number, number];

const circle: Shape = (x, y) => Math.sqrt(x * x + y * y) - 1;

/** What `outer` covers and `inner` does not. */
const without =
  (outer: Shape, inner: Shape): Shape =>
  (x, y) =>
    Math.max(outer(x, y), -inner(x, y));

const scaled =
  (shape: Shape, factor: number): Shape =>
  (x, y) =>
    shape(x / factor, y / factor) * factor;

const shifted =
  (shape: Shape, byX: number, byY: number): Shape =>
  (x, y) =>
    shape(x - byX, y - byY);

/** Distance from a closed polygon: the nearest edge, negative where a ray crosses an odd number of edges. */
function polygon(points: readonly Point[]): Shape {
  // Four numbers an edge: its begin, and the way to its end.
  const edges = Float64Array.from(
    points.flatMap(([x, y], at) => {
      const [nextX, nextY] = points[(at + 1) % points.length] ?? [x, y];
      return [x, y, nextX - x, nextY - y];
    }),
  );
  return (x, y) => distanceTo(edges, x, y);
}

function distanceTo(edges: Float64Array, x: number, y: number): number {
  let nearest = Infinity;
  let inside = false;
  for (let at = 0; at < edges.length; at += 4) {
    const fromX = x - (edges[at] ?? 0);
    const fromY = y - (edges[at + 1] ?? 0);
    const dx = edges[at + 2] ?? 0;
    const dy = edges[at + 3] ?? 0;
    const along = Math.min(1, Math.max(0, (fromX * dx + fromY * dy) / (dx * dx + dy * dy)));
    const offX = fromX - along * dx;
    const offY = fromY - along * dy;
    nearest = Math.min(nearest, offX * offX + offY * offY);
    if (0 > fromY !== dy > fromY && fromX < (dx * fromY) / dy) inside = !inside;
  }
  const distance = Math.sqrt(nearest);
  return inside ? -distance : distance;
}

/** Points on circles of one radius after the other; rounded, since engines differ in the last bits of sine and cosine. */
function around(count: number, radii: readonly number[]): readonly Point[] {
  const rounded = (value: number) => Math.round(value * 1e6) / 1e6;
  return Array.from({ length: count }, (_, at) => {
    const angle = (2 * Math.PI * at) / count;
    const radius = radii[at % radii.length] ?? 1;
    return [rounded(radius * Math.sin(angle)), rounded(-radius * Math.cos(angle))] as const;
  });
}

const box = (halfWidth: number, halfHeight: number): Shape =>
  polygon([
    [-halfWidth, -halfHeight],
    [halfWidth, -halfHeight],
    [halfWidth, halfHeight],
    [-halfWidth, halfHeight],
  ]);

const arm = 0.3;
const cross: readonly Point[] = [
  [-arm, -1],
  [arm, -1],
  [arm, -arm],
  [1, -arm],
  [1, arm],
  [arm, arm],
  [arm, 1],
  [-arm, 1],
  [-arm, arm],
  [-1, arm],
  [-1, -arm],
  [-arm, -arm],
];

const corner: readonly Point[] = [
  [-0.8, -0.8],
  [-0.2, -0.8],
  [-0.2, 0.2],
  [0.8, 0.2],
  [0.8, 0.8],
  [-0.8, 0.8],
];

/** In the order of `shapeNames`. */
export const shapes: readonly Shape[] = [
  scaled(circle, 0.9),
  box(0.78, 0.78),
  polygon(around(3, [1.05])),
  polygon(cross),
  without(circle, scaled(circle, 0.55)),
  polygon(around(10, [1.1, 0.45])),
  box(1.05, 0.3),
  without(circle, shifted(scaled(circle, 0.85), 0.5, 0)),
  without(box(0.85, 0.85), box(0.45, 0.45)),
  polygon(corner),
];
