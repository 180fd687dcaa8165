/** The settings of the recorded PyTorch runs: `runs` of the data's record.py. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from '../../compiler/ir/type.ts';
import type { OptimizerSettings } from '../../compiler/train/optimizers/index.ts';
import type { TrainingOptions } from '../../compiler/train/training-options.ts';
import { parseSafetensors } from '../../runtime/files/safetensors.ts';
import { toFloat64 } from '../../runtime/files/stored-tensor.ts';
import { f32 } from '../ops/check-op.ts';
import { graphOf, plainRun } from './reference-training.ts';

interface Setting {
  readonly lr: number;
  readonly optimizer: OptimizerSettings;
  readonly more?: Partial<TrainingOptions>;
}

const sgd = { kind: 'sgd', momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 } as const;
const adam = { kind: 'adam', beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 } as const;

const settings: Readonly<Record<string, Setting>> = {
  'sgd-nesterov-l2': { lr: 0.05, optimizer: { ...sgd, momentum: 0.9, nesterov: true, weightDecay: 1e-3 } },
  'sgd-dampening': { lr: 0.05, optimizer: { ...sgd, momentum: 0.8, dampening: 0.3 } },
  adam: { lr: 3e-3, optimizer: adam },
  'adam-l2': { lr: 3e-3, optimizer: { ...adam, weightDecay: 1e-2 } },
  adamw: { lr: 3e-3, optimizer: { ...adam, kind: 'adamw', beta2: 0.95, weightDecay: 1e-1 } },
  rmsprop: {
    lr: 1e-3,
    optimizer: { kind: 'rmsprop', alpha: 0.95, eps: 1e-8, momentum: 0.5, centered: false, weightDecay: 0 },
  },
  'adamw-smooth-clip': {
    lr: 3e-3,
    optimizer: { ...adam, kind: 'adamw', weightDecay: 1e-2 },
    more: {
      loss: [{ kind: 'cross_entropy', factor: 1, labelSmoothing: 0.1 }],
      clip: { kind: 'norm', value: 0.5 },
    },
  },
};

export const recordedNames: readonly string[] = Object.keys(settings);

/** The tensors of a file of the data, without the counters that cnnc does not keep. */
export const readTensors = (folder: string, name: string): Map<string, Tensor> =>
  new Map(
    [...parseSafetensors(readFileSync(join(folder, `${name}.safetensors`))).tensors]
      .filter(([key]) => !key.endsWith('num_batches_tracked'))
      .map(([key, stored]): [string, Tensor] => [key, f32(stored.shape, toFloat64(stored))]),
  );

export interface RecordedRun {
  readonly lr: number;
  readonly options: TrainingOptions;
  /** Of every step, before its update. */
  readonly losses: readonly number[];
}

export function recordedRun(folder: string, name: string): RecordedRun {
  const setting = settings[name];
  const recorded = JSON.parse(readFileSync(join(folder, 'runs.json'), 'utf8')) as {
    readonly steps: number;
    readonly loss: Readonly<Record<string, readonly number[]>>;
  };
  const losses = recorded.loss[name];
  if (!setting || losses?.length !== recorded.steps) throw new Error(`the data has no whole run ${name}`);
  const options: TrainingOptions = {
    ...plainRun,
    graph: graphOf('record-net.cnn', 'RecordNet'),
    weights: readTensors(folder, 'net'),
    batch: 8,
    imageSize: [16, 16],
    target: { kind: 'class', classes: 5 },
    optimizer: setting.optimizer,
    ...setting.more,
  };
  return { lr: setting.lr, options, losses };
}
