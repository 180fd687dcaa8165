/** Convolution for software adapters: register tiles over a row of pixels, zero borders in memory, no barriers. */
import {
  bindConvolution,
  bindFilter,
  convolutionOf,
  groupsAlign,
  isDepthwise,
  paddingOf,
  readConvolution,
  readsForm,
} from './convolution.ts';
import { declareEpilogue, hasResidual } from '../shader/epilogue.ts';
import { channelGroups, type Extent, type Kernel, type KernelRequest } from '../kernel.ts';
import { countTiles, pixelTiles, type PixelTiles } from '../shader/pixel-tiles.ts';
import { at, beginShader, range, unroll, walk, type Shader } from '../shader/wgsl.ts';

/** `pixels`: outputs along a row that one invocation computes, each for 4 * `quads` channels. */
export type DirectSchedule = { readonly pixels: number; readonly quads: number };

export const conv2dDirect: Kernel<DirectSchedule> = {
  name: 'conv2d-direct',
  implements: ['conv2d', 'convTranspose2d'],
  profiles: ['software'],
  supports(node) {
    const conv = readConvolution(node);
    return conv !== undefined && groupsAlign(conv, 4) && !isDepthwise(conv) && readsForm(conv);
  },
  schedules(node) {
    const conv = readConvolution(node);
    const all = [8, 7, 4].flatMap((pixels) => [4, 2, 1].map((quads) => ({ pixels, quads })));
    return all.filter(({ pixels, quads }) => conv && groupsAlign(conv, quads * 4) && pixels * quads > 4);
  },
  // Kernel size, stride and dilation are uniforms, so that all layers of a model can share one pipeline.
  form: (node) => String(readConvolution(node)?.attrs.groups === 1),
  cost(node, { pixels, quads }) {
    const conv = readConvolution(node);
    const tiles = conv && countTiles(node, conv, { pixels, quads });
    if (!conv || tiles === undefined) return 0;
    const products = tiles * conv.inputs * conv.kernel[0] * conv.kernel[1];
    // Nanoseconds on SwiftShader: 5 a scalar load, 15 a vec4 load, 2 a vec4 multiply-add.
    return products * (5 * pixels + 15 * quads + 2 * pixels * quads);
  },
  hasResidual(node) {
    const conv = readConvolution(node);
    return conv !== undefined && hasResidual(conv.tail);
  },
  halo: paddingOf,
  emit(request, schedule) {
    const { conv, data } = convolutionOf(request);
    const tiling = pixelTiles(request, conv, schedule);
    const shader = beginShader(request);
    const body = bodyText(shader, request, schedule, tiling);
    return shader.finish({
      ...tiling.launch,
      body,
      overrun: tiling.beyond * conv.attrs.stride[1] * data.channelStride,
    });
  },
};

/** Registers what the shader reads, in the order of its bindings and uniforms; returns the expressions. */
function declareNames(shader: Shader, request: KernelRequest, { pixels, quads }: DirectSchedule, tiling: PixelTiles) {
  const { conv, data } = convolutionOf(request);
  const { stride, padding, dilation, groups } = conv.attrs;
  const u = (value: Extent): string => shader.u32(value);
  const names = {
    weights: bindFilter(shader, conv),
    ...bindConvolution(shader, conv, request),
    from: walk(shader, data, -padding[0], -padding[1]),
    to: walk(shader, request.result),
    kernelHeight: u(conv.kernel[0]),
    kernelWidth: u(conv.kernel[1]),
    inputs: u(conv.inputs),
    strideY: u(stride[0]),
    strideX: u(stride[1]),
    dilationY: u(dilation[0]),
    dilationX: u(dilation[1]),
    // 1 reads the taps from the last to the first.
    flipped: u(conv.flipped ? 1 : 0),
    quadsPerGroup: u(groups === 1 ? 0x7fffffff : conv.outputs / groups / 4),
    columns: u(tiling.width),
    tilesPerRow: u(tiling.tilesPerRow),
    tileCount: u(tiling.tiles),
    outputGroups: u(channelGroups(conv.outputs)),
    // A count that only the uniform block knows keeps the driver from unrolling the loop over the sums.
    sumCount: u(pixels * quads),
  };
  declareEpilogue(shader, conv.tail, request);
  return names;
}

// One input channel at a time: a body of few loads compiles several times faster than one of vec4 loads and matrices,
// and on lavapipe it also runs faster.
function bodyText(shader: Shader, request: KernelRequest, schedule: DirectSchedule, tiling: PixelTiles): string {
  const { pixels, quads } = schedule;
  const p = declareNames(shader, request, schedule, tiling);
  const { from, gate } = p;
  const sums = range(pixels).flatMap((i) => range(quads).map((q) => ({ i, q, name: `s${i}_${q}` })));
  return `
  let tile = invocation.x;
  if (tile >= ${p.tileCount}) { return; }
  let c0 = group.y * ${quads}u;
  let n = group.z;
  let y0 = tile / ${p.tilesPerRow};
  let x0 = (tile - y0 * ${p.tilesPerRow}) * ${pixels}u;
  let inputs = ${p.inputs};
  let stride = ${from.pixel} * ${p.strideX};
  let depth = (inputs + 3u) / 4u * 4u;
  let image = ${at(from, 'n', `(y0 * ${p.strideY})`, `(x0 * ${p.strideX})`, '0u')};
  let first = (c0 / ${p.quadsPerGroup}) * inputs;
${gate ? `  let gate = ${gate.walk.origin} + n * ${gate.walk.image};` : ''}
  let last = ${p.outputGroups} - 1u;
  let taps = ${p.kernelHeight} * ${p.kernelWidth} * depth;
  let flipped = ${p.flipped} == 1u;
  let firstTap = select(0u, taps - depth, flipped);
  let nextTap = select(depth, 0u - depth, flipped);
${unroll(quads, (q) => `  let c${q + 1} = min(c0 + ${q}u, last); var w${q} = c${q + 1} * taps + firstTap; let b${q} = ${p.bias}[c${q + 1}];`)}
${sums.map(({ name, q }) => `  var ${name} = b${q};`).join('\n')}
  for (var ky = 0u; ky < ${p.kernelHeight}; ky++) {
    for (var kx = 0u; kx < ${p.kernelWidth}; kx++) {
      let start = image + ky * ${p.dilationY} * ${from.row} + kx * ${p.dilationX} * ${from.pixel};
      for (var i = 0u; i < inputs; i++) {
        let c = first + i;
        let at = start + (c >> 2u);
        let k = c & 3u;
${gate ? `        let g = ${gate.buffer}[gate + (c >> 2u)][k];` : ''}
${unroll(pixels, (i) => `        let x${i} = ${p.data}[at + ${i}u * stride][k]${gate ? ' * g' : ''};`)}
${unroll(quads, (q) => `        let m${q} = ${p.weights}[w${q} + i];`)}
${sums.map(({ name, i, q }) => `        ${name} += m${q} * x${i};`).join('\n')}
      }
${unroll(quads, (q) => `      w${q} += nextTap;`)}
    }
  }
  let out = ${at(p.to, 'n', 'y0', 'x0', 'c0')};
  var sums = array<vec4f, ${sums.length}>(${sums.map(({ name }) => name).join(', ')});
  for (var i = 0u; i < ${p.sumCount}; i++) {
    let q = i % ${quads}u;
    let x = x0 + i / ${quads}u;
    if (x < ${p.columns} && c0 + q <= last) {
      ${p.result}[out + (i / ${quads}u) * ${p.to.pixel} + q] = finish(sums[i], n, y0, x, c0 + q);
    }
  }`;
}
