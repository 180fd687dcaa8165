/** Quantized depthwise convolution: a word of four channels an invocation, register tiles over a row of pixels. */
import type { Node } from '../../ir/node.ts';
import {
  ceilDivide,
  channelGroups,
  multiplyExtents,
  noHalo,
  overrunOf,
  wordOf,
  type Kernel,
  type KernelRequest,
} from '../kernel.ts';
import {
  declareRequantize,
  isQuantizedDepthwise,
  packDepthwiseWords,
  packIntegerBias,
  quantizedBorder,
  quantizedOf,
  quantizedPadding,
  readQuantized,
  sumsFitF32,
} from './quantized-convolution.ts';
import { at, beginShader, range, unroll, walk, type Shader } from '../shader/wgsl.ts';
import { scaledBytes, signedBytes } from './words.ts';

/**
 * `pixels`: outputs along a row of one invocation; `bordered`: 1 reads borders from memory, 0 checks bounds; `sliding`:
 * 1 keeps a row's pixels in registers from one tap to the next, which stride and dilation of 1 allow.
 */
export type QuantizedDepthwiseSchedule = {
  readonly pixels: number;
  readonly bordered: number;
  readonly sliding: number;
};

const lanes = 32;

function slides(node: Node): boolean {
  const { stride, dilation } = readQuantized(node)?.attrs ?? { stride: [2, 2], dilation: [1, 1] };
  return stride[1] === 1 && dilation[1] === 1;
}

export const quantizedDepthwise: Kernel<QuantizedDepthwiseSchedule> = {
  name: 'quantized-depthwise',
  implements: ['quantizedConv2d'],
  profiles: ['software', 'gpu'],
  supports(node) {
    const conv = readQuantized(node);
    return conv !== undefined && isQuantizedDepthwise(conv) && sumsFitF32(conv);
  },
  schedules(node, profile) {
    const sliding = slides(node) ? 1 : 0;
    const unbordered = (sizes: readonly number[]) => sizes.map((pixels) => ({ pixels, bordered: 0, sliding }));
    if (profile === 'gpu') return unbordered([4, 2, 1]);
    return [...[4, 7, 8].map((pixels) => ({ pixels, bordered: 1, sliding })), ...unbordered([4])];
  },
  form: (node) => String(slides(node)),
  cost(node, { pixels, bordered }) {
    const [rows = 1, columns = 1] = readQuantized(node)?.kernel ?? [];
    const [height, width] = node.type.shape.slice(2).map(Number);
    if (height === undefined || width === undefined) return 0;
    // Instructions on SwiftShader: 15 a word of pixels, 24 one of weights, 8 a product, 4 a move, 100 a result.
    const taps = slides(node) ? 15 * pixels + columns * (39 + 12 * pixels) : columns * (24 + 23 * pixels);
    const tile = rows * taps + 100 * pixels;
    return Math.ceil(width / pixels) * height * Number(node.type.shape[1]) * tile * (bordered ? 1 : 2);
  },
  halo: (node, { bordered }) => (bordered ? quantizedPadding(node) : noHalo),
  border: quantizedBorder,
  emit(request, schedule) {
    const { conv, data } = quantizedOf(request);
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
      overrun: Math.ceil((beyond * data.channelStride) / 4),
    });
  },
};

/** Registers what the shader reads, in the order of its bindings and uniforms; returns the expressions. */
function declareNames(shader: Shader, request: KernelRequest, { pixels, bordered }: QuantizedDepthwiseSchedule) {
  const { conv, data } = quantizedOf(request);
  const { stride, padding, dilation, inputZero } = conv.attrs;
  const { width, height } = request.result;
  const names = {
    weights: shader.constant(packDepthwiseWords(conv), 'u32'),
    data: shader.operand(0, 'u32'),
    bias: shader.constant(packIntegerBias(conv), 'vec4i'),
    result: shader.result('u32'),
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
    outside: shader.u32(wordOf(inputZero)),
    top: shader.u32(bordered ? 0 : padding[0]),
    left: shader.u32(bordered ? 0 : padding[1]),
    // A count that only the uniform block knows keeps the driver from unrolling the loop over the sums.
    sumCount: shader.u32(pixels),
  };
  return { ...names, multipliers: declareRequantize(shader, request, conv) };
}

