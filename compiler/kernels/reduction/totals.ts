/** Sums of all elements, or of products: padding is zero, so whole vec4 add up. */
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { partialTotals, reduceMean, reduceSum } from '../../ops/index.ts';
import { spreadWorkgroups } from '../shader/cells.ts';
import { ceilDivide, channelGroups, multiplyExtents, type Extent, type Kernel, type Placement } from '../kernel.ts';
import { at, beginShader, walk, type Shader } from '../shader/wgsl.ts';

/** `slices`: invocations that share one part; 1 needs no workgroup memory. */
export type TotalsSchedule = { readonly slices: number };

const softwareLanes = 8;

const isWhole = (node: Node): boolean => {
  if (!isOp(node, reduceSum) && !isOp(node, reduceMean)) return false;
  return node.type.shape.every((size) => size === 1);
};

export const totals: Kernel<TotalsSchedule> = {
  name: 'totals',
  implements: ['partialTotals', 'reduceSum', 'reduceMean'],
  profiles: ['software', 'gpu'],
  supports: (node) => isOp(node, partialTotals) || isWhole(node),
  schedules: (_node, profile) => (profile === 'gpu' ? [{ slices: 256 }] : [{ slices: 1 }]),
  emit(request, { slices }) {
    const { node, result } = request;
    const [data] = request.operands;
    if (!data) throw new TypeError(`${node.op.name} sums no placed value`);
    const shader = beginShader(request);
    const quads = multiplyExtents(data.batch, data.height, data.width, channelGroups(data.channels));
    const chunk: Extent = isOp(node, partialTotals) ? node.attrs.chunk : quads;
    const parts: Extent = isOp(node, partialTotals) ? ceilDivide(quads, node.attrs.chunk) : 1;
    const [count, size, partCount] = [shader.u32(quads), shader.u32(chunk), shader.u32(parts)];
    const loads = request.operands.map((placement, index) => {
      if (!placement) throw new TypeError(`operand ${index} has no place in memory`);
      return loadText(shader, shader.operand(index), placement);
    });
    const y = shader.result();
    const to = walk(shader, result);
    const shared = slices > 1;
    if (shared) shader.declare(`var<workgroup> w: array<vec4f, ${slices}>;`);
    const mean = isOp(node, reduceMean) ? ` / f32(${shader.u32(elementsOf(data))})` : '';
    const body = `
  let part = ${shared ? 'group.x + group.y * 32768u' : 'invocation.x'};
  if (part >= ${partCount}) { return; }
  let end = min((part + 1u) * ${size}, ${count});
  var s = vec4f();
  for (var v = part * ${size}${shared ? ' + lane' : ''}; v < end; v += ${slices}u) {
    s += ${loads.join(' * ')};
  }
${shared ? shareText(slices) : ''}
  ${y}[${to.origin} + part * ${to.image}] = vec4f(dot(s, vec4f(1.0))${mean}, 0.0, 0.0, 0.0);`;
    return shader.finish({
      workgroupSize: [shared ? slices : softwareLanes, 1, 1],
      workgroups: shared ? spreadWorkgroups(parts) : [ceilDivide(parts, softwareLanes), 1, 1],
      body,
    });
  },
};

const elementsOf = ({ batch, channels, height, width }: Placement): Extent =>
  multiplyExtents(batch, channels, height, width);

/** The load of quadruple `v`; where nothing lies between the pixels, quadruples follow each other in memory. */
function loadText(shader: Shader, buffer: string, placement: Placement): string {
  const groups = channelGroups(placement.channels);
  const from = walk(shader, placement);
  const isSingle = placement.batch === 1 && placement.height === 1 && placement.width === 1;
  const dense = placement.halo.every((side) => side === 0) && (isSingle || placement.channelStride === groups);
  if (dense) return `${buffer}[${from.origin} + v]`;
  const [groupCount, columns, rows] = [groups, placement.width, placement.height].map((size) => shader.u32(size));
  const pixel = `v / ${groupCount}`;
  const [n, y, x] = [
    `${pixel} / ${columns} / ${rows}`,
    `((${pixel}) / ${columns}) % ${rows}`,
    `(${pixel}) % ${columns}`,
  ];
  return `${buffer}[${at(from, `(${n})`, y, `(${x})`, `v % ${groupCount}`)}]`;
}

const shareText = (slices: number): string => `  w[lane] = s;
  for (var half = ${slices / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { w[lane] += w[lane + half]; }
  }
  if (lane > 0u) { return; }
  s = w[0];`;
