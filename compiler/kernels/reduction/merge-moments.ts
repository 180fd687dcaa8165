/** Moments of all pixels from those of their parts: the parts' means around their own mean, then the squares. */
import { isOp } from '../../ir/op.ts';
import { mergeMoments as mergeMomentsOp } from '../../ops/index.ts';
import { ceilDivide, channelGroups, type Kernel } from '../kernel.ts';
import { beginShader, walk } from '../shader/wgsl.ts';

/** `slices`: invocations that share the parts of one channel group; 1 needs no workgroup memory. */
export type MergeMomentsSchedule = { readonly slices: number };

const [sharedGroups, softwareLanes] = [4, 8];

export const mergeMoments: Kernel<MergeMomentsSchedule> = {
  name: 'merge-moments',
  implements: ['mergeMoments'],
  profiles: ['software', 'gpu'],
  supports: (node) => isOp(node, mergeMomentsOp),
  schedules: (_node, profile) => (profile === 'gpu' ? [{ slices: 32 }] : [{ slices: 1 }]),
  emit(request, { slices }) {
    const { node, result } = request;
    const [data] = request.operands;
    if (!isOp(node, mergeMomentsOp) || !data) throw new TypeError(`${node.op.name} merges no placed value`);
    const { count, part } = node.attrs;
    const groups = channelGroups(result.channels);
    const shader = beginShader(request);
    const [x, y] = [shader.operand(0), shader.result()];
    const [from, to] = [walk(shader, data), walk(shader, result)];
    const [groupCount, parts, size, pixels] = [groups, Math.ceil(count / part), part, count].map((n) => shader.u32(n));
    const shared = slices > 1;
    const lanes = shared ? sharedGroups : softwareLanes;
    if (shared) shader.declare(sharedSumText(slices));
    const total = (value: string): string => (shared ? `total(lane, local.y, ${value})` : value);
    const loop = (sum: string, value: string): string => `  var ${sum} = vec4f();
  for (var i = ${shared ? 'local.y' : '0u'}; i < ${parts}; i += ${slices}u) {
    let n = f32(min(${size}, ${pixels} - i * ${size}));
    let d = ${x}[start + 2u * i * ${from.image}] - base;
    ${sum} += ${value};
  }`;
    const squares = `n * (d - shift) * (d - shift) + ${x}[start + (2u * i + 1u) * ${from.image}]`;
    const body = `
  let c = min(invocation.x, ${groupCount} - 1u);
  let start = ${from.origin} + c;
  let base = ${x}[start];
  let all = f32(${pixels});
${loop('s', 'n * d')}
  let shift = ${total('s')} / all;
${loop('q', squares)}
  let squares = ${total('q')};
  if (invocation.x >= ${groupCount}${shared ? ' || local.y > 0u' : ''}) { return; }
  ${y}[${to.origin} + c] = base + shift;
  ${y}[${to.origin} + ${to.image} + c] = squares / all;
  ${y}[${to.origin} + 2u * ${to.image} + c] = squares / max(all - 1.0, 1.0);`;
    return shader.finish({
      workgroupSize: [lanes, slices, 1],
      workgroups: [ceilDivide(groups, lanes), 1, 1],
      body,
    });
  },
};

/** The sum over the slices of a channel group, the same in each, by a tree of fixed order. */
const sharedSumText = (slices: number): string => `var<workgroup> w: array<vec4f, ${sharedGroups * slices}>;
fn total(lane: u32, slice: u32, value: vec4f) -> vec4f {
  workgroupBarrier();
  w[lane] = value;
  for (var half = ${slices / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (slice < half) { w[lane] += w[lane + half * ${sharedGroups}u]; }
  }
  workgroupBarrier();
  return w[lane % ${sharedGroups}u];
}`;
