/** What every kernel of quantized convolutions asks of a node: its sizes, its packed constants, its way back to i8. */
import { isConstant } from '../../ir/leaves.ts';
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import type { Tensor } from '../../ir/type.ts';
import { quantizedConv2d } from '../../ops/index.ts';
import type { QuantizedConv2dAttrs } from '../../ops/quantized-conv2d.ts';
import {
  channelGroups,
  noHalo,
  wordOf,
  type Halo,
  type KernelRequest,
  type PackedConstant,
  type Placement,
} from '../kernel.ts';
import { packedAs, type PackedSource } from '../shader/pack.ts';
import { at, walk, type Shader } from '../shader/wgsl.ts';
import { declareExact, declarePack, declareUnpack } from './words.ts';

export interface QuantizedConvolution {
  readonly attrs: QuantizedConv2dAttrs;
  readonly weight: PackedSource;
  readonly bias: PackedSource;
  readonly outputs: number;
  /** Input channels of one group. */
  readonly inputs: number;
  /** Vertical, horizontal. */
  readonly kernel: readonly [number, number];
  readonly hasResidual: boolean;
}

/** Undefined where the node is no quantized convolution with constant weights. */
export function readQuantized(node: Node): QuantizedConvolution | undefined {
  const [, weight, bias] = node.inputs;
  if (!isOp(node, quantizedConv2d) || !weight || !bias || !isConstant(weight) || !isConstant(bias)) return undefined;
  const [outputs = 1, inputs = 1, height = 1, width = 1] = weight.attrs.tensor.shape;
  const hasResidual = node.inputs.length > 3;
  return { attrs: node.attrs, weight, bias, outputs, inputs, kernel: [height, width], hasResidual };
}

/** The same, of a request that `supports` has admitted, with the data operand's place. */
export function quantizedOf(request: KernelRequest): {
  readonly conv: QuantizedConvolution;
  readonly data: Placement;
} {
  const conv = readQuantized(request.node);
  const [data] = request.operands;
  if (!conv || !data) throw new TypeError(`${request.node.op.name} is no quantized convolution of a placed value`);
  return { conv, data };
}

export const isQuantizedDepthwise = ({ attrs, inputs, outputs }: QuantizedConvolution): boolean =>
  attrs.groups > 1 && inputs === 1 && outputs === attrs.groups;

/** True where words of four inputs and blocks of so many outputs lie within one group each. */
export const wordsAlign = ({ attrs, inputs, outputs }: QuantizedConvolution, block: number): boolean =>
  attrs.groups === 1 || (inputs % 4 === 0 && (outputs / attrs.groups) % block === 0);

/**
 * Whether f32 holds every sum exactly, in any order: none of its parts is beyond 2^24. |x| is at most 128, so the
 * weights themselves prove it.
 */
export function sumsFitF32({ weight, bias, outputs }: QuantizedConvolution): boolean {
  const { data } = weight.attrs.tensor;
  const length = data.length / outputs;
  for (let output = 0; output < outputs; output++) {
    let most = Math.abs(bias.attrs.tensor.data[output] ?? 0);
    for (let i = output * length; i < (output + 1) * length; i++) most += 128 * Math.abs(data[i] ?? 0);
    if (most >= 2 ** 24) return false;
  }
  return true;
}

export function quantizedPadding(node: Node): Halo {
  return readQuantized(node)?.attrs.padding ?? noHalo;
}

export const quantizedBorder = (node: Node): number => wordOf(readQuantized(node)?.attrs.inputZero ?? -128);

/**
 * Weights as bytes: `[O / 4][KH][KW][I / 4]` of 16, in which byte `4 * j + k` is for output j and input k of the four
 * each. A u32 of them is what `dot4I8Packed` takes, and a vec4u is a 4x4 matrix.
 */
export function packWords({ weight, outputs, inputs, kernel }: QuantizedConvolution): PackedConstant {
  const { data } = weight.attrs.tensor;
  const [taps, depth] = [kernel[0] * kernel[1], channelGroups(inputs)];
  const pack = (): Int8Array => {
    const packed = new Int8Array(channelGroups(outputs) * taps * depth * 16);
    for (let o = 0; o < outputs; o++) {
      const quad = Math.floor(o / 4) * taps;
      for (let i = 0; i < inputs; i++) {
        for (let tap = 0; tap < taps; tap++) {
          const block = (quad + tap) * depth + Math.floor(i / 4);
          packed[block * 16 + (o % 4) * 4 + (i % 4)] = data[(o * inputs + i) * taps + tap] ?? 0;
        }
      }
    }
    return packed;
  };
  return { ...packedAs(weight, 'words'), pack };
}

/** A depthwise convolution's weights as bytes: `[KH][KW][C / 4]` of four channels. */
export function packDepthwiseWords({ weight, outputs, kernel }: QuantizedConvolution): PackedConstant {
  const { data } = weight.attrs.tensor;
  const taps = kernel[0] * kernel[1];
  const size = channelGroups(outputs) * 4;
  const pack = (): Int8Array => {
    const packed = new Int8Array(taps * size);
    for (let o = 0; o < outputs; o++) {
      for (let tap = 0; tap < taps; tap++) packed[tap * size + o] = data[o * taps + tap] ?? 0;
    }
    return packed;
  };
  return { ...packedAs(weight, 'depthwise'), pack };
}

export function packIntegerBias({ bias, outputs }: QuantizedConvolution): PackedConstant {
  const pack = (): Int32Array => {
    const packed = new Int32Array(channelGroups(outputs) * 4);
    packed.set(Int32Array.from(bias.attrs.tensor.data));
    return packed;
  };
  return { ...packedAs(bias, 'bias'), pack };
}

