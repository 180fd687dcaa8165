/** Adjoints of mean pools and of resizing: each cell gathers what the windows that hold it give. */
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { adaptiveAveragePool2dGrad, averagePool2dGrad, resizeGrad } from '../../ops/index.ts';
import { finishCells } from '../shader/cells.ts';
import type { Kernel, Placement } from '../kernel.ts';
import { at, beginShader, walk, type Shader } from '../shader/wgsl.ts';

/**
 * One axis: `range` declares `{a}from` and `{a}to`, the windows whose value cell `a` (`y` or `x`) takes a share of;
 * `share` is the factor of window `i`.
 */
interface Axis {
  readonly range: string;
  share(window: string): string;
}

type MakeAxis = (shader: Shader, cell: 'y' | 'x', cells: string, windows: string) => Axis;

function slidingAxis(node: Node): MakeAxis {
  if (!isOp(node, averagePool2dGrad)) throw new TypeError(`${node.op.name} has no sliding window`);
  const { kernel, stride, padding, countIncludePad } = node.attrs;
  return (shader, cell, cells, windows) => {
    const side = cell === 'y' ? 0 : 1;
    const [size, step] = [shader.u32(kernel[side]), shader.u32(stride[side])];
    const [before, after] = [shader.u32(padding[side]), shader.u32(padding[side + 2] ?? 0)];
    shader.declare(`fn share_${cell}(i: u32) -> f32 {
  let start = i32(i * ${step}) - i32(${before});
  let end = min(start + i32(${size}), i32(${cells}${countIncludePad ? ` + ${after}` : ''}));
  return 1.0 / f32(end - ${countIncludePad ? 'start' : 'max(start, 0)'});
}`);
    return {
      // Window i covers cells i * step - before up to that plus size.
      range: `  let ${cell}p = ${cell} + ${before};
  let ${cell}from = select(0u, (${cell}p - ${size}) / ${step} + 1u, ${cell}p >= ${size});
  let ${cell}to = min(${cell}p / ${step} + 1u, ${windows});`,
      share: (window) => `share_${cell}(${window})`,
    };
  };
}

const adaptiveAxis: MakeAxis = (_shader, cell, cells, windows) => ({
  range: `  let ${cell}from = ${cell} * ${windows} / ${cells};
  let ${cell}to = ((${cell} + 1u) * ${windows} + ${cells} - 1u) / ${cells};`,
  share: (window) =>
    `1.0 / f32(((${window} + 1u) * ${cells} + ${windows} - 1u) / ${windows} - ${window} * ${cells} / ${windows})`,
});

const nearestAxis: MakeAxis = (_shader, cell, cells, windows) => ({
  range: `  let ${cell}from = (${cell} * ${windows} + ${cells} - 1u) / ${cells};
  let ${cell}to = ((${cell} + 1u) * ${windows} + ${cells} - 1u) / ${cells};`,
  share: () => '1.0',
});

/** Resized cell i lies at `((2i + 1) * cells - windows) / (2 * windows)`, at least 0, in integers as in `resize`. */
const bilinearAxis: MakeAxis = (shader, cell, cells, windows) => {
  shader.declare(`fn share_${cell}(cell: u32, i: u32) -> f32 {
  let place = max((2u * i + 1u) * ${cells}, ${windows}) - ${windows};
  let low = place / (2u * ${windows});
  let weight = f32(place % (2u * ${windows})) / f32(2u * ${windows});
  let high = min(low + 1u, ${cells} - 1u);
  return select(0.0, 1.0 - weight, low == cell) + select(0.0, weight, high == cell);
}`);
  return {
    // From the first place beyond the cell before to the last before the cell behind; borders take all that is left.
    range: `  let ${cell}below = max((2u * ${cell}) * ${windows}, ${windows} + ${cells}) - ${windows} - ${cells};
  let ${cell}from = select(${cell}below / (2u * ${cells}) + 1u, 0u, (2u * ${cell}) * ${windows} < ${windows} + ${cells});
  let ${cell}above = max((2u * ${cell} + 3u) * ${windows}, ${cells}) - ${cells};
  let ${cell}to = select(min((${cell}above + 2u * ${cells} - 1u) / (2u * ${cells}), ${windows}), ${windows}, ${cell} + 1u == ${cells});`,
    share: (window) => `share_${cell}(${cell}, ${window})`,
  };
};

function axisOf(node: Node): MakeAxis {
  if (isOp(node, averagePool2dGrad)) return slidingAxis(node);
  if (isOp(node, adaptiveAveragePool2dGrad)) return adaptiveAxis;
  return isOp(node, resizeGrad) && node.attrs.mode === 'nearest' ? nearestAxis : bilinearAxis;
}

export const spread: Kernel = {
  name: 'spread',
  implements: ['averagePool2dGrad', 'adaptiveAveragePool2dGrad', 'resizeGrad'],
  profiles: ['software', 'gpu'],
  supports: (node) => spread.implements.includes(node.op.name),
  schedules: () => [{}],
  emit(request) {
    const { node, result } = request;
    const [data] = request.operands;
    if (!data) throw new TypeError(`${node.op.name} reads no placed gradient`);
    const shader = beginShader(request);
    const g = shader.operand(0);
    const from = walk(shader, data);
    const [rows, columns] = axes(shader, axisOf(node), data, result);
    return finishCells(
      shader,
      request,
      `${rows.range}
${columns.range}
  var v = vec4f();
  for (var i = yfrom; i < yto; i++) {
    let start = ${at(from, 'n', 'i', '0u', 'c')};
    var line = vec4f();
    for (var j = xfrom; j < xto; j++) { line += ${columns.share('j')} * ${g}[start + j * ${from.pixel}]; }
    v += ${rows.share('i')} * line;
  }`,
    );
  },
};

const axes = (shader: Shader, make: MakeAxis, data: Placement, result: Placement): readonly [Axis, Axis] => [
  make(shader, 'y', shader.u32(result.height), shader.u32(data.height)),
  make(shader, 'x', shader.u32(result.width), shader.u32(data.width)),
];
