/** Flips and rotations of pictures and masks as gathers: every target pixel names the source pixel that it copies. */
import { zerosLike } from '../sample.ts';
import type { Mask8, Picture } from '../sample.ts';

/** For each target pixel the source pixel in row-major order, or -1 for none. */
export type Gather = Int32Array;

export function flipped(width: number, height: number, axis: 'horizontal' | 'vertical'): Gather {
  const gather = new Int32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      gather[y * width + x] = axis === 'horizontal' ? y * width + width - 1 - x : (height - 1 - y) * width + x;
    }
  }
  return gather;
}

/**
 * Rotation about the centre by degrees counter-clockwise, nearest neighbour and of the same size, bit for bit Pillow's
 * `rotate`: the inverse matrix rounded to 15 digits, then stepped through in 16.16 fixed point (Geometry.c,
 * affine_fixed). Angles with a grid of their own (multiples of 90) come out as Pillow's transposes.
 */
export function rotated(width: number, height: number, degrees: number): Gather {
  const quarter = (((degrees % 360) + 360) % 360) / 90;
  if (quarter === 0) return Int32Array.from({ length: width * height }, (_, at) => at);
  if (quarter === 2) return Int32Array.from({ length: width * height }, (_, at) => width * height - 1 - at);
  if (width === height && Number.isInteger(quarter)) return quarterTurn(width, quarter === 1);
  return affine(width, height, quarter * 90);
}

function quarterTurn(side: number, counterClockwise: boolean): Gather {
  return Int32Array.from({ length: side * side }, (_, at) => {
    const [x, y] = [at % side, Math.floor(at / side)];
    return counterClockwise ? x * side + side - 1 - y : (side - 1 - x) * side + y;
  });
}

const toFixed = (value: number): number => Math.floor(value * 65536 + 0.5);
const digits15 = (value: number): number => Number(value.toFixed(15));

function affine(width: number, height: number, degrees: number): Gather {
  const angle = (-degrees * Math.PI) / 180;
  const [cos, sin] = [digits15(Math.cos(angle)), digits15(Math.sin(angle))];
  const [centreX, centreY] = [width / 2, height / 2];
  const shiftX = cos * -centreX + sin * -centreY + centreX;
  const shiftY = -sin * -centreX + cos * -centreY + centreY;
  const [xx, xy, yx, yy] = [toFixed(cos), toFixed(sin), toFixed(-sin), toFixed(cos)];
  let rowX = toFixed(shiftX + cos * 0.5 + sin * 0.5);
  let rowY = toFixed(shiftY + -sin * 0.5 + cos * 0.5);
  const gather = new Int32Array(width * height).fill(-1);
  for (let y = 0; y < height; y++, rowX += xy, rowY += yy) {
    for (let x = 0, atX = rowX, atY = rowY; x < width; x++, atX += xx, atY += yx) {
      const [fromX, fromY] = [atX >> 16, atY >> 16];
      const inside = fromX >= 0 && fromX < width && fromY >= 0 && fromY < height;
      if (inside) gather[y * width + x] = fromY * width + fromX;
    }
  }
  return gather;
}

/** Black where no pixel is named. */
export function gatherPicture(picture: Picture, gather: Gather): Picture {
  const { channels, data } = picture;
  const result = zerosLike(picture, gather.length * channels);
  for (let pixel = 0; pixel < gather.length; pixel++) {
    const from = gather[pixel] ?? -1;
    if (from < 0) continue;
    for (let c = 0; c < channels; c++) result[pixel * channels + c] = data[from * channels + c] ?? 0;
  }
  return { ...picture, data: result };
}

/** `outside` where no pixel is named. */
export function gatherMask(mask: Mask8, gather: Gather, outside: number): Mask8 {
  const data = new Uint8Array(gather.length);
  gather.forEach((from, pixel) => (data[pixel] = from < 0 ? outside : (mask.data[from] ?? 0)));
  return { ...mask, data };
}
