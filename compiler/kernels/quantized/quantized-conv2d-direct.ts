/** Quantized convolution for software adapters: register tiles over a row of pixels, words unpacked to f32 matrices. */
import { channelGroups, type Extent, type Kernel, type KernelRequest } from '../kernel.ts';
import { countTiles, pixelTiles, type PixelTiles } from '../shader/pixel-tiles.ts';
import {
  declareFinishSum,
  declareRequantize,
  isQuantizedDepthwise,
  packIntegerBias,
  packWords,
  quantizedBorder,
  quantizedOf,
  quantizedPadding,
  readQuantized,
  sumsFitF32,
  wordsAlign,
} from './quantized-convolution.ts';
import { at, beginShader, range, unroll, walk, type Shader } from '../shader/wgsl.ts';
import { scaledBytes, scaledMatrix, signedBytes } from './words.ts';

/**
 * `pixels`: outputs along a row that one invocation computes, each for 4 * `quads` channels. `exact`: 1 where f32 holds
 * every sum, 0 where sums of parts are added up in i32.
 */
export type QuantizedDirectSchedule = { readonly pixels: number; readonly quads: number; readonly exact: number };

/** Words of a part: 1024 products of at most 128 * 127 are below 2^24. */
const partDepth = 256;

export const quantizedConv2dDirect: Kernel<QuantizedDirectSchedule> = {
  name: 'quantized-conv2d-direct',
  implements: ['quantizedConv2d'],
  profiles: ['software'],
  supports(node) {
    const conv = readQuantized(node);
    return conv !== undefined && wordsAlign(conv, 4) && !isQuantizedDepthwise(conv);
  },
  schedules(node) {
    const conv = readQuantized(node);
    if (!conv) return [];
    const exact = sumsFitF32(conv) ? 1 : 0;
    const all = [8, 7, 4].flatMap((pixels) => [2, 1].map((quads) => ({ pixels, quads, exact })));
    return all.filter(({ quads }) => wordsAlign(conv, quads * 4));
  },
  form(node) {
    const conv = readQuantized(node);
    return `${conv?.attrs.groups === 1} ${conv && sumsFitF32(conv)}`;
  },
  cost(node, { pixels, quads }) {
    const conv = readQuantized(node);
    const tiles = conv && countTiles(node, conv, { pixels, quads });
    if (!conv || tiles === undefined) return 0;
    const words = channelGroups(conv.inputs) * conv.kernel[0] * conv.kernel[1];
    // Relative times on SwiftShader: a matrix and a vector multiplied, a word of pixels and one of weights unpacked.
    return tiles * words * (pixels * quads + pixels + 4 * quads);
  },
  halo: quantizedPadding,
  border: quantizedBorder,
  emit(request, schedule) {
    const { conv, data } = quantizedOf(request);
    const tiling = pixelTiles(request, conv, schedule);
    const shader = beginShader(request);
    const body = bodyText(shader, request, schedule, tiling);
    return shader.finish({
      ...tiling.launch,
      body,
      overrun: Math.ceil((tiling.beyond * conv.attrs.stride[1] * data.channelStride) / 4),
    });
  },
};

/** Registers what the shader reads, in the order of its bindings and uniforms; returns the expressions. */
function declareNames(
  shader: Shader,
  request: KernelRequest,
  { pixels, quads, exact }: QuantizedDirectSchedule,
  tiling: PixelTiles,
) {
  const { conv, data } = quantizedOf(request);
  const { stride, padding, dilation, groups } = conv.attrs;
  const u = (value: Extent): string => shader.u32(value);
  const names = {
    weights: shader.constant(packWords(conv), 'vec4u'),
    data: shader.operand(0, 'u32'),
    bias: shader.constant(packIntegerBias(conv), 'vec4i'),
    result: shader.result('u32'),
    from: walk(shader, data, -padding[0], -padding[1]),
    to: walk(shader, request.result),
    kernelHeight: u(conv.kernel[0]),
    kernelWidth: u(conv.kernel[1]),
    depth: u(channelGroups(conv.inputs)),
    strideY: u(stride[0]),
    strideX: u(stride[1]),
    dilationY: u(dilation[0]),
    dilationX: u(dilation[1]),
    quadsPerGroup: u(groups === 1 ? 0x7fffffff : conv.outputs / groups / 4),
    columns: u(tiling.width),
    tilesPerRow: u(tiling.tilesPerRow),
    tileCount: u(tiling.tiles),
    outputGroups: u(channelGroups(conv.outputs)),
    // A count that only the uniform block knows keeps the driver from unrolling the loop over the sums.
    sumCount: u(exact === 1 ? pixels : pixels * quads),
  };
  const multipliers = declareRequantize(shader, request, conv);
  if (exact === 0) declareFinishSum(shader, multipliers);
  return { ...names, multipliers };
}

type Names = ReturnType<typeof declareNames>;

interface Sum {
  readonly pixel: number;
  readonly quad: number;
  readonly name: string;
}

