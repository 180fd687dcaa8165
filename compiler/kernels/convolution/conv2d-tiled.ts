/** Convolution for GPUs: implicit GEMM, tiles of pixels and weights staged in workgroup memory. */
import {
  bindConvolution,
  bindFilter,
  convolutionOf,
  readConvolution,
  readsForm,
  type Convolution,
} from './convolution.ts';
import { declareEpilogue } from '../shader/epilogue.ts';
import { ceilDivide, channelGroups, multiplyExtents, type Kernel, type KernelRequest } from '../kernel.ts';
import { at, beginShader, unroll, walk, type Shader } from '../shader/wgsl.ts';

/** `pixels`: outputs of one invocation, each for eight channels. A workgroup covers 8 * pixels by 64 channels. */
export type TiledSchedule = { readonly pixels: number };

/** Invocations of a workgroup along pixels, and along blocks of eight output channels. */
const side = 8;
/** vec4 of input channels staged at a time. */
const chunk = 4;

export const conv2dTiled: Kernel<TiledSchedule> = {
  name: 'conv2d-tiled',
  implements: ['conv2d', 'convTranspose2d'],
  profiles: ['gpu'],
  supports(node) {
    const conv = readConvolution(node);
    return conv?.attrs.groups === 1 && readsForm(conv);
  },
  schedules(node) {
    const pixels = Number(node.type.shape[2]) * Number(node.type.shape[3]);
    // Small images need many small tiles to fill a GPU, large ones large tiles to reuse what is staged.
    return pixels < 1024 ? [{ pixels: 2 }, { pixels: 4 }] : [{ pixels: 4 }, { pixels: 8 }, { pixels: 2 }];
  },
  emit(request, { pixels }) {
    const { conv } = convolutionOf(request);
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
  const { conv, data } = convolutionOf(request);
  const { padding } = conv.attrs;
  const names = {
    weights: bindFilter(shader, conv, 'mat4x4f'),
    ...bindConvolution(shader, conv, request),
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
  };
  declareEpilogue(shader, conv.tail, request);
  return names;
}

type Names = ReturnType<typeof declareNames>;

function bodyText(shader: Shader, request: KernelRequest, pixels: number): string {
  const { conv } = convolutionOf(request);
  const [kernelHeight, kernelWidth] = conv.kernel;
  const [tapY, tapX] = conv.flipped ? [`${kernelHeight - 1}u - ky`, `${kernelWidth - 1}u - kx`] : ['ky', 'kx'];
  const p = declareNames(shader, request);
  const tile = side * pixels;
  shader.declare(`var<workgroup> staged: array<vec4f, ${tile * chunk}>;`);
  shader.declare(`var<workgroup> matrices: array<mat4x4f, ${side * chunk * 2}>;`);
  const loads = (tile * chunk) / (side * side);
  return `
  let n = group.z;
  let depth = ${p.depth};
  let k0 = lane % ${chunk}u;
${unroll(loads, (i) => originText(i, tile, conv, p))}
  let image = ${p.from.origin} + n * ${p.from.image};
${p.gate ? `  let gate = ${p.gate.walk.origin} + n * ${p.gate.walk.image};` : ''}
  let c0 = (group.y * ${side}u + local.x) * 2u;
  let stagedC = (group.y * ${side}u + lane / ${chunk * 2}u) * 2u + lane % 2u;
  let stagedK = (lane / 2u) % ${chunk}u;
${unroll(pixels, (i) => `  var p${i} = vec4f(); var q${i} = vec4f();`)}
  for (var ky = 0u; ky < ${kernelHeight}u; ky++) {
    for (var kx = 0u; kx < ${kernelWidth}u; kx++) {
      for (var c = 0u; c < depth; c += ${chunk}u) {
${unroll(loads, (i) => stageText(i, conv, p))}
        matrices[lane] = mat4x4f();
        if (stagedC < ${p.outputGroups} && c + stagedK < depth) {
          matrices[lane] = ${p.weights}[((stagedC * ${kernelHeight}u + ${tapY}) * ${kernelWidth}u + ${tapX}) * depth + c + stagedK];
        }
        workgroupBarrier();
        for (var k = 0u; k < ${chunk}u; k++) {
          let m = matrices[(local.x * ${chunk}u + k) * 2u];
          let o = matrices[(local.x * ${chunk}u + k) * 2u + 1u];
${unroll(pixels, (i) => `          let a${i} = staged[(local.y * ${pixels}u + ${i}u) * ${chunk}u + k];`)}
${unroll(pixels, (i) => `          p${i} += m * a${i}; q${i} += o * a${i};`)}
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
const originText = (i: number, tile: number, { attrs }: Convolution, { columns, top, left }: Names): string => {
  const [strideY, strideX] = attrs.stride;
  return `  let f${i} = group.x * ${tile}u + lane / ${chunk}u + ${(i * side * side) / chunk}u;
  let y${i} = (f${i} / ${columns}) * ${strideY}u - ${top};
  let x${i} = (f${i} % ${columns}) * ${strideX}u - ${left};`;
};

// A coordinate left of or above the image wraps around to a huge u32, so one comparison checks both sides.
const stageText = (i: number, { attrs }: Convolution, { data, from, inputRows, inputColumns, gate }: Names): string => `
        {
          let y = y${i} + ky * ${attrs.dilation[0]}u;
          let x = x${i} + kx * ${attrs.dilation[1]}u;
          var v = vec4f();
          if (y < ${inputRows} && x < ${inputColumns} && c + k0 < depth) {
            v = ${data}[image + y * ${from.row} + x * ${from.pixel} + c + k0]${gate ? ` * ${gate.buffer}[gate + c + k0]` : ''};
          }
          staged[lane + ${i * side * side}u] = v;
        }`;

const storeText = (i: number, pixels: number, { columns, pixelCount, result, to, outputGroups }: Names): string =>
  `  let e${i} = group.x * ${side * pixels}u + local.y * ${pixels}u + ${i}u;
  if (e${i} < ${pixelCount}) {
    let y = e${i} / ${columns};
    let x = e${i} - y * ${columns};
    let out = ${at(to, 'n', 'y', 'x', 'c0')};
    ${result}[out] = finish(p${i} + b0, n, y, x, c0);
    if (c0 + 1u < ${outputGroups}) { ${result}[out + 1u] = finish(q${i} + b1, n, y, x, c0 + 1u); }
  }`;
