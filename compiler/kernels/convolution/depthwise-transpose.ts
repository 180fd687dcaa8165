/** Depthwise transposed convolution: one channel group an invocation, tiles of cells that a stride keeps apart. */
import { declareEpilogue } from '../shader/epilogue.ts';
import { ceilDivide, channelGroups, multiplyExtents, overrunOf, type Kernel, type KernelRequest } from '../kernel.ts';
import { packBias } from '../shader/pack.ts';
import { bindTransposed, phasesOf, reachOf, readsTransposed, readTransposed, transposedOf } from './transposed.ts';
import { at, beginShader, range, unroll, walk, type Shader } from '../shader/wgsl.ts';

/** `pixels`: cells of one invocation, each a stride from the last, so that they meet the same taps. */
export type DepthwiseTransposeSchedule = { readonly pixels: number };

const lanes = 32;

export const depthwiseTranspose: Kernel<DepthwiseTransposeSchedule> = {
  name: 'depthwise-transpose',
  implements: ['convTranspose2d'],
  profiles: ['software', 'gpu'],
  supports(node) {
    const conv = readTransposed(node);
    if (!conv || !readsTransposed(conv, 'depthwise')) return false;
    const { groups } = conv.anchor.attrs;
    return groups > 1 && conv.inputs === 1 && conv.outputs === groups;
  },
  schedules: () => [{ pixels: 4 }, { pixels: 2 }],
  halo(node) {
    const conv = readTransposed(node);
    return conv ? reachOf(conv) : [0, 0, 0, 0];
  },
  emit(request, { pixels }) {
    const { conv, data } = transposedOf(request);
    const { height, width, batch } = request.result;
    const [strideY, strideX] = conv.anchor.attrs.stride;
    const perPhase = ceilDivide(width, strideX);
    const tiles = multiplyExtents(ceilDivide(height, strideY), ceilDivide(perPhase, pixels));
    const items = multiplyExtents(tiles, channelGroups(conv.outputs));
    const shader = beginShader(request);
    const body = bodyText(shader, request, pixels);
    // A phase may have one cell less than the first, and its last tile reads as far beyond its row.
    const beyond = typeof perPhase === 'number' ? overrunOf(perPhase, pixels) + 1 : pixels;
    return shader.finish({
      workgroupSize: [lanes, 1, 1],
      workgroups: [ceilDivide(items, lanes), 1, phasesOf(batch, conv)],
      body,
      overrun: beyond * data.channelStride,
    });
  },
};

/** Registers what the shader reads, in the order of its bindings and uniforms; returns the expressions. */
function declareNames(shader: Shader, request: KernelRequest, pixels: number) {
  const { conv, data } = transposedOf(request);
  const { stride, padding, dilation } = conv.anchor.attrs;
  const { result } = request;
  const [above, before] = reachOf(conv);
  const u = (value: number): string => shader.u32(value);
  return {
    x: shader.operand(conv.operands[0] ?? 0),
    weights: bindTransposed(shader, conv, 'depthwise'),
    bias: shader.constant(packBias(conv.bias, conv.outputs)),
    y: shader.result(),
    from: walk(shader, data, -above, -before),
    to: walk(shader, result),
    kernel: [u(conv.kernel[0]), u(conv.kernel[1])],
    stride: [u(stride[0]), u(stride[1])],
    dilation: [u(dilation[0]), u(dilation[1])],
    // Offsets of one stride beyond the border keep differences of unsigned numbers from going below zero.
    offset: [u(padding[0] + (above + 1) * stride[0]), u(padding[1] + (before + 1) * stride[1])],
    size: [shader.u32(result.height), shader.u32(result.width)],
    tilesPerPhase: shader.u32(ceilDivide(ceilDivide(result.width, stride[1]), pixels)),
    quads: u(channelGroups(conv.outputs)),
    // A count that only the uniform block knows keeps the driver from unrolling the loop over the sums.
    sumCount: u(pixels),
  };
}

function bodyText(shader: Shader, request: KernelRequest, pixels: number): string {
  const p = declareNames(shader, request, pixels);
  declareEpilogue(shader, transposedOf(request).conv.tail, request);
  const { from, to, kernel, stride, dilation, offset, size } = p;
  return `
  let c0 = invocation.x % ${p.quads};
  let item = invocation.x / ${p.quads};
  let row0 = item / ${p.tilesPerPhase};
  let tile = (item - row0 * ${p.tilesPerPhase}) * ${pixels}u;
  let phase = group.z % (${stride[0]} * ${stride[1]});
  let n = group.z / (${stride[0]} * ${stride[1]});
  let y0 = phase / ${stride[1]} + row0 * ${stride[0]};
  if (y0 >= ${size[0]}) { return; }
  let x0 = phase % ${stride[1]} + tile * ${stride[1]};
  let image = ${from.origin} + n * ${from.image} + c0;
  let b = ${p.bias}[c0];
${unroll(pixels, (i) => `  var p${i} = b;`)}
  for (var ky = 0u; ky < ${kernel[0]}; ky++) {
    let down = y0 + ${offset[0]} - ky * ${dilation[0]};
    if (down % ${stride[0]} != 0u) { continue; }
    let row = image + (down / ${stride[0]} - 1u) * ${from.row};
    for (var kx = 0u; kx < ${kernel[1]}; kx++) {
      let right = x0 + ${offset[1]} - kx * ${dilation[1]};
      if (right % ${stride[1]} != 0u) { continue; }
      let start = row + (right / ${stride[1]} - 1u) * ${from.pixel};
      let m = ${p.weights}[(ky * ${kernel[1]} + kx) * ${p.quads} + c0];
${unroll(pixels, (i) => `      p${i} += m * ${p.x}[start + ${i}u * ${from.pixel}];`)}
    }
  }
  let out = ${at(to, 'n', 'y0', 'x0', 'c0')};
  var sums = array<vec4f, ${pixels}>(${range(pixels)
    .map((i) => `p${i}`)
    .join(', ')});
  for (var i = 0u; i < ${p.sumCount}; i++) {
    let step = i * ${stride[1]};
    if (x0 + step < ${size[1]}) {
      ${p.y}[out + step * ${to.pixel}] = finish(sums[i], n, y0, x0 + step, c0);
    }
  }`;
}
