/** Max, average, adaptive and global average pools: one vec4 of the result an invocation. */
import { isOp } from '../../ir/op.ts';
import type { Node } from '../../ir/node.ts';
import { averagePool2d, globalAveragePool, maxPool2d } from '../../ops/index.ts';
import type { PoolAttrs } from '../../ops/rules/pool.ts';
import { ceilDivide, channelGroups, multiplyExtents, type Kernel, type Placement } from '../kernel.ts';
import { at, beginShader, walk, type Shader } from '../shader/wgsl.ts';
import { noteNaN, orNaN } from '../../ops/rules/not-finite.ts';

const lanes = 32;

/**
 * WGSL that sets the window `[ys, ye) x [xs, xe)` of pixel (y, x) in input coordinates, clipped to the image, and the
 * `divisor` of its sum.
 */
type Window = (shader: Shader, data: Placement) => string;

const clip = (low: string, high: string, size: string): string =>
  `u32(max(${low}, 0)), u32(min(${high}, i32(${size})))`;

export function slidingWindow(attrs: PoolAttrs, countPadding: boolean): Window {
  return (shader, data) => {
    const axis = (name: string, size: string, index: 0 | 1): string => {
      const kernel = shader.u32(attrs.kernel[index]);
      const before = shader.u32(attrs.padding[index]);
      const after = shader.u32(attrs.padding[index === 0 ? 2 : 3]);
      const start = `i32(${name} * ${shader.u32(attrs.stride[index])}) - i32(${before})`;
      return `let ${name}l = ${start};
  let ${name}h = min(${name}l + i32(${kernel}), i32(${size} + ${after}));
  let ${name}w = vec2u(${clip(`${name}l`, `${name}h`, size)});`;
    };
    const [rows, columns] = [shader.u32(data.height), shader.u32(data.width)];
    // PyTorch counts padded cells only inside the padded input: a window that ceil mode lets hang over is cut first.
    const divisor = countPadding ? '(yh - yl) * (xh - xl)' : 'i32((yw.y - yw.x) * (xw.y - xw.x))';
    return `${axis('y', rows, 0)}
  ${axis('x', columns, 1)}
  let divisor = f32(${divisor});`;
  };
}

function adaptive(result: Placement): Window {
  return (shader, data) => {
    const axis = (name: string, input: string, output: string): string =>
      `let ${name}w = vec2u(${name} * ${input} / ${output}, ((${name} + 1u) * ${input} + ${output} - 1u) / ${output});`;
    return `${axis('y', shader.u32(data.height), shader.u32(result.height))}
  ${axis('x', shader.u32(data.width), shader.u32(result.width))}
  let divisor = f32((yw.y - yw.x) * (xw.y - xw.x));`;
  };
}

function windowOf(node: Node, result: Placement): Window {
  if (isOp(node, maxPool2d)) return slidingWindow(node.attrs, false);
  if (isOp(node, averagePool2d)) return slidingWindow(node.attrs, node.attrs.countIncludePad);
  return adaptive(result);
}

export const pool: Kernel = {
  name: 'pool',
  implements: ['maxPool2d', 'averagePool2d', 'adaptiveAveragePool2d'],
  profiles: ['software', 'gpu'],
  supports: (node) => pool.implements.includes(node.op.name) && node.type.dtype === 'f32',
  schedules: () => [{}],
  emit(request) {
    const { node, result } = request;
    const [data] = request.operands;
    if (!data) throw new TypeError('the data operand has no place in memory');
    const maximum = isOp(node, maxPool2d);
    const window = windowOf(node, result);
    const shader = beginShader(request);
    const x = shader.operand(0);
    const y = shader.result();
    const [from, to] = [walk(shader, data), walk(shader, result)];
    const groups = channelGroups(result.channels);
    const [groupCount, columns, rows] = [groups, result.width, result.height].map((size) => shader.u32(size));
    const body = `
  let c = invocation.x % ${groupCount};
  let p = invocation.x / ${groupCount};
  let y = p / ${columns};
  let x = p - y * ${columns};
  let n = group.z;
  if (y >= ${rows}) { return; }
  ${window(shader, data)}
${maximum ? `  var v = vec4f(${shader.f32(-Infinity)});\n  var bits = vec4i();` : '  var v = vec4f();'}
  for (var i = yw.x; i < yw.y; i++) {
    let row = ${at(from, 'n', 'i', '0u', 'c')};
    for (var j = xw.x; j < xw.y; j++) {
      let a = ${x}[row + j * ${from.pixel}];
${maximum ? `      v = max(v, a);\n      ${noteNaN('bits', 'a')}` : '      v += a;'}
    }
  }
  ${y}[${at(to, 'n', 'y', 'x', 'c')}] = ${maximum ? orNaN('v', 'bits') : 'v / divisor'};`;
    return shader.finish({
      workgroupSize: [lanes, 1, 1],
      workgroups: [ceilDivide(multiplyExtents(result.height, result.width, groups), lanes), 1, result.batch],
      body,
    });
  },
};

/** `slices`: invocations that share one channel group's sum over the image. */
export const globalPool: Kernel<{ readonly slices: number }> = {
  name: 'global-pool',
  implements: ['globalAveragePool'],
  profiles: ['software', 'gpu'],
  supports: (node) => isOp(node, globalAveragePool),
  schedules: (_node, profile) => (profile === 'gpu' ? [{ slices: 32 }] : [{ slices: 1 }]),
  emit(request, { slices }) {
    const { result } = request;
    const [data] = request.operands;
    if (!data) throw new TypeError('the data operand has no place in memory');
    const shader = beginShader(request);
    const x = shader.operand(0);
    const y = shader.result();
    const [from, to] = [walk(shader, data), walk(shader, result)];
    const groups = channelGroups(result.channels);
    const [groupCount, rows, columns] = [groups, data.height, data.width].map((size) => shader.u32(size));
    const channelLanes = slices === 1 ? 8 : 4;
    if (slices > 1) shader.declare(`var<workgroup> partial: array<vec4f, ${slices * channelLanes}>;`);
    const body = `
  let c = min(invocation.x, ${groupCount} - 1u);
  let n = group.z;
  var v = vec4f();
  for (var i = local.y; i < ${rows}; i += ${slices}u) {
    let row = ${at(from, 'n', 'i', '0u', 'c')};
    for (var j = 0u; j < ${columns}; j++) { v += ${x}[row + j * ${from.pixel}]; }
  }
${
  slices === 1
    ? ''
    : `  partial[lane] = v;
  workgroupBarrier();
  if (local.y > 0u) { return; }
  for (var i = 1u; i < ${slices}u; i++) { v += partial[lane + i * ${channelLanes}u]; }`
}
  if (invocation.x < ${groupCount}) {
    ${y}[${at(to, 'n', '0u', '0u', 'c')}] = v / f32(${rows} * ${columns});
  }`;
    return shader.finish({
      workgroupSize: [channelLanes, slices, 1],
      workgroups: [ceilDivide(groups, channelLanes), 1, result.batch],
      body,
    });
  },
};
