/** Ops on single quantized values: to i8 and back, sums, products and tables, a word of four channels at a time. */
import { isConstant } from '../../ir/leaves.ts';
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { dequantize, lookUp, quantize, quantizedAdd, quantizedMul } from '../../ops/index.ts';
import { insideChannels } from '../shader/cells.ts';
import {
  ceilDivide,
  channelGroups,
  groupType,
  multiplyExtents,
  type Kernel,
  type KernelRequest,
  type Placement,
} from '../kernel.ts';
import { imageConstant } from '../shader/pack.ts';
import { lookUpText, packTable } from './quantized-convolution.ts';
import { at, beginShader, walk, type Shader } from '../shader/wgsl.ts';
import { declarePack, declareUnpack } from './words.ts';

const cellOps = [quantize, dequantize, quantizedAdd, quantizedMul, lookUp].map((op) => op.name);

/** `run`: pixels of a row that one invocation computes: on a CPU, finding a place costs more than a word. */
export type QuantizedCellsSchedule = { readonly run: number };

const lanes = 32;

export const quantizedCells: Kernel<QuantizedCellsSchedule> = {
  name: 'quantized-cells',
  implements: cellOps,
  profiles: ['software', 'gpu'],
  supports: (node) => cellOps.includes(node.op.name),
  schedules: (_node, profile) => [{ run: profile === 'gpu' ? 1 : 16 }],
  emit(request, { run }) {
    const { height, width, channels, batch, element } = request.result;
    const shader = beginShader(request);
    declarePack(shader);
    declareUnpack(shader);
    const walks: OperandWalk[] = [];
    const value = bodyText(shader, request, (index) => operandText(shader, request, index, walks));
    const target = shader.result(groupType(element));
    const to = walk(shader, request.result);
    const runs = ceilDivide(width, run);
    const groups = channelGroups(channels);
    const [groupCount, runCount, rows, columns] = [groups, runs, height, width].map((size) => shader.u32(size));
    return shader.finish({
      workgroupSize: [lanes, 1, 1],
      workgroups: [ceilDivide(multiplyExtents(height, runs, groups), lanes), 1, batch],
      body: `
  let c = invocation.x % ${groupCount};
  let p = invocation.x / ${groupCount};
  let n = group.z;
  let y = p / ${runCount};
  let first = (p - y * ${runCount}) * ${run}u;
  if (y >= ${rows}) { return; }
${walks.map(({ name, start }) => `  var ${name} = ${start};`).join('\n')}
  var to = ${at(to, 'n', 'y', 'first', 'c')};
  for (var x = first; x < min(first + ${run}u, ${columns}); x++) {
${value}
    ${target}[to] = v;
${walks.map(({ name, step }) => `    ${name} += ${step};`).join('\n')}
    to += ${to.pixel};
  }`,
    });
  },
};

/** How an operand's groups follow each other along a run. */
interface OperandWalk {
  readonly name: string;
  readonly start: string;
  readonly step: string;
}

/** The group of an operand at the cell; a gate has one for all pixels. */
function operandText(shader: Shader, request: KernelRequest, index: number, walks: OperandWalk[]): string {
  const { node, result } = request;
  const operand = node.inputs[index];
  const constant = operand && isConstant(operand) ? imageConstant(operand, node.type.shape.length) : undefined;
  const placement = constant?.placement ?? request.operands[index];
  if (!placement) throw new TypeError(`operand ${index} of ${node.op.name} has no place in memory`);
  const type = groupType(placement.element);
  const buffer = constant ? shader.constant(constant.packed, type) : shader.operand(index, type);
  const from = walk(shader, placement);
  const name = `from${index}`;
  if (isGate(placement, result)) walks.push({ name, start: at(from, 'n', '0u', '0u', 'c'), step: '0u' });
  else walks.push({ name, start: at(from, 'n', 'y', 'first', 'c'), step: from.pixel });
  return `${buffer}[${name}]`;
}

const isGate = (operand: Placement, result: Placement): boolean =>
  operand.height === 1 && operand.width === 1 && (result.height !== 1 || result.width !== 1);

/** The operand of a number, as an expression. */
type Load = (index: number) => string;

function bodyText(shader: Shader, { node, result }: KernelRequest, load: Load): string {
  const first = load(0);
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
  let v = ${lookUpText(table, 'b')};`;
  }
  return binaryText(shader, node, first, load(1));
}

function binaryText(shader: Shader, node: Node, first: string, second: string): string {
  if (!isOp(node, quantizedAdd) && !isOp(node, quantizedMul)) throw new TypeError(`${node.op.name} has no cells`);
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
