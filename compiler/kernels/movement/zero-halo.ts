/** Fills the border of a value: with zeros where other values have used its memory, or with the zero of an i8 value. */
import { addDims, multiplyDims, type Dim } from '../../ir/dim.ts';
import {
  ceilDivide,
  groupType,
  imageStride,
  paddedHeight,
  paddedWidth,
  pixelOrigin,
  type KernelCode,
  type Placement,
} from '../kernel.ts';
import { beginShader } from '../shader/wgsl.ts';

const lanes = 32;
/** Channel groups that one invocation fills: finding the pixel takes divisions, which cost more than storing to it. */
const run = 16;

/** The dispatch for one buffer, whose whole width in channels `placement` covers; `border` is the word of an i8 value. */
export function emitZeroHalo(placement: Placement, border = 0): KernelCode {
  const [top, left, bottom, right] = placement.halo;
  const shader = beginShader({ buffers: [] });
  const isInteger = placement.element === 'i8';
  const result = shader.result(groupType(placement.element));
  const [width, height] = [paddedWidth(placement), paddedHeight(placement)];
  const sides: Dim = multiplyDims(placement.height, left + right);
  const pixels = addDims(multiplyDims(width, top + bottom), sides);
  const origin = shader.u32(pixelOrigin({ ...placement, channelOffset: 0 }, -top, -left));
  const [image, stride] = [shader.u32(imageStride(placement)), shader.u32(placement.channelStride)];
  const [columns, rows, count] = [width, height, pixels].map((size) => shader.u32(size));
  const [above, below] = [shader.u32(multiplyDims(width, top)), shader.u32(multiplyDims(width, top + bottom))];
  const [before, across] = [shader.u32(left), shader.u32(left + right)];
  const [firstRow, innerWidth] = [shader.u32(top), shader.u32(placement.width)];
  const value = isInteger ? shader.u32(border) : 'vec4f()';
  const body = `
  let i = invocation.x;
  if (i >= ${count}) { return; }
  var p = i;
  if (i >= ${below}) {
    let s = i - ${below};
    let x = s % ${across};
    p = (${firstRow} + s / ${across}) * ${columns} + select(x + ${innerWidth}, x, x < ${before});
  } else if (i >= ${above}) {
    p = ${columns} * ${rows} - (${below} - i);
  }
  let to = ${origin} + group.z * ${image} + p * ${stride};
  let first = group.y * ${run}u;
  for (var c = first; c < min(first + ${run}u, ${stride}); c++) { ${result}[to + c] = ${value}; }`;
  return shader.finish({
    workgroupSize: [lanes, 1, 1],
    workgroups: [ceilDivide(pixels, lanes), Math.ceil(placement.channelStride / run), placement.batch],
    body,
  });
}
