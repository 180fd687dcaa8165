/** Runs with a teacher, with hints and with masked weights on the device, against PyTorch's records. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compileTraining } from '../../compiler/compile/compile-training.ts';
import { isConstant } from '../../compiler/ir/leaves.ts';
import { topologicalOrder } from '../../compiler/ir/node.ts';
import { buildTrainingStep } from '../../compiler/train/training-step.ts';
import type { OpenedDevice } from '../../runtime/node/index.ts';
import { createTrainingSession } from '../../runtime/train/session.ts';
import { networkProfiles, some } from '../amount.ts';
import { sharedDevice } from '../shared-device.ts';
import { inputsOf, optionsOf, runs } from '../train/distill-runs.ts';
import { hostScalars } from '../train/reference-training.ts';
import { hostInputs } from './small-training.ts';
import { trainingRecipe } from './training-recipe.ts';

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await sharedDevice();
});

const chosen = {
  software: [
    'scores and features',
    'mixed images, labels left out',
    'pixels, ignoring a class',
    'one score',
    'masked weights',
  ],
  // The kernels of this profile take long to compile on software adapters.
  gpu: ['one score'],
} as const;

describe.each(networkProfiles)('profile %s', (profile) => {
  it.each(some<string>(chosen[profile], 2))('trains as PyTorch did: %s', async (name) => {
    const run = runs[name];
    if (!run) throw new Error(`no run ${name}`);
    const training = buildTrainingStep(optionsOf(run));
    const parts = { name: run.net, source: 'distill-nets.cnn', parameters: [], recipe: trainingRecipe(4) };
    const { artifact, optimized } = compileTraining({ ...parts, training }, { profiles: [profile] });
    if (run.teacher) {
      // The teacher's weights are there once, packed at build time; its batch norms are folded into them.
      const constants = topologicalOrder(optimized.step)
        .filter(isConstant)
        .map(({ type }) => type.shape.map(Number).join());
      expect(constants.filter((shape) => shape === '5,2,3,3')).toHaveLength(1);
    }
    const session = await createTrainingSession(opened.device, artifact, { profile });
    for (const [step, lr] of run.lr.entries()) {
      const inputs = { ...inputsOf(run, step), ...hostScalars(training.scalars, step + 1, { lr }) };
      const outputs = await session.submitStep(hostInputs(inputs), true);
      const figures = run.teacher ? { loss: run.loss, labelLoss: run.labelLoss } : { loss: run.loss };
      for (const [key, wanted] of Object.entries(figures)) {
        const ratio = Number(outputs?.[key]?.data[0]) / Number(wanted[step]);
        expect(Math.abs(ratio - 1), `${key} of step ${step}`).toBeLessThan(1e-4);
      }
    }
    const state = await session.readState();
    session.dispose();
    for (const [key, { shape, data }] of Object.entries(run.final)) {
      const mine = state.get(key);
      expect(mine?.shape, key).toEqual(shape);
      const largest = Math.max(...data.map(Math.abs));
      const difference = Math.max(...data.map((value, at) => Math.abs(value - (mine?.data[at] ?? NaN))));
      expect(difference, key).toBeLessThanOrEqual(1e-3 * largest);
    }
    for (const [key, mask] of Object.entries(run.masks)) {
      const kept = state.get(key)?.data ?? [];
      expect(mask.data.filter((each, at) => each === 0 && kept[at] !== 0)).toEqual([]);
    }
  });
});