// Sums are exact, and therefore the same in any order and with or without contraction. Bytes are converted where they
// lie highest in a word, so that all products carry a factor of 2^48.
function bodyText(
  shader: Shader,
  request: KernelRequest,
  schedule: QuantizedDirectSchedule,
  tiling: PixelTiles,
): string {
  const { pixels, quads, exact } = schedule;
  const p = declareNames(shader, request, schedule, tiling);
  const { from } = p;
  const sums = range(pixels).flatMap((pixel) =>
    range(quads).map((quad) => ({ pixel, quad, name: `s${pixel}_${quad}` })),
  );
  const inner = `
${unroll(pixels, (i) => `          let b${i} = ${signedBytes(`${p.data}[at + ${i}u * stride]`)};`)}
${unroll(pixels, (i) => `          let x${i} = ${scaledBytes(`b${i}`)};`)}
${unroll(quads, (q) => `          let w${q} = ${p.weights}[v${q} + i];\n          let m${q} = ${scaledMatrix(`w${q}`)};`)}
${sums.map(({ name, pixel, quad }) => `          ${name} += m${quad} * x${pixel};`).join('\n')}`;
  return `
  let tile = invocation.x;
  if (tile >= ${p.tileCount}) { return; }
  let c0 = group.y * ${quads}u;
  let n = group.z;
  let y0 = tile / ${p.tilesPerRow};
  let x0 = (tile - y0 * ${p.tilesPerRow}) * ${pixels}u;
  let depth = ${p.depth};
  let stride = ${from.pixel} * ${p.strideX};
  let first = (c0 / ${p.quadsPerGroup}) * depth;
  let image = ${at(from, 'n', `(y0 * ${p.strideY})`, `(x0 * ${p.strideX})`, 'first')};
  let last = ${p.outputGroups} - 1u;
  let taps = ${p.kernelHeight} * ${p.kernelWidth} * depth;
${unroll(quads, (q) => `  let c${q + 1} = min(c0 + ${q}u, last); var v${q} = c${q + 1} * taps;`)}
${exact === 1 ? exactStart(sums, quads, p) : partsStart(sums, p)}
  for (var ky = 0u; ky < ${p.kernelHeight}; ky++) {
    for (var kx = 0u; kx < ${p.kernelWidth}; kx++) {
      let start = image + ky * ${p.dilationY} * ${from.row} + kx * ${p.dilationX} * ${from.pixel};
${exact === 1 ? loopText('0u', 'depth', inner) : partsText(sums, inner)}
${unroll(quads, (q) => `      v${q} += depth;`)}
    }
  }
  let out = ${at(p.to, 'n', 'y0', 'x0', 'c0')};
${exact === 1 ? exactEnd(sums, quads, p) : partsEnd(sums, quads, p)}`;
}

const loopText = (from: string, to: string, inner: string): string => `
        for (var i = ${from}; i < ${to}; i++) {
          let at = start + i;${inner}
        }`;

const partsText = (sums: readonly Sum[], inner: string): string => `
      for (var part = 0u; part < depth; part += ${partDepth}u) {
        let end = min(part + ${partDepth}u, depth);${loopText('part', 'end', inner)}
${sums.map(({ name }) => `        t${name} += vec4i(${name} * ${2 ** -48}); ${name} = vec4f();`).join('\n')}
      }`;

// The bias carries the factor of the products, and the multipliers take it away: both exactly.
const exactStart = (sums: readonly Sum[], quads: number, { bias, multipliers }: Names): string =>
  [
    unroll(quads, (q) => `  let b${q} = vec4f(${bias}[c${q + 1}]) * ${2 ** 48}.0;`),
    unroll(quads, (q) => `  let scale${q} = ${multipliers}[c${q + 1}] * ${2 ** -48};`),
    ...sums.map(({ name, quad }) => `  var ${name} = b${quad};`),
  ].join('\n');

const partsStart = (sums: readonly Sum[], { bias }: Names): string =>
  sums.map(({ name, quad }) => `  var ${name} = vec4f(); var t${name} = ${bias}[c${quad + 1}];`).join('\n');

function exactEnd(sums: readonly Sum[], quads: number, { result, to, columns, sumCount }: Names): string {
  const columnOf = (q: number): Sum[] => sums.filter(({ quad }) => quad === q);
  const size = columnOf(0).length;
  const store = (q: number): string => {
    const text = `${result}[here + ${q}u] = finish(sums${q}[i], scale${q}, n, y0, x, c0 + ${q}u);`;
    return q === 0 ? `    ${text}` : `    if (c0 + ${q}u <= last) { ${text} }`;
  };
  return `${unroll(
    quads,
    (q) =>
      `  var sums${q} = array<vec4f, ${size}>(${columnOf(q)
        .map(({ name }) => name)
        .join(', ')});`,
  )}
  for (var i = 0u; i < ${sumCount}; i++) {
    let x = x0 + i;
    if (x >= ${columns}) { break; }
    let here = out + i * ${to.pixel};
${unroll(quads, store)}
  }`;
}

const partsEnd = (sums: readonly Sum[], quads: number, { result, to, columns, sumCount }: Names): string => `
  var sums = array<vec4i, ${sums.length}>(${sums.map(({ name }) => `t${name}`).join(', ')});
  for (var i = 0u; i < ${sumCount}; i++) {
    let q = i % ${quads}u;
    let x = x0 + i / ${quads}u;
    if (x < ${columns} && c0 + q <= last) {
      ${result}[out + (i / ${quads}u) * ${to.pixel} + q] = finishSum(sums[i], n, y0, x, c0 + q);
    }
  }`;
