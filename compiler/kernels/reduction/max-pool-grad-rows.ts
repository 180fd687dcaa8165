/**
 * The gradient of max pools whose windows touch or overlap: an invocation walks along a block of rows, as tall as the
 * stride, finds the largest cell of each window over it once, and hands what belongs to the next columns on.
 */
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { maxPool2dGrad } from '../../ops/index.ts';
import type { PoolAttrs } from '../../ops/rules/pool.ts';
import { spreadWorkgroups } from '../shader/cells.ts';
import { addDims } from '../../ir/dim.ts';
import { ceilDivide, channelGroups, multiplyExtents, type Kernel, type KernelRequest } from '../kernel.ts';
import { at, beginShader, range, unroll, walk, type Shader } from '../shader/wgsl.ts';
import { belowAll, rankFunction, rankOfNaN } from '../../ops/rules/not-finite.ts';

/** `run`: windows in a row of one invocation. */
export type MaxPoolGradRowsSchedule = { readonly run: number };

const lanes = 32;
/** Beyond, the cells of a window would not fit registers. */
const largestKernel = 3;

function isWalkable({ attrs: { kernel, stride } }: Node<PoolAttrs>): boolean {
  return [0, 1].every((side) => {
    const [size = 0, step = 0] = [kernel[side], stride[side]];
    return size >= step && size <= largestKernel;
  });
}

export const maxPoolGradRows: Kernel<MaxPoolGradRowsSchedule> = {
  name: 'max-pool-grad-rows',
  implements: ['maxPool2dGrad'],
  profiles: ['software', 'gpu'],
  supports: (node) => isOp(node, maxPool2dGrad) && isWalkable(node),
  schedules: (_node, profile) => (profile === 'gpu' ? [{ run: 4 }] : [{ run: 16 }]),
  emit(request, { run }) {
    const { node, result } = request;
    if (!isOp(node, maxPool2dGrad)) throw new TypeError(`${node.op.name} is not the gradient of a max pool`);
    const { stride, padding } = node.attrs;
    const shader = beginShader(request);
    shader.declare(rankFunction);
    const groups = channelGroups(result.channels);
    const [top, left] = [shader.u32(padding[0]), shader.u32(padding[1])];
    // Blocks begin where windows do, the first ones perhaps in the padding.
    const down = ceilDivide(addDims(result.height, padding[0]), stride[0]);
    const across = ceilDivide(addDims(result.width, padding[1]), stride[1]);
    const runs = ceilDivide(across, run);
    const items = multiplyExtents(result.batch, down, runs, groups);
    const [groupCount, runCount, blockRows, blocks, count] = [groups, runs, down, across, items].map((size) =>
      shader.u32(size),
    );
    const body = `
  let i = invocation.x + group.y * ${32768 * lanes}u;
  if (i >= ${count}) { return; }
  let c = i % ${groupCount};
  let p = i / ${groupCount};
  let first = (p % ${runCount}) * ${run}u;
  let r = p / ${runCount};
  let b = r % ${blockRows};
  let n = r / ${blockRows};
  let last = min(first + ${run}u, ${blocks});
${walkText(shader, request, node.attrs, top, left)}`;
    return shader.finish({
      workgroupSize: [lanes, 1, 1],
      workgroups: spreadWorkgroups(ceilDivide(items, lanes)),
      body,
    });
  },
};

/**
 * The loop over windows `w` of block row `b`. Coordinates in front of the image wrap around to huge u32, so that one
 * comparison checks both sides. `v` are the ranks of the cells under the windows, `s` the sums of the block's cells.
 */
