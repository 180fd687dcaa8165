/** Quantized convolution for GPUs: implicit GEMM of words, tiles of pixels and weights staged in workgroup memory. */
import { ceilDivide, channelGroups, multiplyExtents, wordOf, type Kernel, type KernelRequest } from '../kernel.ts';
import {
  declareFinishSum,
  declareRequantize,
  packIntegerBias,
  packWords,
  quantizedOf,
  readQuantized,
  type QuantizedConvolution,
} from './quantized-convolution.ts';
import { at, beginShader, unroll, walk, type Shader } from '../shader/wgsl.ts';
import { signedBytes } from './words.ts';

/** `pixels`: outputs of one invocation, each for eight channels. A workgroup covers 8 * pixels by 64 channels. */
export type QuantizedTiledSchedule = { readonly pixels: number };

/** Invocations of a workgroup along pixels, and along blocks of eight output channels. */
const side = 8;
/** Words of input channels staged at a time. */
const chunk = 4;

export const quantizedConv2dTiled: Kernel<QuantizedTiledSchedule> = {
  name: 'quantized-conv2d-tiled',
  implements: ['quantizedConv2d'],
  profiles: ['gpu'],
  supports: (node) => readQuantized(node)?.attrs.groups === 1,
  schedules(node) {
    const pixels = Number(node.type.shape[2]) * Number(node.type.shape[3]);
    // Small images need many small tiles to fill a GPU, large ones large tiles to reuse what is staged.
    return pixels < 1024 ? [{ pixels: 2 }, { pixels: 4 }] : [{ pixels: 4 }, { pixels: 8 }, { pixels: 2 }];
  },
  emit(request, { pixels }) {
    const { conv } = quantizedOf(request);
    const count = multiplyExtents(request.result.height, request.result.width);
    const shader = beginShader(request);
    const body = bodyText(shader, request, pixels);
    return shader.finish({
      workgroupSize: [side, side, 1],
      workgroups: [ceilDivide(count, side * pixels), Math.ceil(conv.outputs / (side * 8)), request.result.batch],
      body,
    });
  },
};

/** Registers what the shader reads, in the order of its bindings and uniforms; returns the expressions. */
function declareNames(shader: Shader, request: KernelRequest) {
  const { conv, data } = quantizedOf(request);
  const { padding, inputZero } = conv.attrs;
  const names = {
    weights: shader.constant(packWords(conv), 'vec4u'),
    data: shader.operand(0, 'u32'),
    bias: shader.constant(packIntegerBias(conv), 'vec4i'),
    result: shader.result('u32'),
    from: walk(shader, data),
    to: walk(shader, request.result),
    depth: shader.u32(channelGroups(conv.inputs)),
    outputGroups: shader.u32(channelGroups(conv.outputs)),
    inputRows: shader.u32(data.height),
    inputColumns: shader.u32(data.width),
    columns: shader.u32(request.result.width),
    pixelCount: shader.u32(multiplyExtents(request.result.height, request.result.width)),
    top: shader.u32(padding[0]),
    left: shader.u32(padding[1]),
    outside: shader.u32(wordOf(inputZero)),
  };
  declareFinishSum(shader, declareRequantize(shader, request, conv));
  return names;
}

type Names = ReturnType<typeof declareNames>;

