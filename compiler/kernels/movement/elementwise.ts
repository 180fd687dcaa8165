/** Elementwise groups: a run of pixels of one channel group an invocation, so that indices are computed once a run. */
import { dimsEqual, shapesEqual, type Dim } from '../../ir/dim.ts';
import { isConstant } from '../../ir/leaves.ts';
import type { Node } from '../../ir/node.ts';
import { masked, needsMask, readOperand, renderSteps } from '../shader/epilogue.ts';
import { readElementwise, type Tail } from '../group.ts';
import {
  ceilDivide,
  channelGroups,
  imageStride,
  multiplyExtents,
  pixelOrigin,
  rowStride,
  type Extent,
  type Kernel,
  type KernelRequest,
  type Placement,
} from '../kernel.ts';
import { beginShader, splitLanes, type Shader } from '../shader/wgsl.ts';

const lanes = 64;

// Height stands for all axes between channels and width, so beyond rank 4 it cannot broadcast a part of them; and an
// operand of lower rank has its axes elsewhere in memory unless it is a constant, which is packed to fit.
const fits = (node: Node, operand: Node): boolean => {
  if (isConstant(operand)) return node.type.shape.length <= 4 || operand.attrs.tensor.data.length === 1;
  if (operand.type.shape.length !== node.type.shape.length) return false;
  return node.type.shape.length <= 4 || shapesEqual(operand.type.shape, node.type.shape);
};

/** `run`: pixels of an invocation. */
export type ElementwiseSchedule = { readonly run: number };

export const elementwise: Kernel<ElementwiseSchedule> = {
  name: 'elementwise',
  implements: ['fused'],
  profiles: ['software', 'gpu'],
  supports: (node) => readElementwise(node) !== undefined && node.inputs.every((operand) => fits(node, operand)),
  schedules: (_node, profile) => [{ run: profile === 'gpu' ? 1 : 32 }],
  inPlace: true,
  emit(request, { run }) {
    const tail = readElementwise(request.node);
    if (!tail) throw new TypeError(`${request.node.op.name} is not elementwise`);
    const shader = beginShader(request);
    const grid = gridOf(request, tail);
    const { before, inside, after, value } = render(shader, tail, request, grid);
    const target = shader.result();
    const to = walkOf(shader, request.result, request.result, grid);
    const runs = ceilDivide(grid.columns, run);
    const items = multiplyExtents(grid.images, grid.rows, runs, grid.groups);
    const [groupCount, runCount, rows, columns] = [grid.groups, runs, grid.rows, grid.columns].map((size) =>
      shader.u32(size),
    );
    const [count, length] = [shader.u32(items), shader.u32(run)];
    const split = splitLanes(shader, ceilDivide(items, lanes), lanes);
    const body = `
  let i = ${split.index};
  if (i >= ${count}) { return; }
  let c = i % ${groupCount};
  let p = i / ${groupCount};
  let first = (p % ${runCount}) * ${length};
  let r = p / ${runCount};
  let y = r % ${rows};
  let n = r / ${rows};
${before.join('\n')}
  var to = ${to.start};
  let next = ${to.step};
  let last = min(first + ${length}, ${columns});
  for (var x = first; x < last; x++) {
${[...inside, `  ${target}[to] = ${value};`, ...after, '  to += next;'].map((line) => `  ${line}`).join('\n')}
  }`;
    return shader.finish({ workgroupSize: [lanes, 1, 1], workgroups: [...split.workgroups, 1], body });
  },
};

/** The result as images, rows, columns and channel groups; where memory allows it, fewer and longer rows. */
interface Grid {
  readonly images: Extent;
  readonly rows: Extent;
  readonly columns: Extent;
  readonly groups: number;
  /** All pixels are one row; and all vec4 of a vector are its pixels. */
  readonly joined: boolean;
  readonly flat: boolean;
}

const stretched = (size: Dim, full: Dim): boolean => size === 1 && full !== 1;

