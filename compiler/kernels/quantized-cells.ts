/** Ops on single quantized values: to i8 and back, sums, products and tables, a word of four channels at a time. */
import type { Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import { dequantize, lookUp, quantize, quantizedAdd, quantizedMul } from '../ops/index.ts';
import { finishCells, insideChannels } from './cells.ts';
import { groupType, type Kernel, type KernelRequest, type Placement } from './kernel.ts';
import { imageConstant } from './pack.ts';
import { isConstant } from '../ir/leaves.ts';
import { packTable } from './quantized-convolution.ts';
import { at, beginShader, walk, type Shader } from './wgsl.ts';
import { declarePack, declareUnpack } from './words.ts';

const cellOps = [quantize, dequantize, quantizedAdd, quantizedMul, lookUp].map((op) => op.name);

export const quantizedCells: Kernel = {
  name: 'quantized-cells',
  implements: cellOps,
  profiles: ['software', 'gpu'],
  supports: (node) => cellOps.includes(node.op.name),
  schedules: () => [{}],
  emit(request) {
    const shader = beginShader(request);
    declarePack(shader);
    declareUnpack(shader);
    return finishCells(shader, request, bodyText(shader, request));
  },
};

/** The group of an operand at the cell; one value stands for all along an axis where it has only one. */
function loadText(shader: Shader, request: KernelRequest, index: number): string {
  const { node, result } = request;
  const operand = node.inputs[index];
  const constant = operand && isConstant(operand) ? imageConstant(operand, node.type.shape.length) : undefined;
  const placement = constant?.placement ?? request.operands[index];
  if (!placement) throw new TypeError(`operand ${index} of ${node.op.name} has no place in memory`);
  const type = groupType(placement.element);
  const buffer = constant ? shader.constant(constant.packed, type) : shader.operand(index, type);
  const single = isSingle(placement, result);
  return `${buffer}[${at(walk(shader, placement), 'n', single ? '0u' : 'y', single ? '0u' : 'x', 'c')}]`;
}

/** Whether an operand is a gate of a larger map. */
const isSingle = (operand: Placement, result: Placement): boolean =>
  operand.height === 1 && operand.width === 1 && (result.height !== 1 || result.width !== 1);

function bodyText(shader: Shader, request: KernelRequest): string {
  const { node, result } = request;
  const first = loadText(shader, request, 0);
  if (isOp(node, quantize)) {
    const [inverse, zero] = [1 / node.attrs.scale, node.attrs.zeroPoint + 128].map((value) => shader.f32(value));
    return `  let steps = round(${first} * ${inverse}) + vec4f(${zero});
  let v = packWord(bytesOf(clamp(steps, vec4f(0.0), vec4f(255.0))));`;
  }
  if (isOp(node, dequantize)) {
    const [scale, zero] = [node.attrs.scale, node.attrs.zeroPoint].map((value) => shader.f32(value));
    const value = `(unpackWord(${first}) - vec4f(${zero})) * ${scale}`;
    const mask =
      result.channels % 4 === 0 ? value : `select(vec4f(), ${value}, ${insideChannels(shader, result.channels)})`;
    return `  let v = ${mask};`;
  }
  if (isOp(node, lookUp)) {
    const table = shader.constant(packTable(node.attrs.table), 'u32');
    return `  let b = bytesOf(unpackWord(${first}) + vec4f(128.0));
  let v = packWord(vec4u(${[...'xyzw'].map((lane) => `${table}[b.${lane}]`).join(', ')}));`;
  }
  return binaryText(shader, request, node, first);
}

function binaryText(shader: Shader, request: KernelRequest, node: Node, first: string): string {
  if (!isOp(node, quantizedAdd) && !isOp(node, quantizedMul)) throw new TypeError(`${node.op.name} has no cells`);
  const second = loadText(shader, request, 1);
  const { aZero, bZero, outputZero, min, max } = node.attrs;
  const [a, b] = [shader.f32(aZero), shader.f32(bZero)];
  const [zero, low, high] = [outputZero, min, max].map((q) => shader.f32(q + 128));
  const operands = `  let a = unpackWord(${first}) - vec4f(${a});
  let b = unpackWord(${second}) - vec4f(${b});`;
  const end = `  let v = packWord(bytesOf(clamp(steps + vec4f(${zero}), vec4f(${low}), vec4f(${high}))));`;
  return [operands, `  let steps = ${stepsText(shader, node)};`, end].join('\n');
}

function stepsText(shader: Shader, node: Node): string {
  if (isOp(node, quantizedMul)) return `round((a * b) * ${shader.f32(node.attrs.multiplier)})`;
  if (!isOp(node, quantizedAdd)) throw new TypeError(`${node.op.name} has no cells`);
  const { aMultiplier, bMultiplier, shift } = node.attrs;
  const [left, right, bits, half] = [aMultiplier, bMultiplier, shift, 2 ** (shift - 1)].map((value) =>
    shader.u32(value >>> 0),
  );
  const sum = `vec4i(a) * i32(${left}) + vec4i(b) * i32(${right}) + vec4i(i32(${half}))`;
  return `vec4f((${sum}) >> vec4u(${bits}))`;
}
