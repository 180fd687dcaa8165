/** Fully connected layers and 1x1 convolutions of single pixels: weights are read once, so their loads bound the time. */
import { isConstant } from '../../ir/leaves.ts';
import type { Node } from '../../ir/node.ts';
import type { PackWeightsAttrs } from '../../ops/pack-weights.ts';
import { readConvolution, readsForm } from './convolution.ts';
import { declareEpilogue } from '../shader/epilogue.ts';
import { readGroup, type Group } from '../group.ts';
import { ceilDivide, channelGroups, imageStride, pixelOrigin, type Kernel, type KernelRequest } from '../kernel.ts';
import { packBias, packedShape, type PackedSource } from '../shader/pack.ts';
import { bindWeight, hasForm, readWeight, type Weight } from '../shader/weight.ts';
import { beginShader, range, unroll, type Shader } from '../shader/wgsl.ts';

/**
 * `slices`: invocations that share the sum over inputs of four output channels; 1 needs no workgroup memory. `images`:
 * how many of a batch each of them takes, so that a weight is loaded once for all.
 */
export type LinearSchedule = { readonly slices: number; readonly images: number };

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
  schedules(node, profile) {
    const [batch] = node.type.shape;
    const images = typeof batch === 'number' && batch > 2 ? [4, 1] : [1];
    const slices = profile === 'gpu' ? [64, 32] : [1];
    return slices.flatMap((count) => images.map((several) => ({ slices: count, images: several })));
  },
  emit(request, schedule) {
    const { slices, images } = schedule;
    const group = readLinear(request.node);
    if (!group) throw new TypeError(`${request.node.op.name} is not a linear layer`);
    const groups = channelGroups(group.outputs);
    const shader = beginShader(request);
    const body = bodyText(shader, request, group, schedule);
    const lanes = 8;
    return shader.finish({
      workgroupSize: [slices === 1 ? lanes : slices, 1, 1],
      workgroups: [slices === 1 ? ceilDivide(groups, lanes) : groups, 1, ceilDivide(request.result.batch, images)],
      body,
    });
  },
};

function bodyText(shader: Shader, request: KernelRequest, group: Linear, schedule: LinearSchedule): string {
  const { slices, images } = schedule;
  const { outputs, inputs } = group;
  const data = request.operands[group.operands[0] ?? 0];
  if (!data) throw new TypeError('the data operand has no place in memory');
  const x = shader.operand(group.operands[0] ?? 0);
  const weights = bindWeight(shader, group.weight, group.packing, 'mat4x4f');
  const bias = shader.constant(packBias(group.bias, outputs));
  const result = shader.result();
  const gatePlace = request.operands[group.gate ?? -1];
  const gate = gatePlace && {
    buffer: shader.operand(group.gate ?? -1),
    origin: shader.u32(pixelOrigin(gatePlace)),
    image: shader.u32(imageStride(gatePlace)),
  };
  const gateText = (i: number): string => (gate ? ` * ${gate.buffer}[${gate.origin} + n${i} * ${gate.image} + k]` : '');
  const [origin, image] = [shader.u32(pixelOrigin(data)), shader.u32(imageStride(data))];
  const [outOrigin, outImage] = [shader.u32(pixelOrigin(request.result)), shader.u32(imageStride(request.result))];
  const depth = shader.u32(channelGroups(inputs));
  const outputGroups = shader.u32(channelGroups(outputs));
  const batch = shader.u32(request.result.batch);
  declareEpilogue(shader, group.tail, request);
  if (slices > 1) shader.declare(`var<workgroup> partial: array<vec4f, ${slices}>;`);
  const first = slices === 1 ? '0u' : 'lane';
  const store = (i: number): string =>
    `if (group.z * ${images}u + ${i}u < ${batch}) {
    ${result}[${outOrigin} + n${i} * ${outImage} + c] = finish(sum${i} + ${bias}[c], n${i}, 0u, 0u, c);
  }`;
  return `
  let c = ${slices === 1 ? 'invocation.x' : 'group.x'};
${slices === 1 ? `  if (c >= ${outputGroups}) { return; }` : ''}
  let depth = ${depth};
${unroll(images, (i) => `  let n${i} = min(group.z * ${images}u + ${i}u, ${batch} - 1u); let start${i} = ${origin} + n${i} * ${image};`)}
${unroll(images, (i) => `  var sum${i} = vec4f();`)}
  for (var k = ${first}; k < depth; k += ${slices}u) {
    let m = ${weights}[c * depth + k];
${unroll(images, (i) => `    sum${i} += m * (${x}[start${i} + k]${gateText(i)});`)}
  }
${slices === 1 ? '' : unroll(images, (i) => reduceText(slices, i))}
${slices === 1 ? '' : '  if (lane > 0u) { return; }'}
${unroll(images, (i) => `  ${store(i)}`)}`;
}

const reduceText = (slices: number, i: number): string =>
  [
    `  partial[lane] = sum${i};`,
    '  workgroupBarrier();',
    ...range(Math.log2(slices)).map((level) => {
      const half = slices >> (level + 1);
      return `  if (lane < ${half}u) { partial[lane] += partial[lane + ${half}u]; }
  workgroupBarrier();`;
    }),
    `  sum${i} = partial[0];`,
    '  workgroupBarrier();',
  ].join('\n');
