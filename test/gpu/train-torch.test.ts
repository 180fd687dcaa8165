/** The recorded PyTorch runs on the device: losses of every step, and weights and running statistics at the end. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compileTraining } from '../../compiler/compile/compile-training.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import { buildTrainingStep } from '../../compiler/train/training-step.ts';
import type { OpenedDevice } from '../../runtime/node/index.ts';
import type { HostTensor } from '../../runtime/session.ts';
import { createTrainingSession } from '../../runtime/train/session.ts';
import { networkProfiles, some } from '../amount.ts';
import { sharedDevice } from '../shared-device.ts';
import { f32 } from '../ops/check-op.ts';
import { realData } from '../runtime/real-data.ts';
import { hostScalars } from '../train/reference-training.ts';
import { readTensors, recordedNames, recordedRun } from '../train/recorded-settings.ts';
import { trainingRecipe } from './training-recipe.ts';

const folder = realData('torch') ?? '';

const host = ({ shape, data }: Tensor): HostTensor => ({ shape, data: Float32Array.from(data) });

/** Sample `index` of a tensor of samples. */
function sampleOf(tensors: ReadonlyMap<string, Tensor>, name: string, index: number): HostTensor {
  const { shape, data } = tensors.get(name) ?? f32([], []);
  const size = data.length / (shape[0] ?? 1);
  return { shape: shape.slice(1), data: Float32Array.from(data.slice(index * size, (index + 1) * size)) };
}

const largest = ({ data }: Tensor): number => Math.max(...Array.from(data, Math.abs));

function largestDifference(mine: HostTensor | undefined, wanted: Tensor | undefined): number {
  if (!mine || !wanted) return Infinity;
  return Math.max(...Array.from(wanted.data, (value, at) => Math.abs((mine.data[at] ?? NaN) - value)));
}

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await sharedDevice();
});

describe.runIf(folder !== '').each(networkProfiles)('profile %s', (profile) => {
  it.each(profile === 'software' ? some(recordedNames, 1) : ['sgd-nesterov-l2', 'adamw-smooth-clip'])(
    'trains as PyTorch did: %s',
    async (name) => {
      const { lr, options, losses } = recordedRun(folder, name);
      const training = buildTrainingStep(options);
      const parts = { name: 'RecordNet', source: 'record-net.cnn', parameters: [], recipe: trainingRecipe(8) };
      const { artifact } = compileTraining({ ...parts, training }, { profiles: [profile] });
      const session = await createTrainingSession(opened.device, artifact, { profile });
      const batches = readTensors(folder, 'batches');
      for (const [step, wanted] of losses.entries()) {
        const scalars = Object.entries(hostScalars(training.scalars, step + 1, { lr }));
        const inputs = { image: sampleOf(batches, 'x', step), labels: sampleOf(batches, 'y', step) };
        const given = { ...inputs, ...Object.fromEntries(scalars.map(([key, value]) => [key, host(value)])) };
        const outputs = await session.submitStep(given, true);
        expect(Math.abs(Number(outputs?.['loss']?.data[0]) / wanted - 1), `loss of step ${step}`).toBeLessThan(1e-4);
      }
      const state = await session.readState();
      session.dispose();
      const wanted = readTensors(folder, `weights-${name}`);
      const difference = (key: string): number => largestDifference(state.get(key), wanted.get(key));
      // A bias in front of batch norm has no gradient but rounding, which Adam and RMSProp divide by its own size: it
      // wanders, in PyTorch's float32 as well, and the mean behind it follows.
      const noise = name.startsWith('sgd') ? 0 : difference('pw.bias');
      expect(noise).toBeLessThan(losses.length * lr);
      for (const [key, tensor] of wanted) {
        expect(state.get(key)?.shape, key).toEqual(tensor.shape);
        const drift = key === 'pw.bias' || key === 'bn3.running_mean' ? noise : 0;
        expect(difference(key), key).toBeLessThanOrEqual(1e-3 * largest(tensor) + drift);
      }
    },
    240_000,
  );
});
