/** Sum, mean or maximum over channels: one pixel an invocation. */
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { reduceMax, reduceMean, reduceSum } from '../../ops/index.ts';
import { finishCells } from '../shader/cells.ts';
import { channelGroups, type Kernel } from '../kernel.ts';
import { at, beginShader, walk } from '../shader/wgsl.ts';
import { noteNaN, orNaN } from '../../ops/rules/not-finite.ts';

/** Axis 1 alone; a matrix may lose it, because a vector lies in memory like a matrix of one column. */
function foldsChannels(node: Node): boolean {
  if (!isOp(node, reduceMax) && !isOp(node, reduceMean) && !isOp(node, reduceSum)) return false;
  const { axes, keepDims } = node.attrs;
  return axes.length === 1 && axes[0] === 1 && (keepDims || node.type.shape.length === 1);
}

export const channelFold: Kernel = {
  name: 'channel-fold',
  implements: ['reduceSum', 'reduceMean', 'reduceMax'],
  profiles: ['software', 'gpu'],
  supports: foldsChannels,
  schedules: () => [{}],
  emit(request) {
    const { node } = request;
    const [data] = request.operands;
    if (!data) throw new TypeError(`${node.op.name} reads no placed value`);
    const shader = beginShader(request);
    const from = shader.operand(0);
    const source = walk(shader, data);
    const [groups, channels] = [shader.u32(channelGroups(data.channels)), shader.u32(data.channels)];
    const maximum = isOp(node, reduceMax);
    const inside = `vec4u(0, 1, 2, 3) + g * 4u < vec4u(${channels})`;
    const mean = isOp(node, reduceMean) ? ` / f32(${channels})` : '';
    const value = maximum ? 'max(max(t.x, t.y), max(t.z, t.w))' : `dot(t, vec4f(1.0))${mean}`;
    const low = maximum ? `vec4f(${shader.f32(-Infinity)})` : 'vec4f()';
    const step = maximum ? `max(t, select(${low}, a, ${inside}));\n    ${noteNaN('bits', 'a')}` : 't + a;';
    return finishCells(
      shader,
      request,
      `  let start = ${at(source, 'n', 'y', 'x', '0u')};
  var t = ${low};${maximum ? '\n  var bits = vec4i();' : ''}
  for (var g = 0u; g < ${groups}; g++) {
    let a = ${from}[start + g];
    t = ${step}
  }${maximum ? '\n  let most = max(max(bits.x, bits.y), max(bits.z, bits.w));' : ''}
  let v = vec4f(${maximum ? orNaN(`(${value})`, 'most', 1) : value}, 0.0, 0.0, 0.0);`,
    );
  },
};
