/** Softmax and its logarithm over the channel axis: one pixel an invocation. */
import { isOp } from '../../ir/op.ts';
import { logSoftmax, softmax as softmaxOp } from '../../ops/index.ts';
import { ceilDivide, multiplyExtents, type Kernel } from '../kernel.ts';
import { at, beginShader, walk } from '../shader/wgsl.ts';
import { keepNaN } from '../../ops/rules/not-finite.ts';

const lanes = 32;

export const softmax: Kernel = {
  name: 'softmax',
  implements: ['softmax', 'logSoftmax'],
  profiles: ['software', 'gpu'],
  supports: (node) => (isOp(node, softmaxOp) || isOp(node, logSoftmax)) && node.attrs.axis === 1,
  schedules: () => [{}],
  emit(request) {
    const { node, result } = request;
    const [data] = request.operands;
    if (!data) throw new TypeError('the data operand has no place in memory');
    const shader = beginShader(request);
    const from = shader.operand(0);
    const to = shader.result();
    const [input, output] = [walk(shader, data), walk(shader, result)];
    const [channels, columns, rows] = [result.channels, result.width, result.height].map((size) => shader.u32(size));
    // Padding lanes count as -infinity: they add nothing to the sum, and softmax makes them zero.
    const inside = (index: string): string => `vec4u(0, 1, 2, 3) + ${index} * 4u < vec4u(${channels})`;
    const low = shader.f32(-Infinity);
    const load = (index: string): string => `select(vec4f(${low}), ${from}[start + ${index}], ${inside(index)})`;
    shader.declare(`fn grow(t: vec4f) -> vec4f { return ${keepNaN('exp(t)', 't')}; }`);
    const finished = isOp(node, logSoftmax)
      ? `select(vec4f(), ${keepNaN(`${from}[start + c] - top - log(total)`, 'whole')}, ${inside('c')})`
      : `select(vec4f(), grow(${load('c')} - top) / total, ${inside('c')})`;
    const body = `
  let y = invocation.x / ${columns};
  let x = invocation.x - y * ${columns};
  let n = group.z;
  if (y >= ${rows}) { return; }
  let start = ${at(input, 'n', 'y', 'x', '0u')};
  let out = ${at(output, 'n', 'y', 'x', '0u')};
  let groups = (${channels} + 3u) / 4u;
  var high = vec4f(${low});
  for (var c = 0u; c < groups; c++) { high = max(high, ${load('c')}); }
  let top = vec4f(max(max(high.x, high.y), max(high.z, high.w)));
  var sum = vec4f();
  for (var c = 0u; c < groups; c++) { sum += grow(${load('c')} - top); }
  let total = dot(sum, vec4f(1.0));
${isOp(node, logSoftmax) ? '  let whole = vec4f(total);' : ''}
  for (var c = 0u; c < groups; c++) { ${to}[out + c] = ${finished}; }`;
    return shader.finish({
      workgroupSize: [lanes, 1, 1],
      workgroups: [ceilDivide(multiplyExtents(result.height, result.width), lanes), 1, result.batch],
      body,
    });
  },
};
