/** Depthwise convolution: one channel group a lane, register tiles over a row of pixels. */
import {
  bindConvolution,
  bindFilter,
  convolutionOf,
  isDepthwise,
  paddingOf,
  readConvolution,
  readsForm,
} from './convolution.ts';
import { declareEpilogue } from '../shader/epilogue.ts';
import {
  ceilDivide,
  channelGroups,
  multiplyExtents,
  noHalo,
  overrunOf,
  type Kernel,
  type KernelRequest,
} from '../kernel.ts';
import { at, beginShader, range, unroll, walk, type Shader } from '../shader/wgsl.ts';

/**
 * `pixels`: outputs along a row of one invocation; `bordered`: 1 reads zero borders from memory, 0 checks bounds;
 * `sliding`: 1 keeps a row's pixels in registers from one tap to the next, which stride and dilation of 1 allow.
 */
export type DepthwiseSchedule = { readonly pixels: number; readonly bordered: number; readonly sliding: number };

const lanes = 32;

function slides(node: Parameters<typeof readConvolution>[0]): boolean {
  const { stride, dilation } = readConvolution(node)?.attrs ?? { stride: [2, 2], dilation: [1, 1] };
  return stride[1] === 1 && dilation[1] === 1;
}

export const depthwise: Kernel<DepthwiseSchedule> = {
  name: 'depthwise',
  implements: ['conv2d', 'convTranspose2d'],
  profiles: ['software', 'gpu'],
  supports(node) {
    const conv = readConvolution(node);
    return conv !== undefined && isDepthwise(conv) && readsForm(conv, 'depthwise');
  },
  schedules(node, profile) {
    const sliding = slides(node) ? 1 : 0;
    return profile === 'gpu'
      ? [4, 2, 1].map((pixels) => ({ pixels, bordered: 0, sliding }))
      : [4, 8].map((pixels) => ({ pixels, bordered: 1, sliding }));
  },
  halo: (node, { bordered }) => (bordered ? paddingOf(node) : noHalo),
  emit(request, schedule) {
    const { conv, data } = convolutionOf(request);
    const { height, width, batch } = request.result;
    const items = multiplyExtents(height, ceilDivide(width, schedule.pixels), channelGroups(conv.outputs));
    const shader = beginShader(request);
    const body = bodyText(shader, request, schedule);
    // One more than the tile: a sliding window loads the pixel after its last tap.
    const beyond = (overrunOf(width, schedule.pixels) + 1) * conv.attrs.stride[1];
    return shader.finish({
      workgroupSize: [lanes, 1, 1],
      workgroups: [ceilDivide(items, lanes), 1, batch],
      body,
      overrun: beyond * data.channelStride,
    });
  },
};

/** Registers what the shader reads, in the order of its bindings and uniforms; returns the expressions. */
function declareNames(shader: Shader, request: KernelRequest, { pixels, bordered }: DepthwiseSchedule) {
  const { conv, data } = convolutionOf(request);
  const { stride, padding, dilation } = conv.attrs;
  const { width, height } = request.result;
  const names = {
    weights: bindFilter(shader, conv, 'vec4f', 'depthwise'),
    ...bindConvolution(shader, conv, request),
    from: bordered ? walk(shader, data, -padding[0], -padding[1]) : walk(shader, data),
    to: walk(shader, request.result),
    groupCount: shader.u32(channelGroups(conv.outputs)),
    tilesPerRow: shader.u32(ceilDivide(width, pixels)),
    rows: shader.u32(height),
    columns: shader.u32(width),
    kernelHeight: shader.u32(conv.kernel[0]),
    kernelWidth: shader.u32(conv.kernel[1]),
    strideY: shader.u32(stride[0]),
    strideX: shader.u32(stride[1]),
    dilationY: shader.u32(dilation[0]),
    dilationX: shader.u32(dilation[1]),
    inputRows: shader.u32(data.height),
    inputColumns: shader.u32(data.width),
    // 1 reads the taps from the last to the first.
    flipped: shader.u32(conv.flipped ? 1 : 0),
    top: shader.u32(bordered ? 0 : padding[0]),
    left: shader.u32(bordered ? 0 : padding[1]),
    // A count that only the uniform block knows keeps the driver from unrolling the loop over the sums.
    sumCount: shader.u32(pixels),
  };
  declareEpilogue(shader, conv.tail, request);
  return names;
}

