/** Adds partial sums that lie one after the other on axis 0. */
import { isOp } from '../../ir/op.ts';
import { sumSlices } from '../../ops/index.ts';
import { ceilDivide, channelGroups, multiplyExtents, type Kernel } from '../kernel.ts';
import { at, beginShader, walk } from '../shader/wgsl.ts';

const lanes = 32;

export const sumSlicesKernel: Kernel = {
  name: 'sum-slices',
  implements: ['sumSlices'],
  profiles: ['software', 'gpu'],
  supports: (node) => isOp(node, sumSlices),
  schedules: () => [{}],
  emit(request) {
    const { node, result } = request;
    const [data] = request.operands;
    if (!isOp(node, sumSlices) || !data) throw new TypeError(`${node.op.name} sums no placed value`);
    const shader = beginShader(request);
    const [x, y] = [shader.operand(0), shader.result()];
    const [from, to] = [walk(shader, data), walk(shader, result)];
    const groups = channelGroups(result.channels);
    const items = multiplyExtents(result.batch, result.height, result.width, groups);
    const [groupCount, columns, rows, count] = [groups, result.width, result.height, items].map((size) =>
      shader.u32(size),
    );
    const [slices, batch] = [shader.u32(node.attrs.slices), shader.u32(result.batch)];
    const body = `
  let c = invocation.x % ${groupCount};
  let p = invocation.x / ${groupCount};
  let x = p % ${columns};
  let y = (p / ${columns}) % ${rows};
  let n = p / ${columns} / ${rows};
  if (invocation.x >= ${count}) { return; }
  let start = ${at(from, 'n', 'y', 'x', 'c')};
  var sum = vec4f();
  for (var s = 0u; s < ${slices}; s++) { sum += ${x}[start + s * ${batch} * ${from.image}]; }
  ${y}[${at(to, 'n', 'y', 'x', 'c')}] = sum;`;
    return shader.finish({ workgroupSize: [lanes, 1, 1], workgroups: [ceilDivide(items, lanes), 1, 1], body });
  },
};
