/** Packs a weight that changes at run time into the order in which the kernels read it. */
import { isOp } from '../../ir/op.ts';
import { packWeights } from '../../ops/index.ts';
import type { PackWeightsAttrs } from '../../ops/pack-weights.ts';
import { ceilDivide, channelGroups, type Kernel, type KernelRequest, type Placement } from '../kernel.ts';
import { packedLength, packedShape } from '../shader/pack.ts';
import { beginShader, range, walk, type Shader } from '../shader/wgsl.ts';

const lanes = 32;

export const packWeightsKernel: Kernel = {
  name: 'pack-weights',
  implements: ['packWeights'],
  profiles: ['software', 'gpu'],
  supports: (node) => isOp(node, packWeights),
  schedules: () => [{}],
  emit(request) {
    const { node } = request;
    const [source] = request.operands;
    if (!isOp(node, packWeights) || !source) throw new TypeError(`${node.op.name} packs no placed weight`);
    const shader = beginShader(request);
    const body = bodyText(shader, request, source, node.attrs);
    const workgroups = Math.ceil(packedLength(node.type.shape, node.attrs) / lanes);
    // A weight may have more vec4 than a dispatch has workgroups along one axis.
    const across = Math.min(workgroups, 4096);
    return shader.finish({
      workgroupSize: [lanes, 1, 1],
      workgroups: [across, ceilDivide(workgroups, across), 1],
      body,
    });
  },
};

// An invocation makes one vec4: four output channels of one tap and, unless depthwise, one input channel.
function bodyText(shader: Shader, request: KernelRequest, source: Placement, attrs: PackWeightsAttrs): string {
  const { shape } = request.node.type;
  const { outputs, inputs, taps, kernel } = packedShape(shape, attrs);
  const depthwise = attrs.form === 'depthwise';
  const [w, result] = [shader.operand(0), shader.result()];
  const from = walk(shader, source);
  const origin = shader.u32(request.result.channelOffset);
  const u = (value: number): string => shader.u32(value);
  const [across, length] = [
    u(Math.min(Math.ceil(packedLength(shape, attrs) / lanes), 4096)),
    u(packedLength(shape, attrs)),
  ];
  const [outputCount, inputCount, tapCount, columns] = [u(outputs), u(inputs), u(taps), u(kernel[1])];
  const [perGroup, quads] = [u(outputs / attrs.groups), u(channelGroups(outputs))];
  const place = {
    outputs: { batch: 'o', channel: 'i' },
    depthwise: { batch: 'o', channel: 'i' },
    transposed: { batch: `(o / ${perGroup}) * ${inputCount} + i`, channel: `o % ${perGroup}` },
  }[attrs.form];
  shader.declare(`fn weightAt(o: u32, i: u32, tap: u32) -> f32 {
  if (o >= ${outputCount} || i >= ${inputCount}) { return 0.0; }
  let y = tap / ${columns};
  let x = tap - y * ${columns};
  let c = ${place.channel};
  return ${w}[${from.origin} + (${place.batch}) * ${from.image} + y * ${from.row} + x * ${from.pixel} + c / 4u][c % 4u];
}`);
  const order = depthwise
    ? `let quad = v % ${quads};
  let tap = v / ${quads};
  let i = 0u;`
    : `let depth = (${inputCount} + 3u) / 4u * 4u;
  let i = v % depth;
  let tap = (v / depth) % ${tapCount};
  let quad = v / depth / ${tapCount};`;
  const lane = (index: number): string => `weightAt(quad * 4u + ${index}u, i, tap)`;
  return `
  let v = (group.y * ${across} + group.x) * ${lanes}u + lane;
  if (v >= ${length}) { return; }
  ${order}
  ${result}[${origin} + v] = vec4f(${range(4).map(lane).join(', ')});`;
}
