/** Walks the pixels of a value in lines that lie evenly in memory: rows of an image, or longer where no halo parts them. */
import {
  ceilDivide,
  imageStride,
  multiplyExtents,
  pixelOrigin,
  rowStride,
  type Extent,
  type Placement,
} from '../kernel.ts';
import type { Shader } from './wgsl.ts';

/** Lines over images and rows in order; all operands that are walked together share one. */
export interface Lines {
  /** Pixels in a line, the last may have fewer; lines in a part; pixels, lines and parts in all. */
  readonly columns: Extent;
  readonly perPart: Extent;
  readonly pixels: Extent;
  readonly count: Extent;
  readonly parts: Extent;
  /** Lines in an image, for addresses: where lines cross images it is 1, and an image is one line. */
  readonly perImage: Extent;
  readonly joined: boolean;
}

/** `rows`: rows of pixels in a part; left out, there is one part. */
export function linesOf(placements: readonly Placement[], rows?: number): Lines {
  const [first] = placements;
  if (!first) throw new RangeError('there is nothing to walk');
  const { batch, height, width } = first;
  const all = multiplyExtents(batch, height);
  const pixels = multiplyExtents(all, width);
  const parts = rows === undefined ? 1 : ceilDivide(all, rows);
  const joined = placements.every(({ halo }) => halo.every((side) => side === 0));
  if (joined) {
    const columns = rows === undefined ? pixels : multiplyExtents(rows, width);
    return { columns, perPart: 1, pixels, count: parts, parts, perImage: 1, joined };
  }
  return { columns: width, perPart: rows ?? all, pixels, count: all, parts, perImage: height, joined };
}

/** The uniforms of lines. */
export interface LineNames {
  readonly columns: string;
  readonly perPart: string;
  readonly pixels: string;
  readonly count: string;
  readonly parts: string;
  readonly perImage: string;
}

export const nameLines = (shader: Shader, lines: Lines): LineNames => ({
  columns: shader.u32(lines.columns),
  perPart: shader.u32(lines.perPart),
  pixels: shader.u32(lines.pixels),
  count: shader.u32(lines.count),
  parts: shader.u32(lines.parts),
  perImage: shader.u32(lines.perImage),
});

/** How an operand lies under the lines: `start(line)` is the vec4 index of channel group 0 of the line's first pixel. */
export interface LineWalk {
  readonly pixel: string;
  readonly start: (line: string) => string;
}

export function walkLines(shader: Shader, placement: Placement, lines: Lines, names: LineNames): LineWalk {
  const { channelStride } = placement;
  const image = lines.joined ? multiplyExtents(lines.columns, channelStride) : imageStride(placement);
  const origin = shader.u32(pixelOrigin(placement));
  const [imageName, rowName, pixel] = [image, rowStride(placement), channelStride].map((size) => shader.u32(size));
  return {
    pixel: pixel ?? '',
    start: (line) =>
      `${origin} + (${line} / ${names.perImage}) * ${imageName} + (${line} % ${names.perImage}) * ${rowName}`,
  };
}
