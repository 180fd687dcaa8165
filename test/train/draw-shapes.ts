/** Random shapes of operands. */
import type { Draw } from './draw.ts';

export const sizes = (draw: Draw, rank: number, most = 4): number[] =>
  Array.from({ length: rank }, () => draw.integer(1, most));

export const maps = (draw: Draw): number[] => [
  draw.integer(1, 2),
  draw.integer(1, 4),
  draw.integer(2, 5),
  draw.integer(2, 5),
];

/** An operand that broadcasts to a shape: leading axes left out, others 1. */
function narrowed(draw: Draw, shape: readonly number[]): number[] {
  const kept = draw.chance(0.3) ? shape.slice(draw.integer(0, shape.length)) : shape;
  return kept.map((size) => (draw.chance(0.4) ? 1 : size));
}

/** As `narrowed` for several operands, one of which may have it all. */
export const broadcast = (draw: Draw, count: number): number[][] => {
  const shape = sizes(draw, draw.integer(0, 4), 3);
  const whole = draw.integer(0, count);
  return Array.from({ length: count }, (_, index) => (index === whole ? [...shape] : narrowed(draw, shape)));
};
