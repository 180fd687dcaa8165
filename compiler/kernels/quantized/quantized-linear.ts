/** Quantized fully connected layers, as 1x1 convolutions of single pixels: weights are read once, so loads bound it. */
import type { Node } from '../../ir/node.ts';
import { ceilDivide, channelGroups, imageStride, pixelOrigin, type Kernel, type KernelRequest } from '../kernel.ts';
import {
  declareFinishSum,
  declareRequantize,
  packIntegerBias,
  packWords,
  quantizedOf,
  readQuantized,
  sumsFitF32,
  type QuantizedConvolution,
} from './quantized-convolution.ts';
import { beginShader, range, type Shader } from '../shader/wgsl.ts';
import { scaledBytes, scaledMatrix, signedBytes } from './words.ts';

/** `slices`: invocations that share the sum over inputs of four output channels; 1 needs no workgroup memory. */
export type QuantizedLinearSchedule = { readonly slices: number };

const lanes = 8;

function readLinear(node: Node): QuantizedConvolution | undefined {
  const conv = readQuantized(node);
  const [, , height, width] = node.inputs[0]?.type.shape ?? [];
  if (!conv || ![...conv.kernel, height, width, conv.attrs.groups].every((size) => size === 1)) return undefined;
  return conv.attrs.padding.every((side) => side === 0) ? conv : undefined;
}

export const quantizedLinear: Kernel<QuantizedLinearSchedule> = {
  name: 'quantized-linear',
  implements: ['quantizedConv2d'],
  profiles: ['software', 'gpu'],
  supports(node) {
    const conv = readLinear(node);
    return conv !== undefined;
  },
  schedules: (_node, profile) => (profile === 'gpu' ? [{ slices: 64 }, { slices: 32 }] : [{ slices: 1 }]),
  form: (node) => String(usesF32(node)),
  emit(request, { slices }) {
    const groups = channelGroups(request.result.channels);
    const shader = beginShader(request);
    const body = bodyText(shader, request, slices);
    return shader.finish({
      workgroupSize: [slices === 1 ? lanes : slices, 1, 1],
      workgroups: [slices === 1 ? ceilDivide(groups, lanes) : groups, 1, request.result.batch],
      body,
    });
  },
};

function usesF32(node: Node): boolean {
  const conv = readLinear(node);
  return conv !== undefined && sumsFitF32(conv);
}

function bodyText(shader: Shader, request: KernelRequest, slices: number): string {
  const { conv, data } = quantizedOf(request);
  const inF32 = slices === 1 && usesF32(request.node);
  const weights = shader.constant(packWords(conv), 'vec4u');
  const x = shader.operand(0, 'u32');
  const bias = shader.constant(packIntegerBias(conv), 'vec4i');
  const result = shader.result('u32');
  const [origin, image] = [shader.u32(pixelOrigin(data)), shader.u32(imageStride(data))];
  const [outOrigin, outImage] = [shader.u32(pixelOrigin(request.result)), shader.u32(imageStride(request.result))];
  const [depth, outputGroups] = [shader.u32(channelGroups(conv.inputs)), shader.u32(channelGroups(conv.outputs))];
  const multipliers = declareRequantize(shader, request, conv);
  if (!inF32) declareFinishSum(shader, multipliers);
  if (slices > 1) shader.declare(`var<workgroup> partial: array<vec4i, ${slices}>;`);
  const total = inF32
    ? `finish(sum * ${2 ** -48} + vec4f(${bias}[c]), ${multipliers}[c], n, 0u, 0u, c)`
    : `finishSum(sum + ${bias}[c], n, 0u, 0u, c)`;
  return `
  let c = ${slices === 1 ? 'invocation.x' : 'group.x'};
${slices === 1 ? `  if (c >= ${outputGroups}) { return; }` : ''}
  let n = group.z;
  let start = ${origin} + n * ${image};
  var sum = ${inF32 ? 'vec4f()' : 'vec4i()'};
  for (var k = ${slices === 1 ? '0u' : 'lane'}; k < ${depth}; k += ${slices}u) {
    let b = ${signedBytes(`${x}[start + k]`)};
    let w = ${weights}[c * ${depth} + k];
    sum += ${inF32 ? `${scaledMatrix('w')} * ${scaledBytes('b')}` : dotText('b', 'w')};
  }
${slices === 1 ? '' : reduceText(slices)}
  ${result}[${outOrigin} + n * ${outImage} + c] = ${total};`;
}

/** Four outputs of four inputs each. */
const dotText = (bytes: string, weights: string): string =>
  `vec4i(${[...'xyzw'].map((lane) => `dot4I8Packed(${bytes}, ${weights}.${lane})`).join(', ')})`;

const reduceText = (slices: number): string =>
  [
    '  partial[lane] = sum;',
    '  workgroupBarrier();',
    ...range(Math.log2(slices)).map((level) => {
      const half = slices >> (level + 1);
      return `  if (lane < ${half}u) { partial[lane] += partial[lane + ${half}u]; }
  workgroupBarrier();`;
    }),
    '  if (lane > 0u) { return; }',
    '  sum = partial[0];',
  ].join('\n');
