/** Class labels: ones in the channels that labels name, and the channel of the largest score. */
import { isOp } from '../../ir/op.ts';
import { argMax as argMaxOp, oneHot as oneHotOp } from '../../ops/index.ts';
import { finishCells, insideChannels } from '../shader/cells.ts';
import { elementIndex, logicalCoordinates } from '../shader/element.ts';
import { channelGroups, type Kernel } from '../kernel.ts';
import { at, beginShader, range, walk } from '../shader/wgsl.ts';
import { belowAll, rankFunction } from '../../ops/rules/not-finite.ts';

export const oneHot: Kernel = {
  name: 'one-hot',
  implements: ['oneHot'],
  profiles: ['software', 'gpu'],
  supports: (node) => isOp(node, oneHotOp),
  schedules: () => [{}],
  emit(request) {
    const { node, result } = request;
    const [data] = request.operands;
    const shape = node.inputs[0]?.type.shape;
    if (!data || !shape) throw new TypeError(`${node.op.name} reads no placed labels`);
    const shader = beginShader(request);
    const coordinates = logicalCoordinates(shader, node.type.shape)('0u').toSpliced(1, 1);
    const label = elementIndex(shader, shader.operand(0), data, shape, coordinates.slice(0, shape.length));
    return finishCells(
      shader,
      request,
      `  let label = ${label};
  let v = select(vec4f(), vec4f(1.0), (vec4f(0.0, 1.0, 2.0, 3.0) + f32(c * 4u) == vec4f(label)) & (${insideChannels(shader, result.channels)}));`,
    );
  },
};

/** One vec4 of the result is four rows of an image, or one row of a matrix. */
export const argMax: Kernel = {
  name: 'arg-max',
  implements: ['argMax'],
  profiles: ['software', 'gpu'],
  supports: (node) => isOp(node, argMaxOp) && node.attrs.axis === 1 && (node.inputs[0]?.type.shape.length ?? 0) > 1,
  schedules: () => [{}],
  emit(request) {
    const { node, result } = request;
    const [data] = request.operands;
    if (!data) throw new TypeError(`${node.op.name} reads no placed value`);
    const shader = beginShader(request);
    const x = shader.operand(0);
    const from = walk(shader, data);
    const [groups, channels] = [shader.u32(channelGroups(data.channels)), shader.u32(data.channels)];
    const rank = node.type.shape.length;
    // Of rank 3, `[N, H, W]`, channels of the result are rows of the operand; beyond, its rows and columns are shared.
    const [width, lanes] = [shader.u32(data.width), shader.u32(result.channels)];
    const flat =
      rank === 1
        ? '0u'
        : rank === 2
          ? 'row'
          : `(row * ${shader.u32(result.height)} + y) * ${shader.u32(result.width)} + x`;
    shader.declare(rankFunction);
    shader.declare(`fn search(n: u32, p: u32) -> f32 {
  let start = ${at(from, 'n', `(p / ${width})`, `(p % ${width})`, '0u')};
  var best = ${belowAll};
  var index = 0u;
  for (var g = 0u; g < ${groups}; g++) {
    let a = rank(${x}[start + g]);
${range(4)
  .map((k) => `    if (a[${k}] > best && g * 4u + ${k}u < ${channels}) { best = a[${k}]; index = g * 4u + ${k}u; }`)
  .join('\n')}
  }
  return f32(index);
}`);
    const lane = (k: number): string => {
      if (rank === 1) return k === 0 ? '  v.x = search(n, 0u);' : '';
      return `  { let row = c * 4u + ${k}u; if (row < ${lanes}) { v[${k}] = search(n, ${flat}); } }`;
    };
    return finishCells(shader, request, `  var v = vec4f();\n${range(4).map(lane).join('\n')}`);
  },
};
