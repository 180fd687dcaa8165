/** Random networks through the whole pipeline, kernels of both profiles and the runtime, against the interpreter. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { isInput, isParameter } from '../../compiler/ir/leaves.ts';
import { topologicalOrder, type Graph } from '../../compiler/ir/node.ts';
import { randomTensor } from '../../compiler/ir/tensor-literal.ts';
import { bindParameters } from '../../compiler/passes/bind-parameters.ts';
import { inferencePipeline, runPipeline } from '../../compiler/passes/pipelines.ts';
import type { Profile } from '../../compiler/kernels/kernel.ts';
import { fixedSchedules } from '../../compiler/schedule/fixed.ts';
import type { OpenedDevice } from '../../runtime/node/index.ts';
import { sharedDevice } from '../shared-device.ts';
import { amount, networkProfiles } from '../amount.ts';
import { deviceError } from '../kernels/run-on-device.ts';
import { runSeed } from '../passes/property.ts';
import { buildGraph, recipes } from '../passes/random-graph.ts';

const graphs = amount(5, 40);
const tolerance = 1e-4;

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await sharedDevice();
});

/** Weights are given at build time on the device; the interpreter sees the same constants. */
function bound(graph: Graph): Graph {
  const parameters = topologicalOrder(graph)
    .filter(isParameter)
    .map((node, index) => {
      const shape = node.attrs.shape.map(Number);
      const [low, high] = node.attrs.init.kind === 'ones' ? [0.5, 1.5] : [-1, 1];
      const { data } = randomTensor(shape, index + 1, low, high);
      return [node.attrs.name, { dtype: 'f32', shape, data: Float32Array.from(data) }] as const;
    });
  return bindParameters.run(graph, { parameters: new Map(parameters) });
}

async function errorOf(graph: Graph, profile: Profile, seed: number): Promise<number> {
  const optimized = runPipeline(bound(graph), inferencePipeline);
  const inputs = topologicalOrder(optimized)
    .filter(isInput)
    .map((node, index) => {
      const shape = node.attrs.shape.map((size) => (typeof size === 'number' ? size : 1 + (seed % 3)));
      return [
        node.attrs.name,
        { shape, data: Float32Array.from(randomTensor(shape, seed + index, -1, 1).data) },
      ] as const;
    });
  return deviceError(opened.device, optimized, Object.fromEntries(inputs), profile, fixedSchedules(optimized, profile));
}

describe.each(networkProfiles)('profile %s', (profile) => {
  it(`runs ${graphs} random networks as the interpreter does (CNNC_SEED=${runSeed})`, async () => {
    const property = fc.asyncProperty(recipes, fc.nat(1000), async (recipe, seed) => {
      const graph = buildGraph(recipe);
      if (Object.values(graph.outputs).some((node) => node.inputs.length === 0)) return;
      expect(await errorOf(graph, profile, seed)).toBeLessThan(tolerance);
    });
    await fc.assert(property, { seed: runSeed, numRuns: graphs, endOnFailure: true });
  });
});
