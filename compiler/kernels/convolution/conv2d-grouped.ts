/** Convolution with any groups: four output channels an invocation, each with its own input channels. */
import { bindFilter, convolutionOf, readConvolution, readsForm } from './convolution.ts';
import { declareEpilogue } from '../shader/epilogue.ts';
import { ceilDivide, channelGroups, multiplyExtents, type Kernel, type KernelRequest } from '../kernel.ts';
import { packBias } from '../shader/pack.ts';
import { at, beginShader, range, walk, type Shader } from '../shader/wgsl.ts';

const lanes = 32;

export const conv2dGrouped: Kernel = {
  name: 'conv2d-grouped',
  implements: ['conv2d'],
  profiles: ['software', 'gpu'],
  supports(node) {
    const conv = readConvolution(node);
    return conv !== undefined && conv.gate === undefined && !conv.flipped && readsForm(conv);
  },
  schedules: () => [{}],
  emit(request) {
    const { height, width, channels, batch } = request.result;
    const shader = beginShader(request);
    const body = bodyText(shader, request);
    const items = multiplyExtents(height, width, channelGroups(channels));
    return shader.finish({ workgroupSize: [lanes, 1, 1], workgroups: [ceilDivide(items, lanes), 1, batch], body });
  },
};

function bodyText(shader: Shader, request: KernelRequest): string {
  const { conv, data } = convolutionOf(request);
  const { stride, padding, dilation, groups } = conv.attrs;
  const x = shader.operand(conv.operands[0] ?? 0);
  const weights = bindFilter(shader, conv);
  const bias = shader.constant(packBias(conv.bias, conv.outputs));
  const result = shader.result();
  const [from, to] = [walk(shader, data), walk(shader, request.result)];
  const u = (value: number): string => shader.u32(value);
  const [kernelHeight, kernelWidth, inputs, outputs] = [...conv.kernel, conv.inputs, conv.outputs].map(u);
  const [strideY, strideX, top, left, dilationY, dilationX] = [...stride, padding[0], padding[1], ...dilation].map(u);
  const perGroup = u(conv.outputs / groups);
  const [inputRows, inputColumns] = [shader.u32(data.height), shader.u32(data.width)];
  const [columns, rows] = [shader.u32(request.result.width), shader.u32(request.result.height)];
  const groupCount = u(channelGroups(conv.outputs));
  declareEpilogue(shader, conv.tail, request);
  shader.declare(`fn sumOf(o: u32, n: u32, y: u32, x: u32) -> f32 {
  if (o >= ${outputs}) { return 0.0; }
  let first = (o / ${perGroup}) * ${inputs};
  let depth = (${inputs} + 3u) / 4u * 4u;
  var sum = 0.0;
  for (var ky = 0u; ky < ${kernelHeight}; ky++) {
    let iy = y * ${strideY} + ky * ${dilationY} - ${top};
    if (iy >= ${inputRows}) { continue; }
    for (var kx = 0u; kx < ${kernelWidth}; kx++) {
      let ix = x * ${strideX} + kx * ${dilationX} - ${left};
      if (ix >= ${inputColumns}) { continue; }
      let start = ${at(from, 'n', 'iy', 'ix', '0u')};
      let w = ((o / 4u * ${kernelHeight} + ky) * ${kernelWidth} + kx) * depth;
      for (var i = 0u; i < ${inputs}; i++) {
        let c = first + i;
        sum += ${x}[start + c / 4u][c % 4u] * ${weights}[w + i][o % 4u];
      }
    }
  }
  return sum;
}`);
  const lane = (i: number): string => `sumOf(c * 4u + ${i}u, n, y, x)`;
  return `
  let c = invocation.x % ${groupCount};
  let p = invocation.x / ${groupCount};
  let y = p / ${columns};
  let x = p - y * ${columns};
  let n = group.z;
  if (y >= ${rows}) { return; }
  let v = vec4f(${range(4).map(lane).join(', ')}) + ${bias}[c];
  ${result}[${at(to, 'n', 'y', 'x', 'c')}] = finish(v, n, y, x, c);`;
}
