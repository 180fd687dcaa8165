/** Weight gradients of depthwise convolutions: an invocation sums up three by three taps of four channels. */
import { ceilDivide, channelGroups, noHalo, type Kernel, type KernelRequest } from '../kernel.ts';
import { declareSlices, isDepthwise, paddingOf, readWeightGrad, weightGradOf } from './weight-grad.ts';
import type { WeightGrad } from './weight-grad.ts';
import { beginShader, range, unroll, walk, type Shader } from '../shader/wgsl.ts';

/** `sliding`: 1 keeps pixels in registers from one tap to the next, which stride and dilation of 1 allow. */
export type DepthwiseGradSchedule = { readonly sliding: number };

const lanes = 8;
/** Taps along either axis that an invocation sums up. */
const side = 3;

export const weightGradDepthwise: Kernel<DepthwiseGradSchedule> = {
  name: 'weight-grad-depthwise',
  implements: ['conv2dWeightGrad'],
  profiles: ['software', 'gpu'],
  supports(node) {
    const grad = readWeightGrad(node);
    return grad !== undefined && isDepthwise(grad);
  },
  schedules(node) {
    const { stride, dilation } = readWeightGrad(node)?.attrs ?? { stride: [2, 2], dilation: [1, 1] };
    return stride[1] === 1 && dilation[1] === 1 ? [{ sliding: 1 }, { sliding: 0 }] : [{ sliding: 0 }];
  },
  halo(node) {
    const grad = readWeightGrad(node);
    return grad ? paddingOf(grad) : noHalo;
  },
  emit(request, { sliding }) {
    const { grad, x } = weightGradOf(request);
    const shader = beginShader(request);
    const body = bodyText(shader, request, sliding);
    const [down, right] = chunksOf(grad);
    const items = channelGroups(grad.outputs) * down * right * grad.slices;
    // Taps of the last chunk that the kernel has not: whole rows, and pixels of the last row.
    const [beyondY, beyondX] = [down * side - grad.attrs.kernel[0], right * side - grad.attrs.kernel[1] + 1];
    const row = Number(x.width) + x.halo[1] + x.halo[3];
    const pixels = beyondY * grad.attrs.dilation[0] * row + beyondX * grad.attrs.dilation[1];
    return shader.finish({
      workgroupSize: [lanes, 1, 1],
      workgroups: [ceilDivide(items, lanes), 1, 1],
      body,
      overrun: pixels * x.channelStride,
    });
  },
};

const chunksOf = ({ attrs }: WeightGrad): readonly [number, number] => [
  Math.ceil(attrs.kernel[0] / side),
  Math.ceil(attrs.kernel[1] / side),
];

/** Registers what the shader reads, in the order of its bindings and uniforms; returns the expressions. */
function declareNames(shader: Shader, request: KernelRequest) {
  const { grad, x } = weightGradOf(request);
  const { kernel, dilation } = grad.attrs;
  const [down, right] = chunksOf(grad);
  const u = (value: number): string => shader.u32(value);
  const names = { x: shader.operand(0), g: shader.operand(1), result: shader.result() };
  const slices = declareSlices(shader, request);
  const quads = channelGroups(grad.outputs);
  return {
    ...names,
    slices,
    to: walk(shader, request.result),
    items: u(quads * down * right * grad.slices),
    quads: u(quads),
    down: u(down),
    right: u(right),
    channels: u(grad.outputs),
    kernelHeight: u(kernel[0]),
    kernelWidth: u(kernel[1]),
    tapRow: `${slices.x.row} * ${u(dilation[0])}`,
    tapColumn: u(dilation[1] * x.channelStride),
    // A count that only the uniform block knows keeps the driver from unrolling the loop over the sums.
    sumCount: u(side * side),
  };
}

const taps = range(side * side).map((tap) => ({ row: Math.floor(tap / side), column: tap % side }));

function bodyText(shader: Shader, request: KernelRequest, sliding: number): string {
  const p = declareNames(shader, request);
  const { slices, to } = p;
  const load = (row: number, column: number): string => `${p.x}[xAt + ${row}u * tapRow + ${column}u * tapColumn]`;
  const kept = sliding ? side - 1 : 0;
  return `
  if (invocation.x >= ${p.items}) { return; }
  let quad = invocation.x % ${p.quads};
  let chunk = invocation.x / ${p.quads};
  let kx = chunk % ${p.right} * ${side}u;
  let ky = chunk / ${p.right} % ${p.down} * ${side}u;
  let slice = chunk / ${p.right} / ${p.down};
  let tapRow = ${p.tapRow};
  let tapColumn = ${p.tapColumn};
  let xStep = ${slices.xStep};
  let gStep = ${slices.g.pixel};
  let x0 = ${slices.x.origin} + ky * tapRow + kx * tapColumn + quad;
${unroll(taps.length, (tap) => `  var s${tap} = vec4f();`)}
  let rowEnd = min((slice + 1u) * ${slices.rowsPerSlice}, ${slices.rows});
  for (var row = slice * ${slices.rowsPerSlice}; row < rowEnd; row++) {
    let n = row / ${slices.rowsPerImage};
    let y = row - n * ${slices.rowsPerImage};
    var xAt = x0 + n * ${slices.x.image} + y * ${slices.xRow};
    var gAt = ${slices.g.origin} + n * ${slices.g.image} + y * ${slices.gRow} + quad;
    let count = min(${slices.columns}, ${slices.pixels} - row * ${slices.columns});
${range(side)
  .flatMap((down) => range(kept).map((right) => `    var v${down}_${right} = ${load(down, right)};`))
  .join('\n')}
    for (var i = 0u; i < count; i++) {
      let g = ${p.g}[gAt];
${taps
  .filter(({ column }) => column >= kept)
  .map(({ row, column }) => `      let v${row}_${column} = ${load(row, column)};`)
  .join('\n')}
${taps.map(({ row, column }, tap) => `      s${tap} += g * v${row}_${column};`).join('\n')}
${range(side)
  .flatMap((down) => range(kept).map((right) => `      v${down}_${right} = v${down}_${right + 1};`))
  .join('\n')}
      xAt += xStep;
      gAt += gStep;
    }
  }
  let first = slice * ${p.channels} + quad * 4u;
  let valid = min(4u, ${p.channels} - quad * 4u);
  var sums = array<vec4f, ${taps.length}>(${taps.map((_, tap) => `s${tap}`).join(', ')});
  for (var i = 0u; i < ${p.sumCount}; i++) {
    let down = ky + i / ${side}u;
    let right = kx + i % ${side}u;
    if (down >= ${p.kernelHeight} || right >= ${p.kernelWidth}) { continue; }
    let out = ${to.origin} + first * ${to.image} + down * ${to.row} + right * ${to.pixel};
    for (var c = 0u; c < valid; c++) { ${p.result}[out + c * ${to.image}] = vec4f(sums[i][c], 0.0, 0.0, 0.0); }
  }`;
}
