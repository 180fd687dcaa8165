/** Windows that slide over the two spatial axes: their attributes, their number, and the shape of the result. */
import { addDims, floorDivideDim, formatDim, multiplyDims, subtractDims, type Dim } from '../../ir/dim.ts';
import { OpError } from '../../ir/op.ts';
import { formatType, type TensorType } from '../../ir/type.ts';
import { expectIntegers, type Pads, type Pair } from './expect.ts';

export interface Windows {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Pads;
  readonly dilation?: Pair;
  readonly ceilMode?: boolean;
}

export function expectWindows(windows: Windows): void {
  expectIntegers(windows.kernel, 2, 1, 'kernel');
  expectIntegers(windows.stride, 2, 1, 'stride');
  expectIntegers(windows.padding, 4, 0, 'padding');
  if (windows.dilation) expectIntegers(windows.dilation, 2, 1, 'dilation');
}

/** A pool's padding is at most half its kernel, so that every window holds a cell of the input (as in PyTorch). */
export function expectHalfPadding(windows: Windows): void {
  windows.padding.forEach((pad, side) => {
    const kernel = windows.kernel[side % 2 === 0 ? 0 : 1];
    if (pad * 2 <= kernel) return;
    const message = `padding ${pad} is more than half of the kernel ${kernel}, so that a window could miss the input`;
    throw new OpError('E0310', message, { help: `pad by at most ${Math.floor(kernel / 2)}` });
  });
}

interface AxisWindow {
  readonly kernel: number;
  readonly stride: number;
  readonly before: number;
  readonly after: number;
  readonly dilation: number;
  readonly ceilMode: boolean;
}

/**
 * The number of windows on an axis, `floor((size + pads - dilation*(kernel - 1) - 1) / stride) + 1` (Dumoulin and
 * Visin 2016). In ceil mode a last, partial window counts where it starts inside the input or the leading padding
 * (PyTorch's `pooling_output_shape`). Undefined where the number is no polynomial.
 */
function windowCount(size: Dim, axis: AxisWindow): Dim | undefined {
  const extent = axis.dilation * (axis.kernel - 1) + 1;
  const slack = axis.ceilMode ? axis.stride - 1 : 0;
  const last = floorDivideDim(addDims(size, axis.before + axis.after - extent + slack), axis.stride);
  if (last === undefined) return undefined;
  const count = addDims(last, 1);
  if (!axis.ceilMode) return count;
  const beyond = subtractDims(multiplyDims(last, axis.stride), addDims(size, axis.before));
  if (typeof beyond !== 'number') return undefined;
  return beyond >= 0 ? last : count;
}

const sides = [
  { name: 'height', before: 0, after: 2 },
  { name: 'width', before: 1, after: 3 },
] as const;

function countOnSide(x: TensorType, windows: Windows, side: 0 | 1, action: string): Dim {
  const { name, before, after } = sides[side];
  const size = x.shape[side + 2] ?? 1;
  const axis: AxisWindow = {
    kernel: windows.kernel[side],
    stride: windows.stride[side],
    before: windows.padding[before],
    after: windows.padding[after],
    dilation: windows.dilation?.[side] ?? 1,
    ceilMode: windows.ceilMode ?? false,
  };
  const count = windowCount(size, axis);
  if (count === undefined) {
    const message = `cannot prove the ${name} after a stride of ${axis.stride} over ${formatType(x)}`;
    const help = `give ${formatDim(size)} a size, or assert that it is a multiple of ${axis.stride}`;
    throw new OpError('E0309', message, { help, input: 0, wanted: { dim: size, divisor: axis.stride } });
  }
  if (typeof count === 'number' && count < 1) {
    const extent = axis.dilation * (axis.kernel - 1) + 1;
    const padded = formatDim(addDims(size, axis.before + axis.after));
    const kernel = `a kernel of ${name} ${extent}`;
    const message = `cannot ${action} ${formatType(x)} with ${kernel}: the padded ${name} is ${padded}`;
    throw new OpError('E0306', message, { help: 'use a smaller kernel or more padding', input: 0 });
  }
  return count;
}

/** Height and width of what windows over `[N, C, H, W]` give. Throws E0306 or E0309. */
export const windowGrid = (x: TensorType, windows: Windows, action: string): [Dim, Dim] => [
  countOnSide(x, windows, 0, action),
  countOnSide(x, windows, 1, action),
];
