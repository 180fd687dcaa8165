/** Renders a group's scalar ops as a WGSL function of one vec4 of the result. */
import type { Dim } from '../../ir/dim.ts';
import { isConstant } from '../../ir/leaves.ts';
import type { Node } from '../../ir/node.ts';
import type { ClampForm } from '../../ir/traits.ts';
import type { Tail } from '../group.ts';
import { imageStride, pixelOrigin, rowStride, type KernelRequest, type Placement } from '../kernel.ts';
import { imageConstant } from './pack.ts';
import type { Shader } from './wgsl.ts';
import { clip } from '../../ops/index.ts';
import { identityClamp } from '../../ops/rules/clamp.ts';
import { keepNaN } from '../../ops/rules/not-finite.ts';

/**
 * Declares `fn finish(v: vec4f, n: u32, y: u32, x: u32, c: u32) -> vec4f`, which takes the anchor's value (ignored by
 * an elementwise group) at image n, pixel (y, x), channel group c, and returns what to store. `c` counts within the
 * result. Padding lanes come out as zero.
 */
export function declareEpilogue(shader: Shader, tail: Tail, request: KernelRequest): void {
  const names = new Map<Node, string>(tail.start ? [[tail.start, 'v']] : []);
  const lines: string[] = [];
  let spare = 0;
  const fresh = (): string => `t${names.size + spare}`;
  if (request.padResidual && !hasResidual(tail)) {
    const [origin, image, row, pixel, channel] = [0, 0, 0, 0, 0].map((zero) => shader.u32(zero));
    const buffer = shader.zeros();
    lines.push(`  let t1 = ${loadText(buffer, { origin, image, row, pixel, channel })};`, '  let t2 = (v + t1);');
    // The sum takes the anchor's place; the name in between keeps the numbers of a tail that has its own residual.
    names.clear();
    if (tail.start) names.set(tail.start, 't2');
    spare = 2;
  }
  const operand = (node: Node): string => {
    const name = fresh();
    lines.push(`  let ${name} = ${renderOperand(shader, node, tail, request)};`);
    return name;
  };
  let result = renderSteps({ shader, tail, names, lines, fresh, operand });
  // Ending every tail with the same clamp lets a model's plain, relu, relu6, hard-sigmoid and hard-swish layers
  // share one pipeline on adapters where creating one takes longer than all its runs.
  const last = tail.steps.at(-1);
  if (tail.start && request.profile === 'software' && !(last && clampForm(last))) {
    lines.push(`  let ${fresh()} = ${renderClamp(shader, result, identityClamp)};`);
    result = fresh();
  }
  if (needsMask(tail, request)) result = masked(shader, result, request);
  shader.declare(
    [`fn finish(v: vec4f, n: u32, y: u32, x: u32, c: u32) -> vec4f {`, ...lines, `  return ${result};`, '}'].join('\n'),
  );
}

interface Rendering {
  readonly shader: Shader;
  readonly tail: Tail;
  /** Names of the values that are there; grows. */
  readonly names: Map<Node, string>;
  /** Statements, one a value; grows. */
  readonly lines: string[];
  readonly fresh: () => string;
  /** The name of an operand, after adding what loads it. */
  readonly operand: (node: Node) => string;
}

/** Adds the statements of a tail's scalar ops; returns the name of its result. Behind an anchor, clamps are one text. */
export function renderSteps({ shader, tail, names, lines, fresh, operand }: Rendering): string {
  for (const step of tail.steps) {
    const args = step.inputs.map((input) => {
      const name = names.get(input) ?? operand(input);
      names.set(input, name);
      return name;
    });
    const name = fresh();
    const form = tail.start && clampForm(step);
    const [x] = args;
    lines.push(`  let ${name} = ${form && x ? renderClamp(shader, x, form) : renderScalar(step, args)};`);
    names.set(step, name);
  }
  return names.get(tail.result) ?? 'v';
}

/**
 * Whether padding lanes can come out of a tail as anything but zero. The sums of an anchor are zero there only if what
 * it reads is finite: a weight of zero times infinity is NaN. On software adapters every anchor has the mask, whatever
 * its channels, so that layers share a pipeline.
 */
export function needsMask(tail: Tail, request: KernelRequest): boolean {
  const hasPadding = request.result.channels % 4 !== 0;
  return tail.start ? hasPadding || request.profile === 'software' : hasPadding && !keepsZero(tail, request);
}

/** A value of channel group `c` with its padding lanes zero. */
export const masked = (shader: Shader, value: string, { result }: KernelRequest): string =>
  `select(vec4f(), ${value}, vec4u(0, 1, 2, 3) + c * 4u < vec4u(${shader.u32(result.channels)}))`;

/** The clamp that equals an op, where it has one. A `clip` has literals of its own, which need no uniforms. */
const clampForm = ({ op, attrs }: Node): ClampForm | undefined =>
  op.name === clip.name ? undefined : op.traits?.clamp?.(attrs);

