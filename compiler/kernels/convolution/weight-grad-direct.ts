/** Weight gradients in register tiles of outputs by inputs by taps: for software adapters, and for groups on GPUs. */
import { ceilDivide, channelGroups, type Kernel, type KernelRequest } from '../kernel.ts';
import { declareSlices, groupsAlign, isDepthwise, paddingOf, readWeightGrad, weightGradOf } from './weight-grad.ts';
import type { WeightGrad } from './weight-grad.ts';
import { beginShader, range, unroll, walk, type Shader } from '../shader/wgsl.ts';

/**
 * `quads`: vec4 of outputs of one invocation; `sliding`: 1 keeps a row's pixels in registers from one tap to the next,
 * which stride and dilation of 1 allow.
 */
export type WeightGradSchedule = { readonly quads: number; readonly sliding: number };

const lanes = 8;
/** vec4 of x that meet each gradient: taps along a kernel's row, or, of a kernel one column wide, groups of inputs. */
const columns = 3;

const slides = ({ attrs }: WeightGrad): boolean =>
  attrs.stride[1] === 1 && attrs.dilation[1] === 1 && attrs.kernel[1] > 1;

export const weightGradDirect: Kernel<WeightGradSchedule> = {
  name: 'weight-grad-direct',
  implements: ['conv2dWeightGrad'],
  profiles: ['software', 'gpu'],
  supports(node) {
    const grad = readWeightGrad(node);
    return grad !== undefined && groupsAlign(grad, 4) && !isDepthwise(grad);
  },
  schedules(node) {
    const grad = readWeightGrad(node);
    if (!grad) return [];
    const quads = [2, 1].filter((count) => groupsAlign(grad, 4 * count));
    const sliding = slides(grad) ? [1, 0] : [0];
    return quads.flatMap((count) => sliding.map((slide) => ({ quads: count, sliding: slide })));
  },
  halo(node) {
    const grad = readWeightGrad(node);
    return grad ? paddingOf(grad) : [0, 0, 0, 0];
  },
  emit(request, schedule) {
    const { grad, x } = weightGradOf(request);
    const tiling = tilingOf(grad, schedule.quads);
    const shader = beginShader(request);
    const body = bodyText(shader, request, schedule, tiling);
    const perColumn = tiling.byTap ? grad.attrs.dilation[1] * x.channelStride : 1;
    return shader.finish({
      workgroupSize: [lanes, 1, 1],
      workgroups: [ceilDivide(tiling.tiles * grad.slices, lanes), 1, 1],
      body,
      overrun: (tiling.chunks * columns - tiling.count + 1) * perColumn,
    });
  },
};

interface Tiling {
  /** Whether the columns of a tile are taps; else they are vec4 of inputs. */
  readonly byTap: boolean;
  /** Columns, and chunks of them. */
  readonly count: number;
  readonly chunks: number;
  /** vec4 of inputs that are no columns. */
  readonly inputBlocks: number;
  readonly outputBlocks: number;
  readonly tiles: number;
}

function tilingOf({ attrs, inputs, outputs }: WeightGrad, quads: number): Tiling {
  const byTap = attrs.kernel[1] > 1;
  const groups = channelGroups(inputs);
  const count = byTap ? attrs.kernel[1] : groups;
  const chunks = Math.ceil(count / columns);
  const inputBlocks = byTap ? groups : 1;
  const outputBlocks = Math.ceil(outputs / (4 * quads));
  return {
    byTap,
    count,
    chunks,
    inputBlocks,
    outputBlocks,
    tiles: outputBlocks * inputBlocks * attrs.kernel[0] * chunks,
  };
}

/** Registers what the shader reads, in the order of its bindings and uniforms; returns the expressions. */
function declareNames(shader: Shader, request: KernelRequest, { quads }: WeightGradSchedule, tiling: Tiling) {
  const { grad, x: data } = weightGradOf(request);
  const { dilation, groups, kernel } = grad.attrs;
  const u = (value: number): string => shader.u32(value);
  const [x, g, result] = [shader.operand(0), shader.operand(1), shader.result()];
  const slices = declareSlices(shader, request);
  const to = walk(shader, request.result);
  return {
    bind: { x, g, result },
    slices,
    to,
    items: u(tiling.tiles * grad.slices),
    tiles: u(tiling.tiles),
    chunks: u(tiling.chunks),
    inputBlocks: u(tiling.inputBlocks),
    columnCount: u(tiling.count),
    kernelHeight: u(kernel[0]),
    tapRow: `${slices.x.row} * ${u(dilation[0])}`,
    xColumn: u(tiling.byTap ? dilation[1] * data.channelStride : 1),
    outColumn: u(tiling.byTap ? request.result.channelStride : 1),
    outputs: u(grad.outputs),
    lastGroup: u(channelGroups(grad.outputs) - 1),
    inputGroups: u(channelGroups(grad.inputs)),
    quadsPerGroup: u(groups === 1 ? 0x7fffffff : grad.outputs / groups / 4),
    // A count that only the uniform block knows keeps the driver from unrolling the loop over the sums.
    sumCount: u(quads * 4 * columns),
  };
}

