/**
 * Moves the captions of boxes along their line, in the SVG that Graphviz gave, to where no arrow crosses them. Graphviz
 * keeps room for a caption, but leads arrows into a box straight through it.
 */

/** Where a caption lies: points of the SVG, y downwards; `left` and `right` are what the caption and the box take up. */
interface Caption {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  /** The last place of its right end. */
  readonly limit: number;
}

/** Free room at each side of a caption, in points, and what sums of floats may miss it by. */
const [margin, rounding] = [5, 0.01];

/** `widths`: of the captions, in points, by the name of the cluster. */
export function placeCaptions(svg: string, widths: ReadonlyMap<string, number>): string {
  const arrows = [...svg.matchAll(/<g id="[^"]*" class="edge">.*?<\/g>/gs)].flatMap(([edge]) => pointsOf(edge));
  return svg.replaceAll(/<g id="[^"]*" class="cluster">\n<title>(.*?)<\/title>.*?<\/g>/gs, (group, name: string) => {
    const caption = captionIn(group, widths.get(unescape(name)) ?? 0);
    const shift = caption ? freeShift(caption, arrows) : 0;
    if (shift === 0) return group;
    return group.replaceAll(/(<text[^>]*? x=")([-\d.]+)/g, (_, open: string, x: string) => {
      return `${open}${(Number(x) + shift).toFixed(2)}`;
    });
  });
}

/** The names of clusters hold paths; of what XML escapes, Graphviz writes these. */
const unescape = (text: string): string =>
  text.replaceAll('&#45;', '-').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

function captionIn(group: string, width: number): Caption | undefined {
  const texts = [...group.matchAll(/<text[^>]*? x="([-\d.]+)" y="([-\d.]+)"[^>]*? font-size="([\d.]+)"/g)];
  const numbers = texts.map((each) => each.slice(1).map(Number));
  const outline = /<(?:path|polygon)[^>]*? (?:d|points)="([^"]+)"/.exec(group)?.[1] ?? '';
  const sides = [...outline.matchAll(/([-\d.]+),([-\d.]+)/g)].map(([, x]) => Number(x));
  if (numbers.length === 0 || sides.length === 0) return undefined;
  const left = Math.min(...numbers.map(([x = 0]) => x));
  return {
    left,
    right: left + width,
    top: Math.min(...numbers.map(([, y = 0, size = 0]) => y - size)),
    bottom: Math.max(...numbers.map(([, y = 0]) => y)) + margin,
    limit: Math.max(...sides) - margin,
  };
}

/** How far to the right the caption is moved; nought where it is free already, or nowhere. */
function freeShift({ left, right, top, bottom, limit }: Caption, arrows: readonly Point[]): number {
  const crossing = arrows.filter(([, y]) => y >= top && y <= bottom).map(([x]) => x);
  const isFree = (shift: number): boolean =>
    !crossing.some((x) => x > left + shift - margin + rounding && x < right + shift + margin);
  const shifts = [0, ...crossing.map((x) => x + margin - left).toSorted((a, b) => a - b)];
  return shifts.find((shift) => shift >= 0 && right + shift <= limit && isFree(shift)) ?? 0;
}

type Point = readonly [x: number, y: number];

/** Points along the line of an edge, about a point apart, and the corners of its head. */
function pointsOf(edge: string): readonly Point[] {
  const path = / d="M([^"]+)"/.exec(edge)?.[1] ?? '';
  const head = / points="([^"]+)"/.exec(edge)?.[1] ?? '';
  const controls = coordinates(path);
  const curve: Point[] = [];
  for (let at = 0; at + 3 < controls.length; at += 3) {
    const [a, b, c, d] = controls.slice(at, at + 4);
    if (!a || !b || !c || !d) continue;
    const steps = Math.max(8, Math.ceil(Math.hypot(d[0] - a[0], d[1] - a[1])));
    for (let step = 0; step <= steps; step++) {
      const t = step / steps;
      const weights = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t ** 3];
      const along = (axis: 0 | 1): number =>
        [a, b, c, d].reduce((sum, point, index) => sum + point[axis] * (weights[index] ?? 0), 0);
      curve.push([along(0), along(1)]);
    }
  }
  return [...curve, ...coordinates(head)];
}

const coordinates = (text: string): readonly Point[] =>
  [...text.matchAll(/([-\d.]+),([-\d.]+)/g)].map(([, x, y]): Point => [Number(x), Number(y)]);
