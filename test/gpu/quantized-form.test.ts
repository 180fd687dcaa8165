/** Quantization-aware training on the device, against PyTorch's record. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compileTraining } from '../../compiler/compile/compile-training.ts';
import { bindParameters } from '../../compiler/passes/bind-parameters.ts';
import { insertQdq } from '../../compiler/passes/int8/insert-qdq.ts';
import { int8Preparation, runPipeline } from '../../compiler/passes/pipelines.ts';
import { quantizedForm } from '../../compiler/train/quantized-form.ts';
import { buildTrainingStep } from '../../compiler/train/training-step.ts';
import type { OpenedDevice } from '../../runtime/node/index.ts';
import { createTrainingSession } from '../../runtime/train/session.ts';
import { sharedDevice } from '../shared-device.ts';
import { differenceOf, final, inputsOf, loss, ranges, start } from '../train/quantized-run.ts';
import { graphOf, hostScalars, plainRun } from '../train/reference-training.ts';
import { hostInputs } from './small-training.ts';
import { trainingRecipe } from './training-recipe.ts';

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await sharedDevice();
});

describe('quantization-aware training', () => {
  it('trains as PyTorch did', async () => {
    const bound = bindParameters.run(graphOf('../train/quantized-nets.cnn', 'Residual'), { parameters: start });
    const qdq = insertQdq.run(runPipeline(bound, int8Preparation), { ranges });
    const target = { kind: 'class', classes: 3 } as const;
    const optimizer = { kind: 'sgd', momentum: 0.9, dampening: 0, nesterov: false, weightDecay: 0 } as const;
    const graph = quantizedForm(qdq, { weights: start, biases: new Map() });
    const training = buildTrainingStep({ ...plainRun, graph, weights: start, batch: 4, target, optimizer });
    const parts = { name: 'Residual', source: 'quantized-nets.cnn', parameters: [], recipe: trainingRecipe(4) };
    const { artifact } = compileTraining({ ...parts, training }, { profiles: ['software'] });
    const session = await createTrainingSession(opened.device, artifact, { profile: 'software' });
    for (const [step, wanted] of loss.entries()) {
      const scalars = hostScalars(training.scalars, step + 1, { lr: 0.05 });
      const outputs = await session.submitStep(hostInputs({ ...inputsOf(step), ...scalars }), true);
      expect(Math.abs(Number(outputs?.['loss']?.data[0]) / wanted - 1), `loss of step ${step}`).toBeLessThan(1e-4);
    }
    const state = await session.readState();
    session.dispose();
    for (const [key, { data }] of Object.entries(final)) {
      const largest = Math.max(...data.map(Math.abs));
      expect(differenceOf(key, state.get(key)), key).toBeLessThanOrEqual(1e-3 * largest);
    }
  });
});