type Names = ReturnType<typeof declareNames>;

const pixelText = ({ data, from, inputColumns }: Names, bordered: boolean): string =>
  bordered
    ? `fn pixelAt(row: u32, x: u32) -> vec4f { return ${data}[row + x * ${from.pixel}]; }`
    : `fn pixelAt(row: u32, x: u32) -> vec4f {
  if (row == 0xffffffffu || x >= ${inputColumns}) { return vec4f(); }
  return ${data}[row + x * ${from.pixel}];
}`;

// A coordinate left of or above the image wraps around to a huge u32, so one comparison checks both sides.
const rowText = (p: Names, bordered: boolean): string =>
  bordered
    ? `let row = image + (y0 * ${p.strideY} + ky * ${p.dilationY}) * ${p.from.row};`
    : `let y1 = y0 * ${p.strideY} + ky * ${p.dilationY} - ${p.top};
    let row = select(0xffffffffu, image + y1 * ${p.from.row}, y1 < ${p.inputRows});`;

function bodyText(shader: Shader, request: KernelRequest, schedule: DepthwiseSchedule): string {
  const { pixels, sliding } = schedule;
  const bordered = schedule.bordered === 1;
  const p = declareNames(shader, request, schedule);
  shader.declare(pixelText(p, bordered));
  return `
  let c0 = invocation.x % ${p.groupCount};
  let tile = invocation.x / ${p.groupCount};
  let n = group.z;
  let y0 = tile / ${p.tilesPerRow};
  let x0 = (tile - y0 * ${p.tilesPerRow}) * ${pixels}u;
  if (y0 >= ${p.rows}) { return; }
  let image = ${p.from.origin} + n * ${p.from.image} + c0;
  let first = x0 * ${p.strideX} - ${p.left};
  let b0 = ${p.bias}[c0];
  let flipped = ${p.flipped} == 1u;
  let firstTap = select(0u, (${p.kernelHeight} * ${p.kernelWidth} - 1u) * ${p.groupCount}, flipped) + c0;
  let nextTap = select(${p.groupCount}, 0u - ${p.groupCount}, flipped);
${unroll(pixels, (i) => `  var p${i} = b0;`)}
  for (var ky = 0u; ky < ${p.kernelHeight}; ky++) {
    ${rowText(p, bordered)}
    var w = firstTap + ky * ${p.kernelWidth} * nextTap;
${sliding ? slidingText(pixels, p) : steppingText(pixels, p)}
  }
  let out = ${at(p.to, 'n', 'y0', 'x0', 'c0')};
  var sums = array<vec4f, ${pixels}>(${range(pixels)
    .map((i) => `p${i}`)
    .join(', ')});
  for (var i = 0u; i < ${p.sumCount}; i++) {
    let x = x0 + i;
    if (x < ${p.columns}) { ${p.result}[out + i * ${p.to.pixel}] = finish(sums[i], n, y0, x, c0); }
  }`;
}

const slidingText = (pixels: number, { weights, kernelWidth }: Names): string => `
${unroll(pixels, (i) => `    var x${i} = pixelAt(row, first + ${i}u);`)}
    for (var kx = 0u; kx < ${kernelWidth}; kx++) {
      let m = ${weights}[w];
${unroll(pixels, (i) => `      p${i} += m * x${i};`)}
      w += nextTap;
${unroll(pixels - 1, (i) => `      x${i} = x${i + 1};`)}
      x${pixels - 1} = pixelAt(row, first + kx + ${pixels}u);
    }`;

const steppingText = (pixels: number, { weights, kernelWidth, strideX, dilationX }: Names): string => `
    for (var kx = 0u; kx < ${kernelWidth}; kx++) {
      let m = ${weights}[w];
      let at = first + kx * ${dilationX};
${unroll(pixels, (i) => `      p${i} += m * pixelAt(row, at + ${i}u * ${strideX});`)}
      w += nextTap;
    }`;
