/** Zeros between rows and columns: one vec4 of the result an invocation. */
import { isOp } from '../../ir/op.ts';
import { dilate as dilateOp } from '../../ops/index.ts';
import { finishCells } from '../shader/cells.ts';
import type { Kernel } from '../kernel.ts';
import { at, beginShader, walk } from '../shader/wgsl.ts';

export const dilate: Kernel = {
  name: 'dilate',
  implements: ['dilate'],
  profiles: ['software', 'gpu'],
  supports: (node) => isOp(node, dilateOp),
  schedules: () => [{}],
  emit(request) {
    const { node } = request;
    const [data] = request.operands;
    if (!isOp(node, dilateOp) || !data) throw new TypeError(`${node.op.name} dilates no placed value`);
    const shader = beginShader(request);
    const from = shader.operand(0);
    const source = walk(shader, data);
    const [down, across] = node.attrs.stride.map((step) => shader.u32(step));
    const [rows, columns] = [shader.u32(data.height), shader.u32(data.width)];
    return finishCells(
      shader,
      request,
      `  let h = y / ${down};
  let w = x / ${across};
  var v = vec4f();
  if (h * ${down} == y && w * ${across} == x && h < ${rows} && w < ${columns}) {
    v = ${from}[${at(source, 'n', 'h', 'w', 'c')}];
  }`,
    );
  },
};
