/** Random updates of state on the device, for several steps, against the interpreter. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluateStep } from '../../compiler/ir/evaluate.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import { isParameter } from '../../compiler/ir/leaves.ts';
import { topologicalOrder } from '../../compiler/ir/node.ts';
import { flatStorage } from '../../compiler/ops/index.ts';
import type { ProfileName } from '../../runtime/artifact.ts';
import type { OpenedDevice } from '../../runtime/node/index.ts';
import type { HostTensor } from '../../runtime/session.ts';
import { createTrainingSession } from '../../runtime/train/session.ts';
import { sharedDevice } from '../shared-device.ts';
import { amount } from '../amount.ts';
import { noise } from '../ops/check-op.ts';
import { runSeed } from '../passes/property.ts';
import { buildState, layouts, stateRecipes, type LayoutName, type StateRecipe } from './random-state.ts';
import { compileStep } from './state-artifact.ts';

const graphs = amount(5, 40);

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await sharedDevice();
});

/** A vector with zeros in its padding lanes. */
const drawVector = (layout: LayoutName, seed: number): Tensor =>
  flatStorage.evaluate(
    layouts[layout].map((shape, index) => noise(shape, seed * 10 + index)),
    {},
  );
const host = ({ shape, data }: Tensor): HostTensor => ({ shape, data: Float32Array.from(data) });

function differenceOf(actual: HostTensor | undefined, wanted: Tensor): number {
  expect(actual?.shape).toEqual(wanted.shape);
  return Math.max(0, ...Array.from(wanted.data, (value, at) => Math.abs(value - (actual?.data[at] ?? Number.NaN))));
}

async function checkSteps(recipe: StateRecipe, profile: ProfileName, steps: number): Promise<void> {
  const graph = buildState(recipe);
  const draw = (seed: number): Tensor => drawVector(recipe.layout, seed);
  const names = topologicalOrder(graph)
    .filter(isParameter)
    .map((node) => node.attrs.name);
  let state: Record<string, Tensor> = Object.fromEntries(names.map((name, index) => [name, draw(index + 1)]));
  const { artifact } = compileStep(graph, new Map(Object.entries(state)), [profile]);
  const session = await createTrainingSession(opened.device, artifact, { profile });
  try {
    for (let step = 0; step < steps; step++) {
      const x = draw(100 + step);
      const { outputs, next } = evaluateStep(graph, { x }, { parameters: state });
      const measured = await session.evaluate({ x: host(x) });
      const computed = await session.submitStep({ x: host(x) }, true);
      for (const [name, wanted] of Object.entries(outputs)) {
        expect(differenceOf(measured[name], wanted), `${name} as evaluated in step ${step}`).toBeLessThan(1e-4);
        expect(differenceOf(computed?.[name], wanted), `${name} of step ${step}`).toBeLessThan(1e-4);
      }
      state = { ...state, ...next };
      const read = await session.readState();
      for (const [name, wanted] of Object.entries(state)) {
        expect(differenceOf(read.get(name), wanted), `${name} after step ${step}`).toBeLessThan(1e-4);
      }
    }
  } finally {
    session.dispose();
  }
}

describe.each(['software', 'gpu'] as const)('profile %s', (profile) => {
  it(`updates state as the interpreter does in ${graphs} random programs (CNNC_SEED=${runSeed})`, async () => {
    const property = fc.asyncProperty(stateRecipes, (recipe) => checkSteps(recipe, profile, 3));
    await fc.assert(property, { seed: runSeed, numRuns: graphs });
  });
});
