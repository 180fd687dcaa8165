/** Convolution for GPUs: implicit GEMM, tiles of pixels and weights staged in workgroup memory. */
import { bindConvolution, convolutionOf, readConvolution } from './convolution.ts';
import { declareEpilogue } from './epilogue.ts';
import { ceilDivide, channelGroups, multiplyExtents, type Kernel, type KernelRequest } from './kernel.ts';
import { outputBlock, packMatrices } from './pack.ts';
import { at, beginShader, range, unroll, walk, type Shader } from './wgsl.ts';

/** `pixels`: outputs of one invocation, each for eight channels. A workgroup covers 8 * pixels by 64 channels. */
export type TiledSchedule = { readonly pixels: number };

/** Invocations of a workgroup along pixels, and along blocks of eight output channels. */
const side = 8;
/** vec4 of input channels staged at a time. */
const chunk = 4;

export const conv2dTiled: Kernel<TiledSchedule> = {
  name: 'conv2d-tiled',
  implements: ['conv2d'],
  profiles: ['gpu'],
  supports: (node) => readConvolution(node)?.anchor.attrs.groups === 1,
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
      workgroups: [
        ceilDivide(count, side * pixels),
        Math.ceil(conv.outputs / (side * outputBlock)),
        request.result.batch,
      ],
      body,
    });
  },
};

function bodyText(shader: Shader, request: KernelRequest, pixels: number): string {
  const { conv, data } = convolutionOf(request);
  const { stride, padding, dilation } = conv.anchor.attrs;
  const [kernelHeight, kernelWidth] = conv.kernel;
  const weights = shader.constant(packMatrices(conv.weight), 'mat4x4f');
  const { data: x, bias, result, gate } = bindConvolution(shader, conv, request);
  const [from, to] = [walk(shader, data), walk(shader, request.result)];
  const depth = shader.u32(channelGroups(conv.inputs));
  const blocks = shader.u32(Math.ceil(conv.outputs / outputBlock));
  const outputGroups = shader.u32(channelGroups(conv.outputs));
  const [inputRows, inputColumns] = [shader.u32(data.height), shader.u32(data.width)];
  const columns = shader.u32(request.result.width);
  const pixelCount = shader.u32(multiplyExtents(request.result.height, request.result.width));
  const [top, left] = [shader.u32(padding[0]), shader.u32(padding[1])];
  declareEpilogue(shader, conv.tail, request);
  const tile = side * pixels;
  shader.declare(`var<workgroup> staged: array<vec4f, ${tile * chunk}>;`);
  shader.declare(`var<workgroup> matrices: array<mat4x4f, ${side * chunk * 2}>;`);
  const loads = (tile * chunk) / (side * side);
  const perLoad = (side * side) / chunk;
  return `
  let n = group.z;
  let depth = ${depth};
  let k0 = lane % ${chunk}u;
${unroll(
  loads,
  (i) => `  let f${i} = group.x * ${tile}u + lane / ${chunk}u + ${i * perLoad}u;
  let y${i} = (f${i} / ${columns}) * ${stride[0]}u - ${top};
  let x${i} = (f${i} % ${columns}) * ${stride[1]}u - ${left};`,
)}
  let image = ${from.origin} + n * ${from.image};
${gate ? `  let gate = ${gate.walk.origin} + n * ${gate.walk.image};` : ''}
  let block = group.y * ${side}u + local.x;
  let stagedBlock = group.y * ${side}u + lane / ${chunk * 2}u;
  let stagedK = (lane / 2u) % ${chunk}u;
${unroll(pixels, (i) => `  var p${i} = vec4f(); var q${i} = vec4f();`)}
  for (var ky = 0u; ky < ${kernelHeight}u; ky++) {
    for (var kx = 0u; kx < ${kernelWidth}u; kx++) {
      for (var c = 0u; c < depth; c += ${chunk}u) {
${unroll(loads, (i) => stageText(i, { x, from, inputRows, inputColumns, gate: gate?.buffer, dilation }))}
        matrices[lane] = mat4x4f();
        if (stagedBlock < ${blocks} && c + stagedK < depth) {
          matrices[lane] = ${weights}[(((stagedBlock * ${kernelHeight}u + ky) * depth + c + stagedK) * ${kernelWidth}u + kx) * 2u + lane % 2u];
        }
        workgroupBarrier();
        for (var k = 0u; k < ${chunk}u; k++) {
          let m = matrices[(local.x * ${chunk}u + k) * 2u];
          let o = matrices[(local.x * ${chunk}u + k) * 2u + 1u];
${unroll(
  pixels,
  (i) => `          let a${i} = staged[(local.y * ${pixels}u + ${i}u) * ${chunk}u + k];
          p${i} += m * a${i}; q${i} += o * a${i};`,
)}
        }
        workgroupBarrier();
      }
    }
  }
  if (block >= ${blocks}) { return; }
  let c0 = block * 2u;
  let b0 = ${bias}[c0];
  let b1 = ${bias}[c0 + 1u];
${range(pixels)
  .map(
    (i) => `  let e${i} = group.x * ${tile}u + local.y * ${pixels}u + ${i}u;
  if (e${i} < ${pixelCount}) {
    let y = e${i} / ${columns};
    let x = e${i} - y * ${columns};
    let out = ${at(to, 'n', 'y', 'x', 'c0')};
    ${result}[out] = finish(p${i} + b0, n, y, x, c0);
    if (c0 + 1u < ${outputGroups}) { ${result}[out + 1u] = finish(q${i} + b1, n, y, x, c0 + 1u); }
  }`,
  )
  .join('\n')}`;
}

interface Stage {
  readonly x: string;
  readonly from: ReturnType<typeof walk>;
  readonly inputRows: string;
  readonly inputColumns: string;
  readonly gate: string | undefined;
  readonly dilation: readonly [number, number];
}

// A coordinate left of or above the image wraps around to a huge u32, so one comparison checks both sides.
const stageText = (i: number, { x, from, inputRows, inputColumns, gate, dilation }: Stage): string => `
        {
          let y = y${i} + ky * ${dilation[0]}u;
          let x = x${i} + kx * ${dilation[1]}u;
          var v = vec4f();
          if (y < ${inputRows} && x < ${inputColumns} && c + k0 < depth) {
            v = ${x}[image + y * ${from.row} + x * ${from.pixel} + c + k0]${gate ? ` * ${gate}[gate + c + k0]` : ''};
          }
          staged[lane + ${i * side * side}u] = v;
        }`;
