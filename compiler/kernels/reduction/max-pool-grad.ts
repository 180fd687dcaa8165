/** The gradient of max pools: an invocation owns a block of cells and finds the largest cell of each window over it. */
import { isOp } from '../../ir/op.ts';
import { maxPool2dGrad } from '../../ops/index.ts';
import { spreadWorkgroups } from '../shader/cells.ts';
import { ceilDivide, channelGroups, multiplyExtents, type Kernel } from '../kernel.ts';
import { at, beginShader, range, walk, type Walk } from '../shader/wgsl.ts';
import { belowAll, rankFunction, rankOfNaN } from '../../ops/rules/not-finite.ts';

/** `rows` x `columns`: cells of a block. As large as the stride, blocks share windows as little as can be. */
export type MaxPoolGradSchedule = { readonly rows: number; readonly columns: number };

const lanes = 32;

export const maxPoolGrad: Kernel<MaxPoolGradSchedule> = {
  name: 'max-pool-grad',
  implements: ['maxPool2dGrad'],
  profiles: ['software', 'gpu'],
  supports: (node) => isOp(node, maxPool2dGrad),
  schedules: (node) => {
    const [rows, columns] = isOp(node, maxPool2dGrad) ? node.attrs.stride : [1, 1];
    const block = { rows: Math.min(rows, 2), columns: Math.min(columns, 2) };
    return block.rows * block.columns === 1 ? [block] : [block, { rows: 1, columns: 1 }];
  },
  emit(request, block) {
    const { node, result } = request;
    const [data, gradient] = request.operands;
    if (!isOp(node, maxPool2dGrad) || !data || !gradient) throw new TypeError('the operands have no place in memory');
    const { kernel, stride, padding } = node.attrs;
    const shader = beginShader(request);
    const [x, g, y] = [shader.operand(0), shader.operand(1), shader.result()];
    const [from, over, to] = [walk(shader, data), walk(shader, gradient), walk(shader, result)];
    const groups = channelGroups(result.channels);
    const [blockRows, blockColumns] = [ceilDivide(result.height, block.rows), ceilDivide(result.width, block.columns)];
    const items = multiplyExtents(result.batch, blockRows, blockColumns, groups);
    const [groupCount, across, down, count] = [groups, blockColumns, blockRows, items].map((size) => shader.u32(size));
    const [height, width] = [shader.u32(result.height), shader.u32(result.width)];
    const [windowRows, windowColumns] = [shader.u32(gradient.height), shader.u32(gradient.width)];
    const [tall, wide] = kernel.map((size) => shader.u32(size));
    const [stepDown, stepAcross] = stride.map((size) => shader.u32(size));
    const [top, left] = [shader.u32(padding[0]), shader.u32(padding[1])];
    shader.declare(rankFunction);
    const cells = range(block.rows).flatMap((row) => range(block.columns).map((column) => ({ row, column })));
    const body = `
  let i = invocation.x + group.y * ${32768 * lanes}u;
  if (i >= ${count}) { return; }
  let c = i % ${groupCount};
  let p = i / ${groupCount};
  let x = (p % ${across}) * ${block.columns}u;
  let r = p / ${across};
  let y = (r % ${down}) * ${block.rows}u;
  let n = r / ${down};
${windows('y', tall ?? '', stepDown ?? '', top, block.rows, windowRows)}
${windows('x', wide ?? '', stepAcross ?? '', left, block.columns, windowColumns)}
${cells.map(({ row, column }) => `  var v${row}${column} = vec4f();`).join('\n')}
  for (var wy = yfrom; wy < yto; wy++) {
    let y0 = max(wy * ${stepDown}, ${top}) - ${top};
    let y1 = min(wy * ${stepDown} + ${tall} - ${top}, ${height});
    for (var wx = xfrom; wx < xto; wx++) {
      let x0 = max(wx * ${stepAcross}, ${left}) - ${left};
      let x1 = min(wx * ${stepAcross} + ${wide} - ${left}, ${width});
      var best = vec4i(${belowAll});
      var place = vec4u(y0 * ${width} + x0);
      for (var iy = y0; iy < y1; iy++) {
        let line = ${at(from, 'n', 'iy', '0u', 'c')};
        for (var ix = x0; ix < x1; ix++) {
          let a = rank(${x}[line + ix * ${from.pixel}]);
          let larger = a > best;
          place = select(place, vec4u(iy * ${width} + ix), larger);
          best = min(max(best, a), vec4i(${rankOfNaN - 1}));
        }
      }
      let d = ${g}[${at(over, 'n', 'wy', 'wx', 'c')}];
${addText(cells, width)}
    }
  }
${storeText(cells, y, to, height, width)}`;
    return shader.finish({
      workgroupSize: [lanes, 1, 1],
      workgroups: spreadWorkgroups(ceilDivide(items, lanes)),
      body,
    });
  },
};

interface Cell {
  readonly row: number;
  readonly column: number;
}

// Windows that hold a cell of the block: i * step - before < block's end, and i * step - before + kernel > its start.
const windows = (axis: string, size: string, step: string, before: string, extent: number, most: string): string =>
  `  let ${axis}p = ${axis} + ${before};
  let ${axis}from = select(0u, (${axis}p - ${size}) / ${step} + 1u, ${axis}p >= ${size});
  let ${axis}to = min((${axis}p + ${extent - 1}u) / ${step} + 1u, ${most});`;

const addText = (cells: readonly Cell[], width: string): string =>
  cells
    .map(({ row, column }) => {
      const cell = `(y + ${row}u) * ${width} + x + ${column}u`;
      return `      v${row}${column} += select(vec4f(), d, place == vec4u(${cell}));`;
    })
    .join('\n');

const storeText = (cells: readonly Cell[], result: string, to: Walk, height: string, width: string): string =>
  cells
    .map(({ row, column }) => {
      const store = `${result}[${at(to, 'n', `(y + ${row}u)`, `(x + ${column}u)`, 'c')}] = v${row}${column};`;
      if (row === 0 && column === 0) return `  ${store}`;
      return `  if (y + ${row}u < ${height} && x + ${column}u < ${width}) { ${store} }`;
    })
    .join('\n');
