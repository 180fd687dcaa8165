/** Random graphs of integer ops on both profiles: equal to the interpreter to the last bit. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { randomTensor } from '../../compiler/ir/tensor-literal.ts';
import { verifyGraph } from '../../compiler/ir/verify.ts';
import { ops } from '../../compiler/ops/index.ts';
import { fixedSchedules } from '../../compiler/schedule/fixed.ts';
import type { OpenedDevice } from '../../runtime/node/index.ts';
import { sharedDevice } from '../shared-device.ts';
import { amount } from '../amount.ts';
import { runOnDevice } from '../kernels/run-on-device.ts';
import { runSeed } from '../passes/property.ts';
import { int8Graph, int8Recipes } from './random-int8-graph.ts';

// Fewer than of other networks: nearly every layer is a pipeline of its own.
const graphs = amount(3, 20);

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await sharedDevice();
});

describe.each(['software', 'gpu'] as const)('profile %s', (profile) => {
  it(`runs ${graphs} random integer graphs as the interpreter does (CNNC_SEED=${runSeed})`, async () => {
    const property = fc.asyncProperty(int8Recipes, fc.nat(1000), async (recipe, seed) => {
      const graph = int8Graph(recipe);
      expect(verifyGraph(graph, ops)).toEqual([]);
      const shape = [1 + (seed % 3), recipe.channels, ...recipe.size];
      const runs = [seed, seed + 1].map((each) => Float32Array.from(randomTensor(shape, each, -2, 2).data));
      const inputs = runs.map((data) => ({ x: { shape, data } }));
      const results = await runOnDevice(opened.device, graph, inputs, profile, fixedSchedules(graph, profile));
      inputs.forEach(({ x }, index) => {
        const expected = evaluateGraph(graph, { x: { dtype: 'f32', ...x } });
        for (const [name, { data }] of Object.entries(expected)) {
          expect(results[index]?.[name]?.data).toEqual(Float32Array.from(data));
        }
      });
    });
    await fc.assert(property, { seed: runSeed, numRuns: graphs, endOnFailure: true });
  });
});