type Names = ReturnType<typeof declareNames>;

function bodyText(shader: Shader, request: KernelRequest, schedule: WeightGradSchedule, tiling: Tiling): string {
  const { quads, sliding } = schedule;
  const p = declareNames(shader, request, schedule, tiling);
  const { slices, to } = p;
  const sums = range(quads * 4).flatMap((o) => range(columns).map((j) => `s${o}_${j}`));
  return `
  if (invocation.x >= ${p.items}) { return; }
  let slice = invocation.x / ${p.tiles};
  let tile = invocation.x - slice * ${p.tiles};
  let chunk = tile % ${p.chunks};
  let ky = (tile / ${p.chunks}) % ${p.kernelHeight};
  let block = tile / ${p.chunks} / ${p.kernelHeight};
  let c0 = block % ${p.inputBlocks};
  let o0 = block / ${p.inputBlocks} * ${quads}u;
  let first = chunk * ${columns}u;
  let xColumn = ${p.xColumn};
  let xStep = ${slices.xStep};
  let gStep = ${slices.g.pixel};
  let x0 = ${slices.x.origin} + ky * ${p.tapRow} + (o0 / ${p.quadsPerGroup}) * ${p.inputGroups} + c0 + first * xColumn;
${unroll(quads, (q) => `  let o${q + 1} = min(o0 + ${q}u, ${p.lastGroup});`)}
${sums.map((sum) => `  var ${sum} = vec4f();`).join('\n')}
  let rowEnd = min((slice + 1u) * ${slices.rowsPerSlice}, ${slices.rows});
  for (var row = slice * ${slices.rowsPerSlice}; row < rowEnd; row++) {
    let n = row / ${slices.rowsPerImage};
    let y = row - n * ${slices.rowsPerImage};
    var xAt = x0 + n * ${slices.x.image} + y * ${slices.xRow};
    var gAt = ${slices.g.origin} + n * ${slices.g.image} + y * ${slices.gRow};
    let count = min(${slices.columns}, ${slices.pixels} - row * ${slices.columns});
${sliding ? unroll(columns - 1, (j) => `    var v${j} = ${p.bind.x}[xAt + ${j}u * xColumn];`) : ''}
    for (var i = 0u; i < count; i++) {
${unroll(quads, (q) => `      let g${q} = ${p.bind.g}[gAt + o${q + 1}];`)}
${columnsText(p, sliding)}
${unroll(quads * 4, (o) =>
  range(columns)
    .map((j) => `      s${o}_${j} += g${o >> 2}[${o & 3}] * v${j};`)
    .join('')
    .trimEnd(),
)}
${sliding ? unroll(columns - 1, (j) => `      v${j} = v${j + 1};`) : ''}
      xAt += xStep;
      gAt += gStep;
    }
  }
  let out = ${to.origin} + (slice * ${p.outputs} + o0 * 4u) * ${to.image} + ky * ${to.row} + c0 + first * ${p.outColumn};
  var sums = array<vec4f, ${sums.length}>(${sums.join(', ')});
  for (var i = 0u; i < ${p.sumCount}; i++) {
    let o = i / ${columns}u;
    let j = i % ${columns}u;
    if (o0 * 4u + o < ${p.outputs} && first + j < ${p.columnCount}) {
      ${p.bind.result}[out + o * ${to.image} + j * ${p.outColumn}] = sums[i];
    }
  }`;
}

const columnsText = ({ bind }: Names, sliding: number): string =>
  sliding
    ? `      let v${columns - 1} = ${bind.x}[xAt + ${columns - 1}u * xColumn];`
    : unroll(columns, (j) => `      let v${j} = ${bind.x}[xAt + ${j}u * xColumn];`);