function gridOf(request: KernelRequest, tail: Tail): Grid {
  const { result } = request;
  const groups = channelGroups(result.channels);
  const operands = [...tail.operandOf.values()].map((index) => {
    const constant = request.node.inputs[index];
    return constant && isConstant(constant) ? undefined : request.operands[index];
  });
  const all = [result, ...operands.filter((placement) => placement !== undefined)];
  const constants = operands.length - all.length + 1;
  const dense = all.every(({ halo }) => halo.every((side) => side === 0));
  const isVector = result.batch === 1 && result.height === 1 && result.width === 1;
  if (dense && isVector && constants === 0 && result.channels % 4 === 0) {
    const flat = all.every(({ channels }) => channels === result.channels || channels === 1);
    if (flat) return { images: 1, rows: 1, columns: groups, groups: 1, joined: true, flat };
  }
  const pixels = multiplyExtents(result.batch, result.height, result.width);
  const joined = dense && constants === 0 && all.every((placement) => isEven(placement, result));
  if (joined) return { images: 1, rows: 1, columns: pixels, groups, joined, flat: false };
  return { images: result.batch, rows: result.height, columns: result.width, groups, joined, flat: false };
}

/** Whether an operand has every pixel of the result, or one for all. */
function isEven(operand: Placement, result: Placement): boolean {
  const axes = [
    [operand.batch, result.batch],
    [operand.height, result.height],
    [operand.width, result.width],
  ] as const;
  return axes.every(([size, full]) => dimsEqual(size, full)) || axes.every(([size]) => size === 1);
}

/** How a value lies under the runs: `start` is the vec4 index of a run's first pixel, `step` the way to the next. */
interface Walk {
  readonly start: string;
  readonly step: string;
  /** Whether the value is the same for all pixels of a run, and for all channels. */
  readonly fixed: boolean;
  readonly splat: boolean;
}

/** Broadcasting is a stride of zero, so that operands of one image and of all images share a text. */
function walkOf(shader: Shader, placement: Placement, result: Placement, grid: Grid): Walk {
  const splat = placement.channels === 1 && result.channels !== 1;
  const single = stretched(placement.width, result.width);
  const fixed = grid.flat ? splat : single || (grid.joined && !dimsEqual(placement.batch, result.batch));
  const origin = shader.u32(pixelOrigin(placement));
  if (grid.flat) return { start: splat ? origin : `${origin} + first`, step: '1u', fixed, splat };
  const stride = (size: Dim, full: Dim, value: Dim): Dim => (grid.joined || stretched(size, full) ? 0 : value);
  const image = shader.u32(stride(placement.batch, result.batch, imageStride(placement)));
  const row = shader.u32(stride(placement.height, result.height, rowStride(placement)));
  const channel = shader.u32(splat ? 0 : 1);
  const line = `${origin} + n * ${image} + y * ${row} + c * ${channel}`;
  const step = shader.u32(placement.channelStride);
  return { start: fixed ? line : `${line} + first * ${step}`, step, fixed, splat };
}

interface Rendered {
  /** Statements in front of the loop: operands that are the same for all pixels of a run. */
  readonly before: readonly string[];
  /** Statements for each pixel, and those that go to the next. */
  readonly inside: readonly string[];
  readonly after: readonly string[];
  readonly value: string;
}

function render(shader: Shader, tail: Tail, request: KernelRequest, grid: Grid): Rendered {
  const { result } = request;
  const [before, inside, after]: [string[], string[], string[]] = [[], [], []];
  const names = new Map<Node, string>();
  const fresh = (): string => `t${names.size}`;
  const operand = (node: Node): string => {
    const [name, from] = [fresh(), readOperand(shader, node, tail, request)];
    if ('value' in from) {
      before.push(`  let ${name} = ${from.value};`);
      return name;
    }
    const { start, step, fixed, splat } = walkOf(shader, from.placement, result, grid);
    const load = (index: string): string => {
      const element = `${from.buffer}[${index}]`;
      return `  let ${name} = ${splat ? `vec4f(${element}.x)` : element};`;
    };
    if (fixed) before.push(load(start));
    else {
      before.push(`  var a${name} = ${start};`, `  let d${name} = ${step};`);
      inside.push(load(`a${name}`));
      after.push(`  a${name} += d${name};`);
    }
    return name;
  };
  const value = renderSteps({ shader, tail, names, lines: inside, fresh, operand });
  return { before, inside, after, value: needsMask(tail, request) ? masked(shader, value, request) : value };
}
