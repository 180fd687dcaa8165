/** Numpy broadcasting: the shape rule and the loop that elementwise ops of two operands share. */
import { dimsEqual, type Dim } from '../ir/dim.ts';
import { OpError } from '../ir/op.ts';
import { elementCount, formatType, stridesOf, type Tensor, type TensorType } from '../ir/type.ts';
import { expectFloat } from './rules/expect.ts';

/** The common shape of two operands; trailing axes align, and a size of 1 stretches. */
export function broadcastShapes(a: readonly Dim[], b: readonly Dim[]): Dim[] | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: Dim[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const x = a[axis - rank + a.length] ?? 1;
    const y = b[axis - rank + b.length] ?? 1;
    if (!dimsEqual(x, y) && x !== 1 && y !== 1) return undefined;
    shape.push(x === 1 ? y : x);
  }
  return shape;
}

/** The result type of an elementwise op of two operands. Throws E0302 and E0305. */
export function broadcastTypes(verb: string, a: TensorType, b: TensorType): TensorType {
  expectFloat([a, b], verb);
  const shape = broadcastShapes(a.shape, b.shape);
  if (!shape) {
    throw new OpError('E0305', `cannot ${verb} ${formatType(a)} and ${formatType(b)}`, {
      input: 1,
      help: 'sizes must agree axis by axis from the right, or be 1',
    });
  }
  return { dtype: 'f32', shape };
}

interface Loop {
  readonly size: number;
  readonly a: number;
  readonly b: number;
}

/** The loop nest over the result, with the step of either operand (0 where it stretches); adjacent loops merge. */
function loopsOf(a: Tensor, b: Tensor, shape: readonly number[]): Loop[] {
  const stepsOf = (tensor: Tensor): number[] => {
    const strides = stridesOf(tensor.shape);
    const lead = shape.length - tensor.shape.length;
    return shape.map((_, axis) => ((tensor.shape[axis - lead] ?? 1) === 1 ? 0 : (strides[axis - lead] ?? 0)));
  };
  const [aSteps, bSteps] = [stepsOf(a), stepsOf(b)];
  const loops: Loop[] = [];
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue;
    const loop = { size, a: aSteps[axis] ?? 0, b: bSteps[axis] ?? 0 };
    const outer = loops.at(-1);
    const merges = outer && outer.a === loop.a * size && outer.b === loop.b * size;
    if (merges) loops[loops.length - 1] = { ...loop, size: outer.size * size };
    else loops.push(loop);
  }
  return loops;
}

/** `f` over the broadcast operands, in float64. */
export function broadcastMap(f: (x: number, y: number) => number, a: Tensor, b: Tensor): Tensor {
  const shape = broadcastShapes(a.shape, b.shape)?.map(Number) ?? [];
  const result = new Float64Array(elementCount(shape));
  const loops = loopsOf(a, b, shape);
  const inner = loops.pop() ?? { size: 1, a: 0, b: 0 };
  const [aData, bData] = [a.data, b.data];
  const index = loops.map(() => 0);
  let [aAt, bAt] = [0, 0];
  for (let at = 0; at < result.length;) {
    const end = at + inner.size;
    for (let x = aAt, y = bAt; at < end; at++, x += inner.a, y += inner.b) {
      result[at] = f(aData[x] ?? Number.NaN, bData[y] ?? Number.NaN);
    }
    for (let depth = loops.length - 1; depth >= 0; depth--) {
      const loop = loops[depth] ?? inner;
      aAt += loop.a;
      bAt += loop.b;
      index[depth] = (index[depth] ?? 0) + 1;
      if (index[depth] !== loop.size) break;
      index[depth] = 0;
      aAt -= loop.a * loop.size;
      bAt -= loop.b * loop.size;
    }
  }
  return { dtype: 'f32', shape, data: result };
}