function packMultiplier({ attrs, weight, outputs }: QuantizedConvolution): PackedConstant {
  const scale = 2 ** attrs.shift;
  const pack = (): Float32Array => {
    const packed = new Float32Array(channelGroups(outputs) * 4);
    attrs.multiplier.data.forEach((value, output) => (packed[output] = value * scale));
    return packed;
  };
  const { key, name } = packedAs(weight, 'multiplier');
  return { key: `${key}:${attrs.multiplier.data.join()}:${attrs.shift}`, name, pack };
}

/** A table of 256 i8 as words of one entry each, q + 128. */
export function packTable(table: Tensor): PackedConstant {
  const values = Array.from(table.data, (q) => q + 128);
  return { key: `table:${values.join()}`, name: 'table', pack: () => Int32Array.from(values) };
}

/**
 * Declares `fn finish(sum: vec4f, m: vec4f, n: u32, y: u32, x: u32, c: u32) -> u32`: from the exact sums of channel group
 * `c` at image n, pixel (y, x), bias included, and the group's multipliers, to the word to store. Returns the array of
 * multipliers. Layers with a residual or a table have texts of their own: software adapters run both sides of an `if`
 * under a mask, which would cost layers of few products as much as their sums.
 */
export function declareRequantize(shader: Shader, request: KernelRequest, conv: QuantizedConvolution): string {
  const { attrs } = conv;
  const multiplier = shader.constant(packMultiplier(conv));
  const table = attrs.table && shader.constant(packTable(attrs.table), 'u32');
  const isDirect = request.profile === 'software' && !conv.hasResidual;
  const body = isDirect ? roundedByAddition(shader, attrs, table) : roundedText(shader, request, conv, table);
  shader.declare(`fn finish(sum: vec4f, m: vec4f, n: u32, y: u32, x: u32, c: u32) -> u32 {\n${body}\n}`);
  return multiplier;
}

function roundedText(shader: Shader, request: KernelRequest, conv: QuantizedConvolution, table: string | undefined) {
  const { outputZero, min, max } = conv.attrs;
  const [zero, low, high] = [outputZero, min, max].map((q) => shader.f32(q + 128));
  const residual = residualText(shader, request, conv);
  declarePack(shader);
  return `  var steps = round(sum * m);
${residual}
  let b = bytesOf(clamp(steps + vec4f(${zero}), vec4f(${low}), vec4f(${high})));
  return ${table === undefined ? 'packWord(b)' : lookUpText(table, 'b')};`;
}

/** 1.5 * 2^23: a sum of it and a number below 2^22 has the number, rounded to whole, ties to even, in its lowest bits. */
const rounder = { value: 12582912, bits: 0x4b400000 } as const;

/**
 * Without `round`, for which SwiftShader takes ten steps. Processors round sums to nearest, ties to even, which WGSL does
 * not ask of a GPU. Bytes are put together before the rounder's bits and the zero are taken care of, all at once.
 */
function roundedByAddition(
  shader: Shader,
  { outputZero, min, max }: QuantizedConvolution['attrs'],
  table: string | undefined,
): string {
  const [low, high] = [min - outputZero, max - outputZero].map((bound) => shader.f32(bound));
  const near = `  let b = bitcast<vec4u>(clamp(sum * m, vec4f(${low}), vec4f(${high})) + vec4f(${rounder.value}.0));`;
  const zero = outputZero + 128;
  declarePack(shader);
  if (table !== undefined) {
    return `${near}\n  let e = (b + vec4u(${shader.u32(zero)})) & vec4u(255u);\n  return ${lookUpText(table, 'e')};`;
  }
  const offset = shader.u32(Math.imul(0x01010101, zero - rounder.bits) >>> 0);
  return `${near}\n  return packWord(b) + ${offset};`;
}

/** The word of a table's entries for four bytes. */
export const lookUpText = (table: string, bytes: string): string =>
  `packWord(vec4u(${[...'xyzw'].map((lane) => `${table}[${bytes}.${lane}]`).join(', ')}))`;

// In units of 2^-shift the sums are whole numbers of i32: see the op.
function residualText(shader: Shader, request: KernelRequest, { attrs, hasResidual }: QuantizedConvolution): string {
  const from = request.operands[3];
  if (!hasResidual || !from) return '';
  const buffer = shader.operand(3, 'u32');
  const index = at(walk(shader, from), 'n', 'y', 'x', 'c');
  const [zero, multiplier, shift, half] = [
    attrs.residualZero,
    attrs.residualMultiplier,
    attrs.shift,
    2 ** (attrs.shift - 1),
  ].map((value) => shader.u32(value >>> 0));
  declareUnpack(shader);
  return `  let fine = vec4i(clamp(steps, vec4f(-536870912.0), vec4f(536870912.0)));
  let r = vec4i(unpackWord(${buffer}[${index}])) - vec4i(i32(${zero}));
  steps = vec4f((fine + r * i32(${multiplier}) + vec4i(i32(${half}))) >> vec4u(${shift}));`;
}

/** Declares `finishSum`, which is `finish` of sums in i32 and loads the multipliers. */
export function declareFinishSum(shader: Shader, multipliers: string): void {
  declareExact(shader);
  shader.declare(`fn finishSum(sum: vec4i, n: u32, y: u32, x: u32, c: u32) -> u32 {
  return finish(exact(sum), ${multipliers}[c], n, y, x, c);
}`);
}
