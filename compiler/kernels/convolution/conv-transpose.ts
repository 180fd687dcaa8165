/** Transposed convolution: each result cell gathers its taps; register tiles over cells of a row that share them. */
import { declareEpilogue } from '../shader/epilogue.ts';
import {
  ceilDivide,
  channelGroups,
  multiplyExtents,
  overrunOf,
  type Extent,
  type Kernel,
  type KernelRequest,
} from '../kernel.ts';
import { packBias } from '../shader/pack.ts';
import { bindTransposed, phasesOf, reachOf, readsTransposed, readTransposed, transposedOf } from './transposed.ts';
import type { Transposed } from './transposed.ts';
import { at, beginShader, range, unroll, walk, type Shader } from '../shader/wgsl.ts';

/**
 * `pixels`: cells of one invocation, each a stride from the last, for 4 * `quads` channels; `wide`: 1 takes four input
 * channels at a time, 0 one, as software adapters like it.
 */
export type TransposedSchedule = { readonly pixels: number; readonly quads: number; readonly wide: number };

const lanes = { software: 8, gpu: 32 } as const;

const groupsAlign = ({ anchor, outputs }: Transposed, block: number): boolean =>
  anchor.attrs.groups === 1 || (outputs / anchor.attrs.groups) % block === 0;

export const convTranspose: Kernel<TransposedSchedule> = {
  name: 'conv-transpose',
  implements: ['convTranspose2d'],
  profiles: ['software', 'gpu'],
  supports(node) {
    const conv = readTransposed(node);
    return conv !== undefined && groupsAlign(conv, 4) && readsTransposed(conv, 'transposed');
  },
  schedules(node, profile) {
    const conv = readTransposed(node);
    const wide = profile === 'gpu' && conv?.anchor.attrs.groups === 1 ? 1 : 0;
    const pixels = profile === 'gpu' ? [4, 2] : [8, 4];
    const all = pixels.flatMap((count) => [2, 1].map((quads) => ({ pixels: count, quads, wide })));
    return all.filter(({ quads }) => conv && groupsAlign(conv, quads * 4));
  },
  form: (node) => String(readTransposed(node)?.anchor.attrs.groups === 1),
  cost(node, { pixels, quads }) {
    const conv = readTransposed(node);
    const [, , height, width] = node.type.shape.map(Number);
    if (!conv || height === undefined || width === undefined) return 0;
    const [strideY, strideX] = conv.anchor.attrs.stride;
    const tiles = strideY * Math.ceil(height / strideY) * strideX * Math.ceil(Math.ceil(width / strideX) / pixels);
    const taps = Math.ceil(conv.kernel[0] / strideY) * Math.ceil(conv.kernel[1] / strideX);
    // As for conv2d-direct: 5 a scalar load, 15 a vec4 load, 2 a vec4 multiply-add.
    return (
      tiles *
      Math.ceil(conv.outputs / (4 * quads)) *
      conv.inputs *
      taps *
      (5 * pixels + 15 * quads + 2 * pixels * quads)
    );
  },
  halo(node) {
    const conv = readTransposed(node);
    return conv ? reachOf(conv) : [0, 0, 0, 0];
  },
  emit(request, schedule) {
    const { conv, data } = transposedOf(request);
    const { height, width, batch } = request.result;
    const [strideY, strideX] = conv.anchor.attrs.stride;
    const perPhase = ceilDivide(width, strideX);
    const tiles = multiplyExtents(ceilDivide(height, strideY), ceilDivide(perPhase, schedule.pixels));
    const shader = beginShader(request);
    const body = bodyText(shader, request, schedule);
    const size = lanes[request.profile];
    // A phase may have one cell less than the first, and its last tile reads as far beyond its row.
    const beyond = typeof perPhase === 'number' ? overrunOf(perPhase, schedule.pixels) + 1 : schedule.pixels;
    return shader.finish({
      workgroupSize: [size, 1, 1],
      workgroups: [ceilDivide(tiles, size), Math.ceil(conv.outputs / (4 * schedule.quads)), phasesOf(batch, conv)],
      body,
      overrun: beyond * data.channelStride,
    });
  },
};

/** What the shader's text reads: names of bindings, and expressions of the uniform block. */
type Names = ReturnType<typeof bind>;

