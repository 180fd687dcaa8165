/** Weight gradients for GPUs: implicit GEMM over the pixels of a slice, staged in workgroup memory. */
import { channelGroups, type Extent, type Kernel, type KernelRequest } from '../kernel.ts';
import { readWeightGrad, weightGradOf } from './weight-grad.ts';
import { at, beginShader, range, unroll, walk, type Shader } from '../shader/wgsl.ts';

/**
 * A workgroup of 64 covers 8 * `across` outputs by 64 / `across` * `columns` columns, of which each is four inputs of one
 * tap; an invocation has 8 outputs by `columns` columns.
 */
export type TiledGradSchedule = { readonly across: number; readonly columns: number };

const invocations = 64;
/** Pixels staged at a time, each by so many invocations. */
const [chunk, helpers] = [16, 4];

export const weightGradTiled: Kernel<TiledGradSchedule> = {
  name: 'weight-grad-tiled',
  implements: ['conv2dWeightGrad'],
  profiles: ['gpu'],
  supports: (node) => readWeightGrad(node)?.attrs.groups === 1,
  schedules(node) {
    const outputs = readWeightGrad(node)?.outputs ?? 1;
    const wide = { across: 8, columns: 2 };
    const middle = { across: 4, columns: 2 };
    const narrow = { across: 2, columns: 1 };
    // The widest tile that outputs fill, then one beside it.
    if (outputs > 32) return [wide, middle];
    return outputs > 16 ? [middle, narrow] : [narrow, wide];
  },
  emit(request, schedule) {
    const { grad } = weightGradOf(request);
    const [height, width] = grad.attrs.kernel;
    const columns = height * width * channelGroups(grad.inputs);
    const shader = beginShader(request);
    const body = bodyText(shader, request, schedule);
    return shader.finish({
      workgroupSize: [invocations, 1, 1],
      workgroups: [
        Math.ceil(columns / columnsOf(schedule)),
        Math.ceil(grad.outputs / (8 * schedule.across)),
        grad.slices,
      ],
      body,
    });
  },
};

/** Columns of a workgroup. */
const columnsOf = ({ across, columns }: TiledGradSchedule): number => (invocations / across) * columns;

/** Registers what the shader reads, in the order of its bindings and uniforms; returns the expressions. */
function declareNames(shader: Shader, request: KernelRequest) {
  const { grad, x, g } = weightGradOf(request);
  const { kernel, stride, dilation, padding } = grad.attrs;
  const u = (value: Extent): string => shader.u32(value);
  const inputGroups = channelGroups(grad.inputs);
  return {
    x: shader.operand(0),
    g: shader.operand(1),
    result: shader.result(),
    from: walk(shader, x),
    beside: walk(shader, g),
    to: walk(shader, request.result),
    inputGroups: u(inputGroups),
    columnCount: u(kernel[0] * kernel[1] * inputGroups),
    kernelWidth: u(kernel[1]),
    stride: [u(stride[0]), u(stride[1])],
    dilation: [u(dilation[0]), u(dilation[1])],
    top: u(padding[0]),
    left: u(padding[1]),
    height: u(x.height),
    width: u(x.width),
    images: u(g.batch),
    rows: u(g.height),
    columns: u(g.width),
    outputs: u(grad.outputs),
    outputGroups: u(channelGroups(grad.outputs)),
    slices: u(grad.slices),
    // A count that only the uniform block knows keeps the driver from unrolling the loop over staged pixels.
    chunk: u(chunk),
  };
}

type Names = ReturnType<typeof declareNames>;

