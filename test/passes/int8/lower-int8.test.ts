import { describe, expect, it } from 'vitest';
import { topologicalOrder } from '../../../compiler/ir/node.ts';
import { isOp } from '../../../compiler/ir/op.ts';
import { parseGraph } from '../../../compiler/ir/parse.ts';
import { lookUp, ops } from '../../../compiler/ops/index.ts';
import { lowerInt8 } from '../../../compiler/passes/int8/lower-int8.ts';
import { runTextTests } from '../run-text.ts';

// Two roundings may fall on different sides: one step of the result's scale.
describe('lower-int8', () => runTextTests('int8/lower-int8', lowerInt8, 0.02));

it('makes a table of an activation', () => {
  const graph = parseGraph(
    `graph {
  %0 = input() { name: "x", index: 0, dtype: "f32", shape: [N, 2, 4, 4] }
  %1 = quantize(%0) { scale: 0.0625, zeroPoint: 0 } : i8[N, 2, 4, 4]
  %2 = dequantize(%1) { scale: 0.0625, zeroPoint: 0 } : f32[N, 2, 4, 4]
  %3 = mish(%2) : f32[N, 2, 4, 4]
  %4 = quantize(%3) { scale: 0.03125, zeroPoint: -118 } : i8[N, 2, 4, 4]
  %5 = dequantize(%4) { scale: 0.03125, zeroPoint: -118 } : f32[N, 2, 4, 4]
  output "y" = %5
}
`,
    ops,
  );
  const found = topologicalOrder(lowerInt8.run(graph)).find((node) => isOp(node, lookUp));
  const table = found && isOp(found, lookUp) ? found.attrs.table.data : [];
  // PyTorch: quantize_per_tensor(mish(x), 0.03125, -118, qint8) at these steps of 0.0625.
  const steps = [-128, -60, -25, -20, -1, 0, 1, 50, 127];
  expect(steps.map((step) => table[step + 128])).toEqual([-118, -121, -127, -128, -119, -118, -117, -18, 127]);
});
