/** Max and average pools of i8: a word of four channels of the result an invocation, or several that share its sum. */
import { isOp } from '../../ir/op.ts';
import type { Node } from '../../ir/node.ts';
import { maxPool2d, quantizedAveragePool } from '../../ops/index.ts';
import { ceilDivide, channelGroups, multiplyExtents, type Kernel, type KernelRequest } from '../kernel.ts';
import { slidingWindow } from '../reduction/pool.ts';
import { at, beginShader, walk, type Shader } from '../shader/wgsl.ts';
import { declareExact, declarePack, declareUnpack } from './words.ts';

/** `slices`: invocations that share the window of a result of one pixel, a row each. */
export type QuantizedPoolSchedule = { readonly slices: number };

/** Channel groups of a workgroup where windows are shared. */
const shared = 4;

const isGlobal = (node: Node): boolean =>
  isOp(node, quantizedAveragePool) && node.type.shape.slice(2).every((size) => size === 1);

export const quantizedPool: Kernel<QuantizedPoolSchedule> = {
  name: 'quantized-pool',
  implements: ['maxPool2d', 'quantizedAveragePool'],
  profiles: ['software', 'gpu'],
  supports: (node) => isOp(node, quantizedAveragePool) || (isOp(node, maxPool2d) && node.type.dtype === 'i8'),
  schedules: (node, profile) => (profile === 'gpu' && isGlobal(node) ? [{ slices: 16 }] : [{ slices: 1 }]),
  emit(request, { slices }) {
    const { height, width, channels, batch } = request.result;
    const shader = beginShader(request);
    const body = bodyText(shader, request, slices);
    const lanes = slices === 1 ? 8 : shared;
    return shader.finish({
      workgroupSize: [lanes, slices, 1],
      workgroups: [ceilDivide(multiplyExtents(height, width, channelGroups(channels)), lanes), 1, batch],
      body,
    });
  },
};

function bodyText(shader: Shader, request: KernelRequest, slices: number): string {
  const { node, result } = request;
  const [data] = request.operands;
  const attrs = isOp(node, maxPool2d) || isOp(node, quantizedAveragePool) ? node.attrs : undefined;
  if (!data || !attrs) throw new TypeError(`${node.op.name} is no pool of a placed value`);
  const x = shader.operand(0, 'u32');
  const y = shader.result('u32');
  const [from, to] = [walk(shader, data), walk(shader, result)];
  const [groupCount, columns, rows] = [channelGroups(result.channels), result.width, result.height].map((size) =>
    shader.u32(size),
  );
  declarePack(shader);
  declareUnpack(shader);
  const word = `unpackWord(${x}[row + j * ${from.pixel}])`;
  const [start, line, value] = isOp(node, quantizedAveragePool)
    ? meanText(shader, node.attrs, word, slices)
    : ['var v = vec4f(-128.0);', `v = max(v, ${word});`, 'v + vec4f(128.0)'];
  // Invocations without a cell take part in the sums of their workgroup, which all of it must reach.
  const leave = slices === 1 ? `if (y >= ${rows}) { return; }` : '';
  const only = slices === 1 ? '' : `if (local.y == 0u && y < ${rows}) `;
  return `
  let c = invocation.x % ${groupCount};
  let p = invocation.x / ${groupCount};
  let y = p / ${columns};
  let x = p - y * ${columns};
  let n = group.z;
  ${leave}
  ${slidingWindow(attrs, false)(shader, data)}
  ${start}
  for (var i = yw.x${slices === 1 ? '' : ' + local.y'}; i < yw.y; i += ${slices}u) {
    let row = ${at(from, 'n', 'i', '0u', 'c')};
    ${line.includes('for') ? line : `for (var j = xw.x; j < xw.y; j++) { ${line} }`}
  }
  ${slices === 1 ? '' : reduceText(slices)}
  ${only}{ ${y}[${at(to, 'n', 'y', 'x', 'c')}] = packWord(bytesOf(${value})); }`;
}

/** What comes before a row of the window, what a row adds, and the mean as q + 128. */
function meanText(
  shader: Shader,
  attrs: Parameters<typeof quantizedAveragePool.evaluate>[1],
  word: string,
  slices: number,
): readonly [string, string, string] {
  const { inputZero, multiplier, outputZero, min, max } = attrs;
  const [factor, zero, low, high] = [multiplier, outputZero + 128, min + 128, max + 128].map((each) =>
    shader.f32(each),
  );
  const offset = shader.u32(inputZero >>> 0);
  declareExact(shader);
  if (slices > 1) shader.declare(`var<workgroup> partial: array<vec4i, ${slices * shared}>;`);
  // A row has far fewer than 2^17 pixels, so that f32 holds its sum.
  const line = `var part = vec4f();
    for (var j = xw.x; j < xw.y; j++) { part += ${word}; }
    sum += vec4i(part);`;
  const total = `sum - vec4i(i32((yw.y - yw.x) * (xw.y - xw.x)) * i32(${offset}))`;
  const steps = `round(exact(${total}) * ${factor})`;
  return ['var sum = vec4i();', line, `clamp(${steps} + vec4f(${zero}), vec4f(${low}), vec4f(${high}))`];
}

const reduceText = (slices: number): string => `partial[lane] = sum;
  workgroupBarrier();
  for (var i = 1u; i < ${slices}u; i++) { if (local.y == 0u) { sum += partial[lane + i * ${shared}u]; } }`;