function renderClamp(shader: Shader, x: string, form: ClampForm): string {
  const [scale, shift, low, high, gated] = [form.scale, form.shift, form.low, form.high, form.gated ? 1 : 0].map(
    (value) => shader.f32(value),
  );
  const inner = keepNaN(`clamp(${x} * ${scale} + ${shift}, vec4f(${low}), vec4f(${high}))`, x);
  return `${inner} * select(vec4f(1.0), ${x}, vec4<bool>(${gated} != 0.0))`;
}

function renderScalar(step: Node, args: readonly string[]): string {
  // A sum is the same in either order, and one order is one text.
  const ordered = step.op.name === 'add' && args[1] === 'v' ? args.toReversed() : args;
  if (!step.op.scalar) throw new TypeError(`${step.op.name} is not elementwise`);
  return step.op.scalar(ordered, step.attrs);
}

function renderOperand(shader: Shader, node: Node, tail: Tail, request: KernelRequest): string {
  const operand = readOperand(shader, node, tail, request);
  return 'value' in operand ? operand.value : renderLoad(shader, operand.buffer, operand.placement, request);
}

/** What a tail reads: one value for all, or a buffer and how the operand lies in it. */
export type TailOperand = { readonly value: string } | { readonly buffer: string; readonly placement: Placement };

export function readOperand(shader: Shader, node: Node, tail: Tail, request: KernelRequest): TailOperand {
  const index = tail.operandOf.get(node);
  const constant = index === undefined ? node : request.node.inputs[index];
  const scalar = constant && isConstant(constant) && constant.attrs.tensor.data.length === 1;
  if (scalar) return { value: `vec4f(${shader.f32(constant.attrs.tensor.data[0] ?? 0)})` };
  if (constant && isConstant(constant)) {
    const { packed, placement } = imageConstant(constant, request.node.type.shape.length);
    return { buffer: shader.constant(packed), placement };
  }
  const placement = index === undefined ? undefined : request.operands[index];
  if (index === undefined || !placement) throw new TypeError(`operand ${node.op.name} has no place in memory`);
  return { buffer: shader.operand(index), placement };
}

// Broadcasting is a stride of zero, so gates, biases and residuals share one text. What has one pixel has it for every x
// and y: a kernel that sees an image as one row counts all pixels along x, those of an image of width 1 too.
function renderLoad(shader: Shader, buffer: string, from: Placement, { result }: KernelRequest): string {
  const isPixel = from.height === 1 && from.width === 1;
  const stride = (size: Dim, full: Dim, value: Dim): string => shader.u32(size === 1 && full !== 1 ? 0 : value);
  const origin = shader.u32(pixelOrigin(from));
  const image = stride(from.batch, result.batch, imageStride(from));
  const row = isPixel ? shader.u32(0) : stride(from.height, result.height, rowStride(from));
  const pixel = isPixel ? shader.u32(0) : stride(from.width, result.width, from.channelStride);
  const splat = from.channels === 1 && result.channels !== 1;
  const channel = shader.u32(splat ? 0 : 1);
  const load = loadText(buffer, { origin, image, row, pixel, channel });
  return splat ? `vec4f(${load}.x)` : load;
}

const loadText = (buffer: string, strides: Readonly<Record<string, string | undefined>>): string => {
  const { origin = '', image = '', row = '', pixel = '', channel = '' } = strides;
  return `${buffer}[${origin} + n * ${image} + y * ${row} + x * ${pixel} + c * ${channel}]`;
};

/** Whether the first thing a tail does is to add an operand that is not a constant to the anchor's value. */
export const hasResidual = ({ steps, start }: Tail): boolean =>
  steps[0]?.op.name === 'add' && steps[0].inputs.some((input) => input !== start && !isConstant(input));

/** Whether zero padding lanes of the operands give zero padding lanes of the result. */
function keepsZero(tail: Tail, request: KernelRequest): boolean {
  const zero = new Set<Node>();
  // What may be infinite or NaN: a product with zero would not be zero then.
  const wild = new Set<Node>();
  for (const [node, index] of tail.operandOf) {
    const channels = request.node.inputs[index]?.type.shape.at(channelAxis(request, index));
    if (channels === request.result.channels) zero.add(node);
    // One value for all lanes, the padding's too; it may be infinite.
    else wild.add(node);
  }
  const isZero = (node: Node): boolean =>
    zero.has(node) || (isConstant(node) && node.attrs.tensor.data.every((value) => value === 0));
  for (const step of tail.steps) {
    const { keepsZero: kept, isUnbounded } = step.op.traits ?? {};
    const read = kept === 'of choices' ? step.inputs.slice(1) : step.inputs;
    const isWild = read.some((input) => wild.has(input));
    if (kept === 'of any' ? read.some(isZero) && !isWild : kept && read.every(isZero)) zero.add(step);
    else if (isWild || isUnbounded) wild.add(step);
  }
  return zero.has(tail.result);
}

/** Which axis of an operand, counted from its end, lies along the result's channels. */
const channelAxis = ({ node }: KernelRequest, index: number): number => {
  const rank = node.inputs[index]?.type.shape.length ?? 0;
  const axis = 1 - node.type.shape.length;
  return -axis <= rank ? axis : rank;
};