function bodyText(shader: Shader, request: KernelRequest, schedule: TiledGradSchedule): string {
  const { across, columns } = schedule;
  const p = declareNames(shader, request);
  const [width, quads] = [columnsOf(schedule), 2 * across];
  shader.declare(`var<workgroup> stagedX: array<vec4f, ${chunk * width}>;`);
  shader.declare(`var<workgroup> stagedG: array<vec4f, ${chunk * quads}>;`);
  const own = { o: `(lane % ${across}u)`, c: `(lane / ${across}u)` };
  const sums = range(8).flatMap((o) => range(columns).map((j) => ({ o, j, name: `s${o}_${j}` })));
  return `
  let all = ${p.images} * ${p.rows};
  let perSlice = (all + ${p.slices} - 1u) / ${p.slices};
  let start = group.z * perSlice * ${p.columns};
  let end = min((group.z + 1u) * perSlice, all) * ${p.columns};
  let pixel = lane / ${helpers}u;
  let helper = lane % ${helpers}u;
${unroll(width / helpers, (i) => columnText(i, width, p))}
${sums.map(({ name }) => `  var ${name} = vec4f();`).join('\n')}
  for (var first = start; first < end; first += ${chunk}u) {
${stageText(width, quads, p)}
    workgroupBarrier();
    for (var k = 0u; k < ${p.chunk}; k++) {
${unroll(2, (q) => `      let g${q} = stagedG[k * ${quads}u + ${own.o} * 2u + ${q}u];`)}
${unroll(columns, (j) => `      let v${j} = stagedX[k * ${width}u + ${own.c} * ${columns}u + ${j}u];`)}
${sums.map(({ o, j, name }) => `      ${name} += g${o >> 2}[${o & 3}] * v${j};`).join('\n')}
    }
    workgroupBarrier();
  }
  let o0 = (group.y * ${across}u + ${own.o}) * 8u;
  let c0 = group.x * ${width}u + ${own.c} * ${columns}u;
${unroll(columns, (j) => storeText(j, p))}`;
}

/** Where the columns that an invocation stages lie: row and column of the tap, and vec4 of inputs. */
const columnText = (i: number, width: number, p: Names): string => `
  let column${i} = group.x * ${width}u + helper + ${i * helpers}u;
  let tap${i} = column${i} / ${p.inputGroups};
  let down${i} = (tap${i} / ${p.kernelWidth}) * ${p.dilation[0]} - ${p.top};
  let right${i} = (tap${i} % ${p.kernelWidth}) * ${p.dilation[1]} - ${p.left};
  let quad${i} = column${i} % ${p.inputGroups};`;

// A coordinate left of or above the image wraps around to a huge u32, so one comparison checks both sides. Choosing an
// index instead of branching keeps the shader short to compile where barriers make every branch dear.
const stageText = (width: number, quads: number, p: Names): string => `
    let e = first + pixel;
    let inside = e < end;
    let row = e / ${p.columns};
    let n = row / ${p.rows};
    let y = row - n * ${p.rows};
    let x = e - row * ${p.columns};
    let gAt = ${at(p.beside, 'n', 'y', 'x', `group.y * ${quads}u`)};
${unroll(
  quads / helpers,
  (i) => `    {
      let q = helper + ${i * helpers}u;
      let valid = inside & (group.y * ${quads}u + q < ${p.outputGroups});
      stagedG[pixel * ${quads}u + q] = select(vec4f(), ${p.g}[select(0u, gAt + q, valid)], valid);
    }`,
)}
    let y0 = y * ${p.stride[0]};
    let x0 = x * ${p.stride[1]};
${unroll(
  width / helpers,
  (i) => `    {
      let iy = y0 + down${i};
      let ix = x0 + right${i};
      let valid = inside & (iy < ${p.height}) & (ix < ${p.width}) & (column${i} < ${p.columnCount});
      let xAt = select(0u, ${at(p.from, 'n', 'iy', 'ix', `quad${i}`)}, valid);
      stagedX[pixel * ${width}u + helper + ${i * helpers}u] = select(vec4f(), ${p.x}[xAt], valid);
    }`,
)}`;

const storeText = (j: number, p: Names): string => `
  if (c0 + ${j}u < ${p.columnCount}) {
    let tap = (c0 + ${j}u) / ${p.inputGroups};
    let o = group.z * ${p.outputs} + o0;
    let out = ${at(p.to, 'o', `(tap / ${p.kernelWidth})`, `(tap % ${p.kernelWidth})`, `(c0 + ${j}u) % ${p.inputGroups}`)};
${unroll(8, (o) => `    if (o0 + ${o}u < ${p.outputs}) { ${p.result}[out + ${o}u * ${p.to.image}] = s${o}_${j}; }`)}
  }`;
