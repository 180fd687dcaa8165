/** The recorded PyTorch runs, step by step in float64: losses, weights and running statistics. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { elementCount, type Tensor } from '../../compiler/ir/type.ts';
import type { OptimizerSettings } from '../../compiler/train/optimizers/index.ts';
import type { TrainingOptions } from '../../compiler/train/training-options.ts';
import { parseSafetensors } from '../../runtime/safetensors.ts';
import { toFloat64 } from '../../runtime/stored-tensor.ts';
import { f32 } from '../ops/check-op.ts';
import { realData } from '../runtime/real-data.ts';
import { graphOf, plainRun, ReferenceTraining } from './reference-training.ts';

interface Setting {
  readonly lr: number;
  readonly optimizer: OptimizerSettings;
  readonly more?: Partial<TrainingOptions>;
}

const sgd = { name: 'sgd', momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 } as const;
const adam = { name: 'adam', beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 } as const;

/** `runs` of the data's record.py. */
const settings: Readonly<Record<string, Setting>> = {
  'sgd-nesterov-l2': { lr: 0.05, optimizer: { ...sgd, momentum: 0.9, nesterov: true, weightDecay: 1e-3 } },
  'sgd-dampening': { lr: 0.05, optimizer: { ...sgd, momentum: 0.8, dampening: 0.3 } },
  adam: { lr: 3e-3, optimizer: adam },
  'adam-l2': { lr: 3e-3, optimizer: { ...adam, weightDecay: 1e-2 } },
  adamw: { lr: 3e-3, optimizer: { ...adam, name: 'adamw', beta2: 0.95, weightDecay: 1e-1 } },
  rmsprop: {
    lr: 1e-3,
    optimizer: { name: 'rmsprop', alpha: 0.95, eps: 1e-8, momentum: 0.5, centered: false, weightDecay: 0 },
  },
  'adamw-smooth-clip': {
    lr: 3e-3,
    optimizer: { ...adam, name: 'adamw', weightDecay: 1e-2 },
    more: {
      loss: [{ name: 'cross_entropy', factor: 1, options: { labelSmoothing: 0.1 } }],
      clip: { kind: 'norm', value: 0.5 },
    },
  },
};

const folder = realData('torch');

const readTensors = (name: string): Map<string, Tensor> =>
  new Map(
    [...parseSafetensors(readFileSync(`${folder}/${name}.safetensors`)).tensors]
      .filter(([key]) => !key.endsWith('num_batches_tracked'))
      .map(([key, stored]): [string, Tensor] => [key, f32(stored.shape, toFloat64(stored))]),
  );

const slice = (tensor: Tensor | undefined, index: number): Tensor => {
  if (!tensor) throw new Error('the batches lack a tensor');
  const shape = tensor.shape.slice(1);
  const size = elementCount(shape);
  return f32(shape, tensor.data.slice(index * size, (index + 1) * size));
};

describe.runIf(folder !== undefined)('a training run', () => {
  it.each(Object.entries(settings))('equals the recorded one: %s', (name, { lr, optimizer, more }) => {
    const recorded = JSON.parse(readFileSync(`${folder}/runs.json`, 'utf8')) as {
      readonly steps: number;
      readonly loss: Readonly<Record<string, readonly number[]>>;
    };
    const training = new ReferenceTraining({
      ...plainRun,
      graph: graphOf('record-net.cnn', 'RecordNet'),
      weights: readTensors('net'),
      batch: 8,
      imageSize: [16, 16],
      target: { kind: 'class', classes: 5 },
      optimizer,
      ...more,
    });
    const batches = readTensors('batches');
    const wanted = recorded.loss[name] ?? [];
    expect(wanted.length).toBe(recorded.steps);
    for (const [step, loss] of wanted.entries()) {
      const image = slice(batches.get('x'), step);
      const { loss: ours } = training.step({ image, labels: slice(batches.get('y'), step) }, { lr });
      expect(Math.abs(Number(ours?.data[0]) / loss - 1), `loss of step ${step}`).toBeLessThan(1e-9);
    }
    const state = training.tensors();
    for (const [key, tensor] of readTensors(`weights-${name}`)) {
      const mine = state.get(key);
      expect(mine?.shape, key).toEqual(tensor.shape);
      const largest = Math.max(...Array.from(tensor.data, Math.abs));
      for (const [at, value] of tensor.data.entries()) {
        const difference = Math.abs(Math.fround(mine?.data[at] ?? Number.NaN) - value);
        expect(difference, `${key}[${at}]`).toBeLessThanOrEqual(1e-7 * largest);
      }
    }
  });
});
