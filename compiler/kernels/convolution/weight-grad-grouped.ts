/** Weight gradients with any groups: four weights an invocation, each from its own input channel. */
import { channelGroups, type Extent, type Kernel, type KernelRequest } from '../kernel.ts';
import { readWeightGrad, weightGradOf } from './weight-grad.ts';
import { at, beginShader, range, walk, type Shader } from '../shader/wgsl.ts';

const lanes = 32;
/** Workgroups along the first axis of a dispatch, of which there may be more than a device allows. */
const across = 4096;

export const weightGradGrouped: Kernel = {
  name: 'weight-grad-grouped',
  implements: ['conv2dWeightGrad'],
  profiles: ['software', 'gpu'],
  supports: (node) => readWeightGrad(node) !== undefined,
  schedules: () => [{}],
  emit(request) {
    const { grad } = weightGradOf(request);
    const [height, width] = grad.attrs.kernel;
    const items = grad.slices * grad.outputs * height * width * channelGroups(grad.inputs);
    const shader = beginShader(request);
    const body = bodyText(shader, request, items);
    const workgroups = Math.ceil(items / lanes);
    return shader.finish({
      workgroupSize: [lanes, 1, 1],
      workgroups: [Math.min(workgroups, across), Math.ceil(workgroups / across), 1],
      body,
    });
  },
};

function bodyText(shader: Shader, request: KernelRequest, items: number): string {
  const { grad, x, g } = weightGradOf(request);
  const { attrs, outputs, inputs, slices } = grad;
  const [data, gradient, result] = [shader.operand(0), shader.operand(1), shader.result()];
  const [from, beside, to] = [walk(shader, x), walk(shader, g), walk(shader, request.result)];
  const u = (value: Extent): string => shader.u32(value);
  const [kernelHeight, kernelWidth, inputCount, outputCount] = [...attrs.kernel, inputs, outputs].map(u);
  const [strideY, strideX, dilationY, dilationX] = [...attrs.stride, ...attrs.dilation].map(u);
  const [top, left] = [u(attrs.padding[0]), u(attrs.padding[1])];
  const [height, width, rows, columns, batch] = [x.height, x.width, g.height, g.width, g.batch].map(u);
  const [perGroup, quads, sliceCount, itemCount] = [outputs / attrs.groups, channelGroups(inputs), slices, items].map(
    u,
  );
  // Behind the channels of a group lie those of the next, or behind the last ones another value: neither is read.
  const load = (lane: number): string => {
    const channel = `min(first + ${lane}u, last)`;
    return `select(0.0, ${data}[at + ${channel} / 4u][${channel} % 4u], i + ${lane}u < ${inputCount})`;
  };
  return `
  let item = (group.y * ${across}u + group.x) * ${lanes}u + lane;
  if (item >= ${itemCount}) { return; }
  let quad = item % ${quads};
  let kx = (item / ${quads}) % ${kernelWidth};
  let ky = item / ${quads} / ${kernelWidth} % ${kernelHeight};
  let out = item / ${quads} / ${kernelWidth} / ${kernelHeight};
  let slice = out / ${outputCount};
  let o = out - slice * ${outputCount};
  let i = quad * 4u;
  let first = (o / ${perGroup}) * ${inputCount} + i;
  let last = first - i + ${inputCount} - 1u;
  let perSlice = (${batch} * ${rows} + ${sliceCount} - 1u) / ${sliceCount};
  let end = min((slice + 1u) * perSlice, ${batch} * ${rows});
  var sum = vec4f();
  for (var row = slice * perSlice; row < end; row++) {
    let n = row / ${rows};
    let y = row - n * ${rows};
    let iy = y * ${strideY} + ky * ${dilationY} - ${top};
    if (iy >= ${height}) { continue; }
    for (var x = 0u; x < ${columns}; x++) {
      let ix = x * ${strideX} + kx * ${dilationX} - ${left};
      if (ix >= ${width}) { continue; }
      let at = ${at(from, 'n', 'iy', 'ix', '0u')};
      sum += ${gradient}[${at(beside, 'n', 'y', 'x', 'o / 4u')}][o % 4u] * vec4f(${range(4).map(load).join(', ')});
    }
  }
  ${result}[${at(to, 'out', 'ky', 'kx', 'quad')}] = sum;`;
}
