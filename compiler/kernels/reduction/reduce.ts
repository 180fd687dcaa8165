/** Sums, means and maxima over any axes: one element of the result at a time. */
import type { Dim } from '../../ir/dim.ts';
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { reduceMax, reduceMean, reduceSum } from '../../ops/index.ts';
import { elementIndex, logicalCoordinates } from '../shader/element.ts';
import { ceilDivide, channelGroups, multiplyExtents, type Kernel } from '../kernel.ts';
import { at, beginShader, range, walk, type Shader } from '../shader/wgsl.ts';
import { noteNaN, orNaN } from '../../ops/rules/not-finite.ts';

const lanes = 32;

interface Reduction {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
  readonly maximum: boolean;
  readonly mean: boolean;
}

function readReduction(node: Node): Reduction | undefined {
  if (!isOp(node, reduceMean) && !isOp(node, reduceSum) && !isOp(node, reduceMax)) return undefined;
  const rank = node.inputs[0]?.type.shape.length ?? 0;
  const axes = node.attrs.axes.map((axis) => (axis < 0 ? axis + rank : axis));
  return { axes, keepDims: node.attrs.keepDims, maximum: isOp(node, reduceMax), mean: isOp(node, reduceMean) };
}

export const reduce: Kernel = {
  name: 'reduce',
  implements: ['reduceMean', 'reduceSum', 'reduceMax'],
  profiles: ['software', 'gpu'],
  supports: (node) => readReduction(node) !== undefined,
  schedules: () => [{}],
  emit(request) {
    const { node, result } = request;
    const [data] = request.operands;
    const reduction = readReduction(node);
    const input = node.inputs[0];
    if (!reduction || !input || !data) throw new TypeError(`${node.op.name} is not a reduction of a placed value`);
    const shader = beginShader(request);
    const x = shader.operand(0);
    const y = shader.result();
    const to = walk(shader, result);
    const groups = channelGroups(result.channels);
    const [groupCount, channels, columns, rows] = [groups, result.channels, result.width, result.height].map((size) =>
      shader.u32(size),
    );
    const coordinates = logicalCoordinates(shader, node.type.shape);
    shader.declare(
      foldText(shader, reduction, input.type.shape, node.type.shape.length, (names) =>
        elementIndex(shader, x, data, input.type.shape, names),
      ),
    );
    const lane = (index: number): string => {
      const channel = `c * 4u + ${index}u`;
      const call = `fold(${coordinates(channel).slice(0, node.type.shape.length).join(', ')})`;
      return index === 0 ? `  v.x = ${call};` : `  if (${channel} < ${channels}) { v.${'xyzw'[index]} = ${call}; }`;
    };
    const body = `
  let c = invocation.x % ${groupCount};
  let p = invocation.x / ${groupCount};
  let y = p / ${columns};
  let x = p - y * ${columns};
  let n = group.z;
  if (y >= ${rows}) { return; }
  var v = vec4f();
${range(4).map(lane).join('\n')}
  ${y}[${at(to, 'n', 'y', 'x', 'c')}] = v;`;
    return shader.finish({
      workgroupSize: [lanes, 1, 1],
      workgroups: [ceilDivide(multiplyExtents(result.height, result.width, groups), lanes), 1, result.batch],
      body,
    });
  },
};

/** `fn fold(d0: u32, ...) -> f32`: loops over the reduced axes, takes the kept coordinates from the result's. */
function foldText(
  shader: Shader,
  { axes, keepDims, maximum, mean }: Reduction,
  shape: readonly Dim[],
  resultRank: number,
  element: (coordinates: readonly string[]) => string,
): string {
  let next = 0;
  const coordinates = shape.map((_, axis) => {
    if (axes.includes(axis)) return `r${axis}`;
    return `d${keepDims ? axis : next++}`;
  });
  const sizes = new Map(axes.map((axis) => [axis, shader.u32(shape[axis] ?? 1)]));
  const open = [...sizes].map(([axis, size]) => `for (var r${axis} = 0u; r${axis} < ${size}; r${axis}++) {`);
  const value = element(coordinates);
  const count = [...sizes.values()].join(' * ') || '1u';
  return `fn fold(${range(resultRank)
    .map((axis) => `d${axis}: u32`)
    .join(', ')}) -> f32 {
  var v = ${maximum ? shader.f32(-Infinity) : '0.0'};${maximum ? '\n  var bits = 0;' : ''}
  ${open.join(' ')}
    ${maximum ? `let a = ${value}; v = max(v, a); ${noteNaN('bits', 'a', 1)}` : `v += ${value};`}
  ${'}'.repeat(open.length)}
  return ${maximum ? orNaN('v', 'bits', 1) : mean ? `v / f32(${count})` : 'v'};
}`;
}
