/** Group normalisation in one dispatch: mean, variance and result of the groups that share whole vec4. */
import { isConstant } from '../../ir/leaves.ts';
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { groupNorm as groupNormOp } from '../../ops/index.ts';
import { ceilDivide, type Kernel, type KernelRequest } from '../kernel.ts';
import { packBias, type PackedSource } from '../shader/pack.ts';
import { at, beginShader, range, walk, type Shader, type Walk } from '../shader/wgsl.ts';

/** `slices`: invocations that share the pixels of one block of groups; 1 needs no workgroup memory. */
export type GroupNormSchedule = { readonly slices: number };

interface GroupNorm {
  readonly gamma: PackedSource;
  readonly beta: PackedSource;
  readonly eps: number;
  readonly groups: number;
  readonly channelsPerGroup: number;
  /** Groups whose channels together fill whole vec4, so that no two invocations write one. */
  readonly blockGroups: number;
}

function readGroupNorm(node: Node): GroupNorm | undefined {
  const [, gamma, beta] = node.inputs;
  const channels = node.type.shape[1];
  if (!isOp(node, groupNormOp) || !gamma || !isConstant(gamma) || !beta || !isConstant(beta)) return undefined;
  if (typeof channels !== 'number') return undefined;
  const { groups, eps } = node.attrs;
  const channelsPerGroup = channels / groups;
  const blockGroups = channelsPerGroup % 4 === 0 ? 1 : channelsPerGroup % 2 === 0 ? 2 : 4;
  return { gamma, beta, eps, groups, channelsPerGroup, blockGroups };
}

/** Software adapters run the lanes of a workgroup as one SIMD group, here one block of groups a lane. */
const softwareLanes = 8;

export const groupNorm: Kernel<GroupNormSchedule> = {
  name: 'group-norm',
  implements: ['groupNorm'],
  profiles: ['software', 'gpu'],
  supports: (node) => readGroupNorm(node) !== undefined,
  schedules: (_node, profile) => (profile === 'gpu' ? [{ slices: 128 }, { slices: 32 }] : [{ slices: 1 }]),
  emit(request, { slices }) {
    const norm = readGroupNorm(request.node);
    if (!norm) throw new TypeError(`${request.node.op.name} is not a group normalisation`);
    const blocks = Math.ceil(norm.groups / norm.blockGroups);
    const shader = beginShader(request);
    const body = bodyText(shader, request, norm, slices);
    return shader.finish({
      workgroupSize: [slices === 1 ? softwareLanes : slices, 1, 1],
      workgroups: [slices === 1 ? ceilDivide(blocks, softwareLanes) : blocks, 1, request.result.batch],
      body,
    });
  },
};

// Rows are summed apart and then together: long sums of float32 lose less that way. Two passes, mean before variance,
// because the difference of large squares would lose what matters.
function bodyText(shader: Shader, request: KernelRequest, norm: GroupNorm, slices: number): string {
  const { result } = request;
  const [data] = request.operands;
  if (!data) throw new TypeError('the data operand has no place in memory');
  const x = shader.operand(0);
  const [gamma, beta] = [norm.gamma, norm.beta].map((node) => shader.constant(packBias(node, result.channels)));
  const y = shader.result();
  const [from, to] = [walk(shader, data), walk(shader, result)];
  const [groups, perGroup, channels] = [norm.groups, norm.channelsPerGroup, result.channels].map((n) => shader.u32(n));
  const [rows, columns] = [shader.u32(data.height), shader.u32(data.width)];
  const eps = shader.f32(norm.eps);
  if (slices > 1) shader.declare(`var<workgroup> partial: array<f32, ${slices}>;\n${totalText(slices)}`);
  const names = { x, from, rows, columns };
  return `
  let start = ${slices === 1 ? 'invocation.x' : 'group.x'} * ${norm.blockGroups}u;
  let n = group.z;
  ${slices === 1 ? `if (start >= ${groups}) { return; }` : ''}
  let count = min(${norm.blockGroups}u, ${groups} - start);
  let size = f32(${perGroup} * ${rows} * ${columns});
  var means = array<f32, ${norm.blockGroups}>();
  var scales = array<f32, ${norm.blockGroups}>();
  for (var g = 0u; g < count; g++) {
    let low = (start + g) * ${perGroup};
    let high = low + ${perGroup};
    let span = (high + 3u) / 4u - low / 4u;
    {${sumText(names, slices, 'a')}
    means[g] = t / size; }
    let mean = means[g];
    {${sumText(names, slices, '(a - mean) * (a - mean)')}
    scales[g] = 1.0 / sqrt(t / size + ${eps}); }
  }
  let c0 = start * ${perGroup} / 4u;
  let groupsEnd = ((start + count) * ${perGroup} + 3u) / 4u;
  let span = groupsEnd - c0;
  for (var i = 0u; i < ${rows}; i++) {
    for (var j = ${firstOf(slices)}; j < ${columns} * span; j += ${slices}u) {
      let c = c0 + j % span;
      let p = j / span;
      var mean = vec4f();
      var scale = vec4f();
${range(4)
  .map((k) => {
    const lane = `      let g${k} = min((c * 4u + ${k}u) / ${perGroup} - start, count - 1u);`;
    return `${lane} mean[${k}] = means[g${k}]; scale[${k}] = scales[g${k}];`;
  })
  .join('\n')}
      let a = ${x}[${at(from, 'n', 'i', 'p', 'c')}];
      let v = (a - mean) * scale * ${gamma}[c] + ${beta}[c];
      ${y}[${at(to, 'n', 'i', 'p', 'c')}] = select(vec4f(), v, vec4u(0, 1, 2, 3) + c * 4u < vec4u(${channels}));
    }
  }`;
}

interface Source {
  readonly x: string;
  readonly from: Walk;
  readonly rows: string;
  readonly columns: string;
}

/** Statements that leave in `t` the sum of `value`, a function of `a`, over the channels from `low` to `high`. */
const sumText = ({ x, from, rows, columns }: Source, slices: number, value: string): string => `
    var t = 0.0;
    for (var i = 0u; i < ${rows}; i++) {
      var part = vec4f();
      for (var j = ${firstOf(slices)}; j < ${columns} * span; j += ${slices}u) {
        let c = low / 4u + j % span;
        let lanes = vec4u(0, 1, 2, 3) + c * 4u;
        let a = ${x}[${at(from, 'n', 'i', '(j / span)', 'c')}];
        part += select(vec4f(), ${value}, (lanes >= vec4u(low)) & (lanes < vec4u(high)));
      }
      t += dot(part, vec4f(1.0));
    }
    ${slices === 1 ? '' : 't = total(lane, t);'}`;

const firstOf = (slices: number): string => (slices === 1 ? '0u' : 'lane');

/** The sum over all invocations, the same in each, by a tree of fixed order. */
const totalText = (slices: number): string => `fn total(lane: u32, value: f32) -> f32 {
  workgroupBarrier();
  partial[lane] = value;
  workgroupBarrier();
  for (var half = ${slices / 2}u; half > 0u; half /= 2u) {
    if (lane < half) { partial[lane] += partial[lane + half]; }
    workgroupBarrier();
  }
  return partial[0];
}`;
