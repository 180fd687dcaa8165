/** Fully connected layers and 1x1 convolutions of single pixels: weights are read once, so their loads bound the time. */
import { isConstant } from '../ir/leaves.ts';
import type { Node } from '../ir/node.ts';
import type { PackWeightsAttrs } from '../ops/pack-weights.ts';
import { readConvolution, readsForm } from './convolution.ts';
import { declareEpilogue } from './epilogue.ts';
import { readGroup, type Group } from './group.ts';
import { ceilDivide, channelGroups, imageStride, pixelOrigin, type Kernel, type KernelRequest } from './kernel.ts';
import { packBias, packedShape, type PackedSource } from './pack.ts';
import { bindWeight, hasForm, readWeight, type Weight } from './weight.ts';
import { beginShader, range, type Shader } from './wgsl.ts';

/** `slices`: invocations that share the sum over inputs of four output channels; 1 needs no workgroup memory. */
export type LinearSchedule = { readonly slices: number };

interface Linear extends Group {
  readonly weight: Weight;
  readonly packing: PackWeightsAttrs;
  readonly outputs: number;
  readonly inputs: number;
  readonly bias: PackedSource | undefined;
}

const dense: PackWeightsAttrs = { form: 'outputs', groups: 1 };

// A convolution counts where its image, its kernel and its result are one pixel.
function readLinear(node: Node): Linear | undefined {
  const conv = readConvolution(node);
  if (conv) {
    const { padding, groups } = conv.attrs;
    const [, , height, width] = node.inputs[conv.operands[0] ?? 0]?.type.shape ?? [];
    const single = [...conv.kernel, height, width, groups].every((size) => size === 1);
    if (!single || padding.some((side) => side > 0) || !readsForm(conv)) return undefined;
    return { ...conv, packing: { form: conv.flipped ? 'transposed' : 'outputs', groups: 1 } };
  }
  const group = readGroup(node, ['linear']);
  const [, weightIndex, biasIndex] = group?.operands ?? [];
  const weight = readWeight(node.inputs[weightIndex ?? -1], weightIndex);
  const bias = node.inputs[biasIndex ?? -1];
  if (!group || !weight || !hasForm(weight, dense) || (bias && !isConstant(bias))) return undefined;
  const { outputs, inputs } = packedShape(weight.node.type.shape, dense);
  return group.anchor.type.shape.length === 2 ? { ...group, weight, packing: dense, bias, outputs, inputs } : undefined;
}

export const linear: Kernel<LinearSchedule> = {
  name: 'linear',
  implements: ['linear', 'conv2d', 'convTranspose2d'],
  profiles: ['software', 'gpu'],
  supports: (node) => readLinear(node) !== undefined,
  schedules: (_node, profile) => (profile === 'gpu' ? [{ slices: 64 }, { slices: 32 }] : [{ slices: 1 }]),
  emit(request, { slices }) {
    const group = readLinear(request.node);
    if (!group) throw new TypeError(`${request.node.op.name} is not a linear layer`);
    const groups = channelGroups(group.outputs);
    const shader = beginShader(request);
    const body = bodyText(shader, request, group, slices);
    const lanes = 8;
    return shader.finish({
      workgroupSize: [slices === 1 ? lanes : slices, 1, 1],
      workgroups: [slices === 1 ? ceilDivide(groups, lanes) : groups, 1, request.result.batch],
      body,
    });
  },
};

function bodyText(shader: Shader, request: KernelRequest, group: Linear, slices: number): string {
  const { outputs, inputs } = group;
  const data = request.operands[group.operands[0] ?? 0];
  if (!data) throw new TypeError('the data operand has no place in memory');
  const x = shader.operand(group.operands[0] ?? 0);
  const weights = bindWeight(shader, group.weight, group.packing, 'mat4x4f');
  const bias = shader.constant(packBias(group.bias, outputs));
  const result = shader.result();
  const gatePlace = request.operands[group.gate ?? -1];
  const gate = gatePlace
    ? `${shader.operand(group.gate ?? -1)}[${shader.u32(
        pixelOrigin(gatePlace),
      )} + n * ${shader.u32(imageStride(gatePlace))} + k]`
    : undefined;
  const [origin, image] = [shader.u32(pixelOrigin(data)), shader.u32(imageStride(data))];
  const [outOrigin, outImage] = [shader.u32(pixelOrigin(request.result)), shader.u32(imageStride(request.result))];
  const depth = shader.u32(channelGroups(inputs));
  const outputGroups = shader.u32(channelGroups(outputs));
  declareEpilogue(shader, group.tail, request);
  if (slices > 1) shader.declare(`var<workgroup> partial: array<vec4f, ${slices}>;`);
  const first = slices === 1 ? '0u' : 'lane';
  return `
  let c = ${slices === 1 ? 'invocation.x' : 'group.x'};
  let n = group.z;
${slices === 1 ? `  if (c >= ${outputGroups}) { return; }` : ''}
  let depth = ${depth};
  let start = ${origin} + n * ${image};
  var sum = vec4f();
  for (var k = ${first}; k < depth; k += ${slices}u) {
    let a = ${x}[start + k]${gate ? ` * ${gate}` : ''};
    sum += ${weights}[c * depth + k] * a;
  }
${slices === 1 ? '' : reduceText(slices)}
  ${result}[${outOrigin} + n * ${outImage} + c] = finish(sum + ${bias}[c], n, 0u, 0u, c);`;
}

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
