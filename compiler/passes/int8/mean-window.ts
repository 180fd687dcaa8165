/** The window of an average pool of any kind, where all of its windows divide by the same number. */
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { adaptiveAveragePool2d, averagePool2d, globalAveragePool } from '../../ops/index.ts';
import type { AveragePool2dAttrs } from '../../ops/average-pool2d.ts';
import type { Pair } from '../../ops/rules/expect.ts';
import type { PoolAttrs } from '../../ops/rules/pool.ts';

const plain = (kernel: Pair, stride: Pair): PoolAttrs => ({ kernel, stride, padding: [0, 0, 0, 0], ceilMode: false });

/** Whether no window reaches beyond the padding, as the last one may in ceil mode. */
function isWhole(node: Node, { kernel, stride, padding, ceilMode }: AveragePool2dAttrs): boolean {
  if (!ceilMode) return true;
  return ([0, 1] as const).every((side) => {
    const size = node.inputs[0]?.type.shape[side + 2];
    const padded = (typeof size === 'number' ? size : Number.NaN) + padding[side] + padding[side === 0 ? 2 : 3];
    return (padded - kernel[side]) % stride[side] === 0;
  });
}

/** Undefined where windows divide by different numbers, or by one that is only known at run time. */
export function meanWindow(node: Node): PoolAttrs | undefined {
  const [, , height, width] = node.inputs[0]?.type.shape ?? [];
  if (isOp(node, averagePool2d)) {
    const isEven = node.attrs.countIncludePad || node.attrs.padding.every((pad) => pad === 0);
    const { kernel, stride, padding, ceilMode } = node.attrs;
    return isEven && isWhole(node, node.attrs) ? { kernel, stride, padding, ceilMode } : undefined;
  }
  if (typeof height !== 'number' || typeof width !== 'number') return undefined;
  if (node.op.name === globalAveragePool.name) return plain([height, width], [1, 1]);
  if (!isOp(node, adaptiveAveragePool2d)) return undefined;
  const [rows, columns] = [height / node.attrs.size[0], width / node.attrs.size[1]];
  return Number.isInteger(rows) && Number.isInteger(columns) ? plain([rows, columns], [rows, columns]) : undefined;
}
