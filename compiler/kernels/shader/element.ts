/** Between logical coordinates (NCHW order) and places in the physical layout, one element at a time. */
import type { Dim } from '../../ir/dim.ts';
import { imageStride, pixelOrigin, rowStride, type Placement } from '../kernel.ts';
import type { Shader } from './wgsl.ts';

/** Logical coordinates of (n, channel, y, x): beyond rank 4, y counts the axes between channels and width row-major. */
export function logicalCoordinates(shader: Shader, shape: readonly Dim[]): (channel: string) => string[] {
  const middle = shape.slice(2, -1).map((size) => shader.u32(size));
  const unfolded: string[] = [];
  let rest = 'y';
  for (const size of middle.toReversed()) {
    unfolded.unshift(unfolded.length === middle.length - 1 ? rest : `(${rest}) % ${size}`);
    rest = `(${rest}) / ${size}`;
  }
  return (channel) => ['n', channel, ...unfolded, ...(shape.length > 2 ? ['x'] : [])];
}

/** The load of one element as f32 by its logical coordinates, from a buffer of whole groups. */
export function elementIndex(
  shader: Shader,
  buffer: string,
  placement: Placement,
  shape: readonly Dim[],
  coordinates: readonly string[],
): string {
  const rank = shape.length;
  const [d0 = '0u', d1 = '0u'] = coordinates;
  const terms = [shader.u32(pixelOrigin(placement)), `${d0} * ${shader.u32(imageStride(placement))}`];
  if (rank > 1) terms.push(`${d1} / 4u`);
  if (rank > 2) terms.push(`${coordinates[rank - 1] ?? '0u'} * ${shader.u32(placement.channelStride)}`);
  const middle = shape.slice(2, -1).map((size) => shader.u32(size));
  const row = middle.reduce((sum, size, index) => {
    const coordinate = coordinates[index + 2] ?? '0u';
    return index === 0 ? coordinate : `(${sum}) * ${size} + ${coordinate}`;
  }, '');
  if (row) terms.push(`(${row}) * ${shader.u32(rowStride(placement))}`);
  const lane = rank > 1 ? `(${d1}) % 4u` : '0u';
  const group = `${buffer}[${terms.join(' + ')}]`;
  return placement.element === 'i8' ? `(f32((${group} >> (8u * (${lane}))) & 255u) - 128.0)` : `${group}[${lane}]`;
}