type Names = ReturnType<typeof declareNames>;

function pixelText({ data, from, inputColumns, outside }: Names, bordered: boolean): string {
  const word = `${data}[row + x * ${from.pixel}]`;
  const load = bordered
    ? `  let word = ${word};`
    : `  var word = ${outside};
  if (row != 0xffffffffu && x < ${inputColumns}) { word = ${word}; }`;
  return `fn pixelAt(row: u32, x: u32) -> vec4f {
${load}
  let w = ${signedBytes('word')};
  return ${scaledBytes('w')};
}`;
}

// A coordinate left of or above the image wraps around to a huge u32, so one comparison checks both sides.
const rowText = (p: Names, bordered: boolean): string =>
  bordered
    ? `let row = image + (y0 * ${p.strideY} + ky * ${p.dilationY}) * ${p.from.row};`
    : `let y1 = y0 * ${p.strideY} + ky * ${p.dilationY} - ${p.top};
    let row = select(0xffffffffu, image + y1 * ${p.from.row}, y1 < ${p.inputRows});`;

// As in quantized-conv2d-direct, products carry a factor of 2^48.
function bodyText(shader: Shader, request: KernelRequest, schedule: QuantizedDepthwiseSchedule): string {
  const { pixels, sliding } = schedule;
  const bordered = schedule.bordered === 1;
  const p = declareNames(shader, request, schedule);
  shader.declare(pixelText(p, bordered));
  const sums = range(pixels).map((i) => `p${i}`);
  return `
  let c0 = invocation.x % ${p.groupCount};
  let tile = invocation.x / ${p.groupCount};
  let n = group.z;
  let y0 = tile / ${p.tilesPerRow};
  let x0 = (tile - y0 * ${p.tilesPerRow}) * ${pixels}u;
  if (y0 >= ${p.rows}) { return; }
  let image = ${p.from.origin} + n * ${p.from.image} + c0;
  let first = x0 * ${p.strideX} - ${p.left};
  let bias = vec4f(${p.bias}[c0]) * ${2 ** 48}.0;
  let scale = ${p.multipliers}[c0] * ${2 ** -48};
${sums.map((name) => `  var ${name} = bias;`).join('\n')}
  for (var ky = 0u; ky < ${p.kernelHeight}; ky++) {
    ${rowText(p, bordered)}
    let taps = ky * ${p.kernelWidth};
${sliding ? slidingText(pixels, p) : steppingText(pixels, p)}
  }
  let out = ${at(p.to, 'n', 'y0', 'x0', 'c0')};
  var sums = array<vec4f, ${pixels}>(${sums.join(', ')});
  for (var i = 0u; i < ${p.sumCount}; i++) {
    let x = x0 + i;
    if (x < ${p.columns}) { ${p.result}[out + i * ${p.to.pixel}] = finish(sums[i], scale, n, y0, x, c0); }
  }`;
}

const weightText = ({ weights, groupCount }: Names): string => `
      let w = ${weights}[(taps + kx) * ${groupCount} + c0];
      let m = ${scaledBytes('w')};`;

const slidingText = (pixels: number, p: Names): string => `
${unroll(pixels, (i) => `    var x${i} = pixelAt(row, first + ${i}u);`)}
    for (var kx = 0u; kx < ${p.kernelWidth}; kx++) {${weightText(p)}
${unroll(pixels, (i) => `      p${i} += m * x${i};`)}
${unroll(pixels - 1, (i) => `      x${i} = x${i + 1};`)}
      x${pixels - 1} = pixelAt(row, first + kx + ${pixels}u);
    }`;

const steppingText = (pixels: number, p: Names): string => `
    for (var kx = 0u; kx < ${p.kernelWidth}; kx++) {${weightText(p)}
      let at = first + kx * ${p.dilationX};
${unroll(pixels, (i) => `      p${i} += m * pixelAt(row, at + ${i}u * ${p.strideX});`)}
    }`;