function walkText(shader: Shader, request: KernelRequest, attrs: PoolAttrs, top: string, left: string): string {
  const [data, gradient] = request.operands;
  const { result } = request;
  if (!data || !gradient) throw new TypeError('the operands have no place in memory');
  const { kernel, stride } = attrs;
  const [x, g, y] = [shader.operand(0), shader.operand(1), shader.result()];
  const [from, over, to] = [walk(shader, data), walk(shader, gradient), walk(shader, result)];
  const [height, width] = [shader.u32(result.height), shader.u32(result.width)];
  const [windowRows, windowColumns] = [shader.u32(gradient.height), shader.u32(gradient.width)];
  const low = `vec4i(${belowAll})`;
  /** Window rows over a block; rows of cells under them; columns that the next window shares. */
  const windows = Math.floor((kernel[0] - 1) / stride[0]) + 1;
  const rows = (windows - 1) * stride[0] + kernel[0];
  const shared = kernel[1] - stride[1];
  const before = (windows - 1) * stride[0];
  const cells = range(rows).flatMap((row) => range(kernel[1]).map((column) => ({ row, column })));
  const sums = range(stride[0]).flatMap((row) => range(kernel[1]).map((column) => ({ row, column })));
  // Windows in front of the first block that reach into it; as many again only load the cells that these share.
  const warm = Math.ceil(shared / stride[1]);
  return `${unroll(rows, (row) => {
    return `  let y${row} = b * ${stride[0]}u + ${row}u - ${before}u - ${top};
  let in${row} = y${row} < ${height};
  let line${row} = ${at(from, 'n', `min(y${row}, ${height} - 1u)`, '0u', 'c')};`;
  })}
${unroll(windows, (w) => {
  return `  let wy${w} = b + ${w}u - ${windows - 1}u;
  let over${w} = wy${w} < ${windowRows};
  let grad${w} = ${at(over, 'n', `min(wy${w}, ${windowRows} - 1u)`, '0u', 'c')};`;
})}
${cells.map(({ row, column }) => `  var v${row}${column} = ${low};`).join('\n')}
${sums.map(({ row, column }) => `  var s${row}${column} = vec4f();`).join('\n')}
  for (var w = i32(first) - ${2 * warm}; w < i32(last); w++) {
    let x0 = u32(w * ${stride[1]}) - ${left};
${range(kernel[1])
  .filter((column) => column >= shared)
  .map(
    (column) => `    let in_${column} = x0 + ${column}u < ${width};
    let at${column} = min(x0 + ${column}u, ${width} - 1u) * ${from.pixel};`,
  )
  .join('\n')}
${cells
  .filter(({ column }) => column >= shared)
  .map(({ row, column }) => {
    return `    v${row}${column} = select(${low}, rank(${x}[line${row} + at${column}]), in${row} && in_${column});`;
  })
  .join('\n')}
    let wx = min(u32(w), ${windowColumns} - 1u) * ${over.pixel};
    let inside = u32(w) < ${windowColumns} && w >= i32(first) - ${warm};
${unroll(windows, (w) => windowText(attrs, w, before, g))}
    if (w >= i32(first)) {
${sums
  .filter(({ column }) => column < stride[1])
  .map(({ row, column }) => {
    const store = `${y}[${at(to, 'n', `y${before + row}`, `(x0 + ${column}u)`, 'c')}] = s${row}${column};`;
    return `      if (in${before + row} && x0 + ${column}u < ${width}) { ${store} }`;
  })
  .join('\n')}
    }
${shiftText(cells, sums, stride[1], shared, low)}
  }`;
}

interface Cell {
  readonly row: number;
  readonly column: number;
}

/** Moves cells and sums to where the next window of the row finds them. */
function shiftText(cells: readonly Cell[], sums: readonly Cell[], step: number, shared: number, low: string): string {
  const all = [
    ...cells.map((cell) => ({ ...cell, name: 'v', empty: low })),
    ...sums.map((cell) => ({ ...cell, name: 's', empty: 'vec4f()' })),
  ];
  const lines = all.map(({ name, row, column, empty }) => {
    if (column >= shared) return name === 's' ? `    s${row}${column} = ${empty};` : '';
    return `    ${name}${row}${column} = ${name}${row}${column + step};`;
  });
  return lines.filter(Boolean).join('\n');
}

/** Finds the largest cell of window row `w`, the first of equals, and adds its gradient where that is in the block. */
function windowText({ kernel, stride }: PoolAttrs, w: number, before: number, g: string): string {
  const search = range(kernel[0]).flatMap((row) =>
    range(kernel[1]).map((column) => ({ cell: `v${w * stride[0] + row}${column}`, index: row * kernel[1] + column })),
  );
  const shares = range(stride[0]).flatMap((row) => {
    const inWindow = before + row - w * stride[0];
    if (inWindow >= kernel[0]) return [];
    return range(kernel[1]).map((column) => {
      const index = inWindow * kernel[1] + column;
      return `      s${row}${column} += select(vec4f(), d, place == vec4u(${index}u));`;
    });
  });
  return `    {
      var best = min(${search[0]?.cell ?? ''}, vec4i(${rankOfNaN - 1}));
      var place = vec4u();
${search
  .slice(1)
  .map(
    ({ cell, index }) =>
      `      place = select(place, vec4u(${index}u), ${cell} > best); best = min(max(best, ${cell}), vec4i(${rankOfNaN - 1}));`,
  )
  .join('\n')}
      let d = select(vec4f(), ${g}[grad${w} + wx], over${w} && inside);
${shares.join('\n')}
    }`;
}
