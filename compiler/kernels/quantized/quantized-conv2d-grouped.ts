/** Quantized convolution with any groups and sums of any size: four output channels an invocation, sums in i32. */
import { ceilDivide, channelGroups, multiplyExtents, wordOf, type Kernel, type KernelRequest } from '../kernel.ts';
import {
  declareFinishSum,
  declareRequantize,
  packIntegerBias,
  packWords,
  quantizedOf,
  readQuantized,
} from './quantized-convolution.ts';
import { at, beginShader, range, walk, type Shader } from '../shader/wgsl.ts';

const lanes = 32;

export const quantizedConv2dGrouped: Kernel = {
  name: 'quantized-conv2d-grouped',
  implements: ['quantizedConv2d'],
  profiles: ['software', 'gpu'],
  supports: (node) => readQuantized(node) !== undefined,
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
  const { conv, data } = quantizedOf(request);
  const { stride, padding, dilation, groups, inputZero } = conv.attrs;
  const weights = shader.constant(packWords(conv), 'u32');
  const x = shader.operand(0, 'u32');
  const bias = shader.constant(packIntegerBias(conv), 'vec4i');
  const result = shader.result('u32');
  const [from, to] = [walk(shader, data), walk(shader, request.result)];
  const u = (value: number): string => shader.u32(value);
  const [kernelHeight, kernelWidth, inputs, outputs] = [...conv.kernel, conv.inputs, conv.outputs].map(u);
  const [strideY, strideX, top, left, dilationY, dilationX] = [...stride, padding[0], padding[1], ...dilation].map(u);
  const perGroup = u(conv.outputs / groups);
  const [inputRows, inputColumns] = [shader.u32(data.height), shader.u32(data.width)];
  const [columns, rows] = [shader.u32(request.result.width), shader.u32(request.result.height)];
  const groupCount = u(channelGroups(conv.outputs));
  const outside = u(wordOf(inputZero));
  declareFinishSum(shader, declareRequantize(shader, request, conv));
  shader.declare(`fn byteOf(word: u32, at: u32) -> i32 {
  return i32(word << (24u - 8u * at)) >> 24u;
}
fn sumOf(o: u32, n: u32, y: u32, x: u32) -> i32 {
  if (o >= ${outputs}) { return 0; }
  let first = (o / ${perGroup}) * ${inputs};
  let depth = (${inputs} + 3u) / 4u;
  var sum = 0;
  for (var ky = 0u; ky < ${kernelHeight}; ky++) {
    let iy = y * ${strideY} + ky * ${dilationY} - ${top};
    for (var kx = 0u; kx < ${kernelWidth}; kx++) {
      let ix = x * ${strideX} + kx * ${dilationX} - ${left};
      let inside = iy < ${inputRows} && ix < ${inputColumns};
      let start = ${at(from, 'n', 'iy', 'ix', '0u')};
      let block = ((o / 4u * ${kernelHeight} + ky) * ${kernelWidth} + kx) * depth;
      for (var i = 0u; i < ${inputs}; i++) {
        let c = first + i;
        var word = ${outside};
        if (inside) { word = ${x}[start + c / 4u]; }
        let weight = ${weights}[(block + i / 4u) * 4u + o % 4u];
        sum += byteOf(word ^ 0x80808080u, c % 4u) * byteOf(weight, i % 4u);
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
  let sums = vec4i(${range(4).map(lane).join(', ')}) + ${bias}[c];
  ${result}[${at(to, 'n', 'y', 'x', 'c')}] = finishSum(sums, n, y, x, c);`;
}