function bodyText(shader: Shader, request: KernelRequest, pixels: number): string {
  const { conv } = quantizedOf(request);
  const [kernelHeight, kernelWidth] = conv.kernel;
  const p = declareNames(shader, request);
  const tile = side * pixels;
  shader.declare(`var<workgroup> staged: array<u32, ${tile * chunk}>;`);
  shader.declare(`var<workgroup> matrices: array<vec4u, ${side * chunk * 2}>;`);
  shader.declare(`fn products(w: vec4u, x: u32) -> vec4i {
  return vec4i(${[...'xyzw'].map((lane) => `dot4I8Packed(w.${lane}, x)`).join(', ')});
}`);
  const loads = (tile * chunk) / (side * side);
  return `
  let n = group.z;
  let depth = ${p.depth};
  let k0 = lane % ${chunk}u;
${unroll(loads, (i) => originText(i, tile, conv, p))}
  let image = ${p.from.origin} + n * ${p.from.image};
  let c0 = (group.y * ${side}u + local.x) * 2u;
  let stagedC = (group.y * ${side}u + lane / ${chunk * 2}u) * 2u + lane % 2u;
  let stagedK = (lane / 2u) % ${chunk}u;
${unroll(pixels, (i) => `  var p${i} = vec4i(); var q${i} = vec4i();`)}
  for (var ky = 0u; ky < ${kernelHeight}u; ky++) {
    for (var kx = 0u; kx < ${kernelWidth}u; kx++) {
      for (var c = 0u; c < depth; c += ${chunk}u) {
${unroll(loads, (i) => stageText(i, conv, p))}
        matrices[lane] = vec4u();
        if (stagedC < ${p.outputGroups} && c + stagedK < depth) {
          matrices[lane] = ${p.weights}[((stagedC * ${kernelHeight}u + ky) * ${kernelWidth}u + kx) * depth + c + stagedK];
        }
        workgroupBarrier();
        for (var k = 0u; k < ${chunk}u; k++) {
          let m = matrices[(local.x * ${chunk}u + k) * 2u];
          let o = matrices[(local.x * ${chunk}u + k) * 2u + 1u];
${unroll(pixels, (i) => `          let a${i} = staged[(local.y * ${pixels}u + ${i}u) * ${chunk}u + k];`)}
${unroll(pixels, (i) => `          p${i} += products(m, a${i}); q${i} += products(o, a${i});`)}
        }
        workgroupBarrier();
      }
    }
  }
  if (c0 >= ${p.outputGroups}) { return; }
  let b0 = ${p.bias}[c0];
  let b1 = ${p.bias}[min(c0 + 1u, ${p.outputGroups} - 1u)];
${unroll(pixels, (i) => storeText(i, pixels, p))}`;
}

/** Top left corner of the window of the pixel that an invocation stages. */
const originText = (i: number, tile: number, { attrs }: QuantizedConvolution, p: Names): string => {
  const [strideY, strideX] = attrs.stride;
  return `  let f${i} = group.x * ${tile}u + lane / ${chunk}u + ${(i * side * side) / chunk}u;
  let y${i} = (f${i} / ${p.columns}) * ${strideY}u - ${p.top};
  let x${i} = (f${i} % ${p.columns}) * ${strideX}u - ${p.left};`;
};

// A coordinate left of or above the image wraps around to a huge u32, so one comparison checks both sides. Words behind
// the last input channel meet weights of zero.
const stageText = (i: number, { attrs }: QuantizedConvolution, p: Names): string => `
        {
          let y = y${i} + ky * ${attrs.dilation[0]}u;
          let x = x${i} + kx * ${attrs.dilation[1]}u;
          var v = ${p.outside};
          if (y < ${p.inputRows} && x < ${p.inputColumns} && c + k0 < depth) {
            v = ${p.data}[image + y * ${p.from.row} + x * ${p.from.pixel} + c + k0];
          }
          staged[lane + ${i * side * side}u] = ${signedBytes('v')};
        }`;

const storeText = (i: number, pixels: number, { columns, pixelCount, result, to, outputGroups }: Names): string =>
  `  let e${i} = group.x * ${side * pixels}u + local.y * ${pixels}u + ${i}u;
  if (e${i} < ${pixelCount}) {
    let y = e${i} / ${columns};
    let x = e${i} - y * ${columns};
    let out = ${at(to, 'n', 'y', 'x', 'c0')};
    ${result}[out] = finishSum(p${i} + b0, n, y, x, c0);
    if (c0 + 1u < ${outputGroups}) { ${result}[out + 1u] = finishSum(q${i} + b1, n, y, x, c0 + 1u); }
  }`;
