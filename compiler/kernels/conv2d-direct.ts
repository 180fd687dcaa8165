/** Convolution for software adapters: register tiles over a row of pixels, zero borders in memory, no barriers. */
import {
  bindConvolution,
  convolutionOf,
  formOf,
  groupsAlign,
  isDepthwise,
  paddingOf,
  readConvolution,
  type Convolution,
} from './convolution.ts';
import { declareEpilogue } from './epilogue.ts';
import {
  ceilDivide,
  channelGroups,
  multiplyExtents,
  overrunOf,
  type Extent,
  type Kernel,
  type KernelRequest,
  type Placement,
} from './kernel.ts';
import { outputBlock, packMatrices } from './pack.ts';
import { at, beginShader, range, unroll, walk } from './wgsl.ts';

/** `pixels`: outputs along a row that one invocation computes, each for eight channels. */
export type DirectSchedule = { readonly pixels: number };

const whole = (placement: Placement): boolean => placement.halo.every((side) => side === 0);

// A 1x1 convolution over values without borders sees an image as one long row, which tiles without waste.
function seesOneRow(request: KernelRequest, { anchor, kernel }: Convolution): boolean {
  const { stride, padding } = anchor.attrs;
  const pointwise = [...kernel, ...stride].every((size) => size === 1) && padding.every((side) => side === 0);
  return pointwise && whole(request.result) && request.operands.every((operand) => !operand || whole(operand));
}

export const conv2dDirect: Kernel<DirectSchedule> = {
  name: 'conv2d-direct',
  implements: ['conv2d'],
  profiles: ['software'],
  supports(node) {
    const conv = readConvolution(node);
    return conv !== undefined && groupsAlign(conv) && !isDepthwise(conv);
  },
  schedules: (node) => ((readConvolution(node)?.kernel[1] ?? 1) > 3 ? [{ pixels: 4 }] : [8, 7, 4].map((pixels) => ({ pixels }))),
  form: formOf,
  cost(node, { pixels }) {
    const conv = readConvolution(node);
    const [, , height, width] = node.type.shape.map(Number);
    if (!conv || height === undefined || width === undefined) return 0;
    const pointwise = conv.kernel.every((size) => size === 1);
    const tiles = pointwise ? Math.ceil((height * width) / pixels) : height * Math.ceil(width / pixels);
    // Two extra pixels stand for the loads of weights, which a tile pays once whatever its width.
    return tiles * (pixels + 2) * conv.outputs * conv.inputs * conv.kernel[0] * conv.kernel[1];
  },
  halo: paddingOf,
  emit(request, { pixels }) {
    const { conv, data } = convolutionOf(request);
    const oneRow = seesOneRow(request, conv);
    const height: Extent = oneRow ? 1 : request.result.height;
    const width = oneRow ? multiplyExtents(request.result.height, request.result.width) : request.result.width;
    const tilesPerRow = ceilDivide(width, pixels);
    const tiles = multiplyExtents(height, tilesPerRow);
    const shader = beginShader(request);
    const body = bodyText(shader, request, { pixels, width, tilesPerRow, tiles });
    const [, strideX = 1] = conv.anchor.attrs.stride;
    return shader.finish({
      workgroupSize: [8, 1, 1],
      workgroups: [ceilDivide(tiles, 8), Math.ceil(conv.outputs / outputBlock), request.result.batch],
      body,
      overrun: overrunOf(width, pixels) * strideX * data.channelStride,
    });
  },
};

interface Tiling {
  readonly pixels: number;
  readonly width: Extent;
  readonly tilesPerRow: Extent;
  readonly tiles: Extent;
}

function bodyText(shader: ReturnType<typeof beginShader>, request: KernelRequest, tiling: Tiling): string {
  const { conv, data } = convolutionOf(request);
  const { pixels } = tiling;
  const { stride, padding, dilation, groups } = conv.anchor.attrs;
  const [kernelHeight, kernelWidth] = conv.kernel;
  const weights = shader.constant(packMatrices(conv.weight), 'mat4x4f');
  const { data: x, bias, result, gate } = bindConvolution(shader, conv, request);
  const from = walk(shader, data, -padding[0], -padding[1]);
  const to = walk(shader, request.result);
  const depth = shader.u32(channelGroups(conv.inputs));
  const blocksPerGroup = shader.u32(groups === 1 ? 0x7fffffff : conv.outputs / groups / outputBlock);
  const columns = shader.u32(tiling.width);
  const tilesPerRow = shader.u32(tiling.tilesPerRow);
  const tileCount = shader.u32(tiling.tiles);
  const outputGroups = shader.u32(channelGroups(conv.outputs));
  declareEpilogue(shader, conv.tail, request);
  const taps = range(pixels).flatMap((i) => range(kernelWidth).map((k) => i * stride[1] + k * dilation[1]));
  const loads = [...new Set(taps)].toSorted((a, b) => a - b);
  return `
  let tile = invocation.x;
  if (tile >= ${tileCount}) { return; }
  let block = group.y;
  let n = group.z;
  let y0 = tile / ${tilesPerRow};
  let x0 = (tile - y0 * ${tilesPerRow}) * ${pixels}u;
  let pixel = ${from.pixel};
  let depth = ${depth};
  let step = ${from.row} * ${dilation[0]}u;
  var base = ${at(from, 'n', `(y0 * ${stride[0]}u)`, `(x0 * ${stride[1]}u)`, `(block / ${blocksPerGroup}) * depth`)};
  var w = block * depth * ${kernelHeight * kernelWidth * 2}u;
${gate ? `  let gate = ${gate.walk.origin} + n * ${gate.walk.image};` : ''}
  let b0 = ${bias}[block * 2u];
  let b1 = ${bias}[block * 2u + 1u];
${unroll(pixels, (i) => `  var p${i} = b0; var q${i} = b1;`)}
  for (var ky = 0u; ky < ${kernelHeight}u; ky++) {
    for (var c = 0u; c < depth; c++) {
      let at = base + c;
${gate ? `      let s = ${gate.buffer}[gate + c];` : ''}
${loads.map((i) => `      let x${i} = ${x}[at + ${i}u * pixel]${gate ? ' * s' : ''};`).join('\n')}
${unroll(kernelWidth, (k) => tapText(weights, k, pixels, stride[1], dilation[1]))}
      w += ${kernelWidth * 2}u;
    }
    base += step;
  }
  let c0 = block * 2u;
  let out = ${at(to, 'n', 'y0', 'x0', 'c0')};
  // A loop over an indexed array compiles the epilogue once instead of once an accumulator.
  var sums = array<vec4f, ${pixels * 2}>(${range(pixels).map((i) => `p${i}, q${i}`).join(', ')});
  let wide = c0 + 1u < ${outputGroups};
  for (var i = 0u; i < ${pixels * 2}u; i++) {
    let half = i & 1u;
    let x = x0 + (i >> 1u);
    if (x < ${columns} && (half == 0u || wide)) {
      ${result}[out + (i >> 1u) * ${to.pixel} + half] = finish(sums[i], n, y0, x, c0 + half);
    }
  }`;
}

const tapText = (weights: string, k: number, pixels: number, stride: number, dilation: number): string =>
  [
    `      let m${k} = ${weights}[w + ${k * 2}u]; let o${k} = ${weights}[w + ${k * 2 + 1}u];`,
    ...range(pixels).map((i) => {
      const from = `x${i * stride + k * dilation}`;
      return `      p${i} += m${k} * ${from}; q${i} += o${k} * ${from};`;
    }),
  ].join('\n');

