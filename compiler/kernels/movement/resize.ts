/** Planes of another size: one vec4 of the result an invocation, from one cell or four. */
import { isOp } from '../../ir/op.ts';
import { resize as resizeOp } from '../../ops/index.ts';
import { ceilDivide, channelGroups, groupType, multiplyExtents, type Kernel } from '../kernel.ts';
import { at, beginShader, walk } from '../shader/wgsl.ts';

const lanes = 32;

export const resize: Kernel = {
  name: 'resize',
  implements: ['resize'],
  profiles: ['software', 'gpu'],
  supports: (node) => isOp(node, resizeOp),
  schedules: () => [{}],
  emit(request) {
    const { node, result } = request;
    const [data] = request.operands;
    if (!data || !isOp(node, resizeOp)) throw new TypeError(`${node.op.name} does not resize a placed value`);
    const shader = beginShader(request);
    const x = shader.operand(0, groupType(data.element));
    const y = shader.result(groupType(result.element));
    const [from, to] = [walk(shader, data), walk(shader, result)];
    const groups = channelGroups(result.channels);
    const groupCount = shader.u32(groups);
    const [rows, columns] = [shader.u32(result.height), shader.u32(result.width)];
    const [inputRows, inputColumns] = [shader.u32(data.height), shader.u32(data.width)];
    const load = (row: string, column: string): string => `${x}[${at(from, 'n', row, column, 'c')}]`;
    // Integers as in the op's definition, so that no rounding moves a cell.
    const place = (index: string, input: string, output: string): string =>
      `(max((2u * ${index} + 1u) * ${input}, ${output}) - ${output})`;
    const value =
      node.attrs.mode === 'nearest'
        ? `  let v = ${load(`(y * ${inputRows} / ${rows})`, `(x * ${inputColumns} / ${columns})`)};`
        : `  let py = ${place('y', inputRows, rows)};
  let px = ${place('x', inputColumns, columns)};
  let y0 = py / (2u * ${rows});
  let x0 = px / (2u * ${columns});
  let y1 = min(y0 + 1u, ${inputRows} - 1u);
  let x1 = min(x0 + 1u, ${inputColumns} - 1u);
  let wy = f32(py % (2u * ${rows})) / f32(2u * ${rows});
  let wx = f32(px % (2u * ${columns})) / f32(2u * ${columns});
  let above = ${load('y0', 'x0')} * (1.0 - wx) + ${load('y0', 'x1')} * wx;
  let below = ${load('y1', 'x0')} * (1.0 - wx) + ${load('y1', 'x1')} * wx;
  let v = above * (1.0 - wy) + below * wy;`;
    const body = `
  let c = invocation.x % ${groupCount};
  let p = invocation.x / ${groupCount};
  let y = p / ${columns};
  let x = p - y * ${columns};
  let n = group.z;
  if (y >= ${rows}) { return; }
${value}
  ${y}[${at(to, 'n', 'y', 'x', 'c')}] = v;`;
    return shader.finish({
      workgroupSize: [lanes, 1, 1],
      workgroups: [ceilDivide(multiplyExtents(result.height, result.width, groups), lanes), 1, result.batch],
      body,
    });
  },
};
