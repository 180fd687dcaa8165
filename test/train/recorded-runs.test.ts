/** The recorded PyTorch runs, step by step in float64: losses, weights and running statistics. */
import { describe, expect, it } from 'vitest';
import { elementCount, type Tensor } from '../../compiler/ir/type.ts';
import { f32 } from '../ops/check-op.ts';
import { realData } from '../runtime/real-data.ts';
import { readTensors, recordedNames, recordedRun } from './recorded-settings.ts';
import { ReferenceTraining } from './reference-training.ts';

const folder = realData('torch') ?? '';

const slice = (tensor: Tensor | undefined, index: number): Tensor => {
  if (!tensor) throw new Error('the batches lack a tensor');
  const shape = tensor.shape.slice(1);
  const size = elementCount(shape);
  return f32(shape, tensor.data.slice(index * size, (index + 1) * size));
};

describe.runIf(folder !== '')('a training run', () => {
  it.each(recordedNames)('equals the recorded one: %s', (name) => {
    const { lr, options, losses } = recordedRun(folder, name);
    const training = new ReferenceTraining(options);
    const batches = readTensors(folder, 'batches');
    for (const [step, loss] of losses.entries()) {
      const image = slice(batches.get('x'), step);
      const { loss: ours } = training.step({ image, labels: slice(batches.get('y'), step) }, { lr });
      expect(Math.abs(Number(ours?.data[0]) / loss - 1), `loss of step ${step}`).toBeLessThan(1e-9);
    }
    const state = training.tensors();
    for (const [key, tensor] of readTensors(folder, `weights-${name}`)) {
      const mine = state.get(key);
      expect(mine?.shape, key).toEqual(tensor.shape);
      let largest = 0;
      for (const value of tensor.data) largest = Math.max(largest, Math.abs(value));
      tensor.data.forEach((value: number, at: number) => {
        expect(Math.abs(Math.fround(mine?.data[at] ?? Number.NaN) - value), `${key}[${at}]`).toBeLessThanOrEqual(
          1e-7 * largest,
        );
      });
    }
  });
});
