/** Depthwise convolution: one channel group a lane, register tiles over a row of pixels. */
import { bindConvolution, convolutionOf, formOf, isDepthwise, paddingOf, readConvolution } from './convolution.ts';
import { declareEpilogue } from './epilogue.ts';
import {
  ceilDivide,
  channelGroups,
  multiplyExtents,
  noHalo,
  overrunOf,
  type Kernel,
  type KernelRequest,
} from './kernel.ts';
import { packDepthwise } from './pack.ts';
import { at, beginShader, range, unroll, walk, type Shader } from './wgsl.ts';

/** `pixels`: outputs along a row of one invocation; `bordered`: 1 reads zero borders from memory, 0 checks bounds. */
export type DepthwiseSchedule = { readonly pixels: number; readonly bordered: number };

const lanes = 32;

export const depthwise: Kernel<DepthwiseSchedule> = {
  name: 'depthwise',
  implements: ['conv2d'],
  profiles: ['software', 'gpu'],
  supports(node) {
    const conv = readConvolution(node);
    return conv !== undefined && isDepthwise(conv);
  },
  schedules: (_node, profile) =>
    profile === 'gpu'
      ? [4, 2, 1].map((pixels) => ({ pixels, bordered: 0 }))
      : [8, 7, 4].map((pixels) => ({ pixels, bordered: 1 })),
  form: formOf,
  cost(node, { pixels }) {
    const conv = readConvolution(node);
    const [, channels, height, width] = node.type.shape.map(Number);
    if (!conv || channels === undefined || height === undefined || width === undefined) return 0;
    const [, strideX] = conv.anchor.attrs.stride;
    const loads = (pixels - 1) * strideX + 2 * conv.kernel[1];
    return channels * height * Math.ceil(width / pixels) * loads * conv.kernel[0];
  },
  halo: (node, { bordered }) => (bordered ? paddingOf(node) : noHalo),
  emit(request, schedule) {
    const { conv, data } = convolutionOf(request);
    const { height, width, batch } = request.result;
    const groups = channelGroups(conv.outputs);
    const items = multiplyExtents(height, ceilDivide(width, schedule.pixels), groups);
    const shader = beginShader(request);
    const body = bodyText(shader, request, schedule);
    return shader.finish({
      workgroupSize: [lanes, 1, 1],
      workgroups: [ceilDivide(items, lanes), 1, batch],
      body,
      overrun: overrunOf(width, schedule.pixels) * conv.anchor.attrs.stride[1] * data.channelStride,
    });
  },
};

function bodyText(shader: Shader, request: KernelRequest, { pixels, bordered }: DepthwiseSchedule): string {
  const { conv, data } = convolutionOf(request);
  const { stride, padding, dilation } = conv.anchor.attrs;
  const [kernelHeight, kernelWidth] = conv.kernel;
  const weights = shader.constant(packDepthwise(conv.weight));
  const { data: x, bias, result } = bindConvolution(shader, conv, request);
  const from = bordered ? walk(shader, data, -padding[0], -padding[1]) : walk(shader, data);
  const to = walk(shader, request.result);
  const groups = channelGroups(conv.outputs);
  const groupCount = shader.u32(groups);
  const tilesPerRow = shader.u32(ceilDivide(request.result.width, pixels));
  const rows = shader.u32(request.result.height);
  const columns = shader.u32(request.result.width);
  const [inputRows, inputColumns] = bordered ? ['', ''] : [shader.u32(data.height), shader.u32(data.width)];
  const [top, left] = bordered ? ['', ''] : [shader.u32(padding[0]), shader.u32(padding[1])];
  declareEpilogue(shader, conv.tail, request);
  const taps = range(pixels).flatMap((i) => range(kernelWidth).map((k) => i * stride[1] + k * dilation[1]));
  const loads = [...new Set(taps)].toSorted((a, b) => a - b);
  // A coordinate left of or above the image wraps around to a huge u32, so one comparison checks both sides.
  const load = (i: number): string =>
    bordered
      ? `    let x${i} = ${x}[at + ${i}u * pixel];`
      : `    let i${i} = firstX + ${i}u;
    let x${i} = select(vec4f(), ${x}[base + select(0u, i${i} * pixel, i${i} < ${inputColumns})], inside && i${i} < ${inputColumns});`;
  const row = bordered
    ? '    let at = start + ky * step;'
    : `    let y1 = y0 * ${stride[0]}u + ky * ${dilation[0]}u - ${top};
    let inside = y1 < ${inputRows};
    let base = origin + select(0u, y1 * ${from.row}, inside);`;
  return `
  let c0 = invocation.x % ${groupCount};
  let tile = invocation.x / ${groupCount};
  let n = group.z;
  let y0 = tile / ${tilesPerRow};
  let x0 = (tile - y0 * ${tilesPerRow}) * ${pixels}u;
  if (y0 >= ${rows}) { return; }
  let pixel = ${from.pixel};
${
  bordered
    ? `  let start = ${at(from, 'n', `(y0 * ${stride[0]}u)`, `(x0 * ${stride[1]}u)`, 'c0')};
  let step = ${from.row} * ${dilation[0]}u;`
    : `  let origin = ${from.origin} + n * ${from.image} + c0;
  let firstX = x0 * ${stride[1]}u - ${left};`
}
  let b0 = ${bias}[c0];
${unroll(pixels, (i) => `  var p${i} = b0;`)}
  for (var ky = 0u; ky < ${kernelHeight}u; ky++) {
    let w = ky * ${kernelWidth}u * ${groupCount} + c0;
${row}
${loads.map(load).join('\n')}
${unroll(kernelWidth, (k) => {
  const weight = `    let w${k} = ${weights}[w + ${k}u * ${groupCount}];`;
  return `${weight}\n${unroll(pixels, (i) => `    p${i} += w${k} * x${i * stride[1] + k * dilation[1]};`)}`;
})}
  }
  let out = ${at(to, 'n', 'y0', 'x0', 'c0')};
${unroll(pixels, (i) => `  if (x0 + ${i}u < ${columns}) { ${result}[out + ${i}u * ${to.pixel}] = finish(p${i}, n, y0, x0 + ${i}u, c0); }`)}`;
}