function bind(shader: Shader, request: KernelRequest, { pixels, quads, wide }: TransposedSchedule) {
  const { conv, data } = transposedOf(request);
  const { stride, padding, dilation, groups } = conv.anchor.attrs;
  const { result } = request;
  const [above, before] = reachOf(conv);
  const u = (value: Extent): string => shader.u32(value);
  return {
    x: shader.operand(conv.operands[0] ?? 0),
    weights: bindTransposed(shader, conv, 'transposed', wide ? 'mat4x4f' : 'vec4f'),
    bias: shader.constant(packBias(conv.bias, conv.outputs)),
    y: shader.result(),
    from: walk(shader, data, -above, -before),
    to: walk(shader, result),
    kernel: [u(conv.kernel[0]), u(conv.kernel[1])],
    inputs: u(conv.inputs),
    stride: [u(stride[0]), u(stride[1])],
    dilation: [u(dilation[0]), u(dilation[1])],
    // Offsets of one stride beyond the border keep differences of unsigned numbers from going below zero.
    offset: [u(padding[0] + (above + 1) * stride[0]), u(padding[1] + (before + 1) * stride[1])],
    size: [u(result.height), u(result.width)],
    tilesPerPhase: u(ceilDivide(ceilDivide(result.width, stride[1]), pixels)),
    quadsPerGroup: u(groups === 1 ? 0x7fffffff : conv.outputs / groups / 4),
    outputGroups: u(channelGroups(conv.outputs)),
    // A count that only the uniform block knows keeps the driver from unrolling the loop over the sums.
    sumCount: u(pixels * quads),
  };
}

const sumNames = ({ pixels, quads }: TransposedSchedule): string[] =>
  range(pixels).flatMap((i) => range(quads).map((q) => `s${i}_${q}`));

function bodyText(shader: Shader, request: KernelRequest, schedule: TransposedSchedule): string {
  const names = bind(shader, request, schedule);
  declareEpilogue(shader, transposedOf(request).conv.tail, request);
  const { from, to, bias, stride, size, kernel, inputs, outputGroups, quadsPerGroup, tilesPerPhase } = names;
  const { pixels, quads, wide } = schedule;
  return `
  let row0 = invocation.x / ${tilesPerPhase};
  let tile = (invocation.x - row0 * ${tilesPerPhase}) * ${pixels}u;
  let phase = group.z % (${stride[0]} * ${stride[1]});
  let n = group.z / (${stride[0]} * ${stride[1]});
  let y0 = phase / ${stride[1]} + row0 * ${stride[0]};
  if (y0 >= ${size[0]}) { return; }
  let x0 = phase % ${stride[1]} + tile * ${stride[1]};
  let c0 = group.y * ${quads}u;
  let inputs = ${inputs};
  let depth = (inputs + 3u) / 4u${wide ? '' : ' * 4u'};
  let image = ${from.origin} + n * ${from.image};
  let first = (c0 / ${quadsPerGroup}) * inputs;
  let last = ${outputGroups} - 1u;
  let taps = ${kernel[0]} * ${kernel[1]} * depth;
${unroll(quads, (q) => `  let c${q + 1} = min(c0 + ${q}u, last); let w${q} = c${q + 1} * taps; let b${q} = ${bias}[c${q + 1}];`)}
${sumNames(schedule)
  .map((sum) => `  var ${sum} = b${sum.split('_')[1]};`)
  .join('\n')}
${tapsText(names, schedule)}
  let out = ${at(to, 'n', 'y0', 'x0', 'c0')};
  var sums = array<vec4f, ${pixels * quads}>(${sumNames(schedule).join(', ')});
  for (var i = 0u; i < ${names.sumCount}; i++) {
    let q = i % ${quads}u;
    let step = (i / ${quads}u) * ${stride[1]};
    if (x0 + step < ${size[1]} && c0 + q <= last) {
      ${names.y}[out + step * ${to.pixel} + q] = finish(sums[i], n, y0, x0 + step, c0 + q);
    }
  }`;
}

/** Cells a stride apart meet the same taps, at neighbouring cells of the input; those of a workgroup are all so. */
function tapsText(names: Names, { pixels, quads, wide }: TransposedSchedule): string {
  const { x, weights, from, kernel, stride, dilation, offset } = names;
  return `
  for (var ky = 0u; ky < ${kernel[0]}; ky++) {
    let down = y0 + ${offset[0]} - ky * ${dilation[0]};
    if (down % ${stride[0]} != 0u) { continue; }
    let row = image + (down / ${stride[0]} - 1u) * ${from.row};
    for (var kx = 0u; kx < ${kernel[1]}; kx++) {
      let right = x0 + ${offset[1]} - kx * ${dilation[1]};
      if (right % ${stride[1]} != 0u) { continue; }
      let start = row + (right / ${stride[1]} - 1u) * ${from.pixel};
      let tap = (ky * ${kernel[1]} + kx) * depth;
      for (var i = 0u; i < ${wide ? 'depth' : 'inputs'}; i++) {
        ${wide ? 'let at = start + i;' : 'let c = first + i; let at = start + (c >> 2u); let k = c & 3u;'}
${unroll(pixels, (i) => `        let x${i} = ${x}[at + ${i}u * ${from.pixel}]${wide ? '' : '[k]'};`)}
${unroll(quads, (q) => `        let m${q} = ${weights}[w${q} + tap + i];`)}
${unroll(pixels, (i) => `        ${unroll(quads, (q) => `s${i}_${q} += m${q} * x${i};`).replaceAll('\n', ' ')}`)}
      }
    }
  }`;
}
