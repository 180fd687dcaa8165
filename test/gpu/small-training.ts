/** A small training run for tests of sessions: convolution, batch norm, linear, cross entropy, SGD with momentum. */
import { compileTraining, type TrainingCompilation } from '../../compiler/compile/compile-training.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import { makeGraph, makeNode, type Node } from '../../compiler/ir/node.ts';
import * as all from '../../compiler/ops/all.ts';
import type { TrainingOptions } from '../../compiler/train/training-options.ts';
import { buildTrainingStep, type TrainingStep } from '../../compiler/train/training-step.ts';
import type { ProfileName } from '../../runtime/artifact.ts';
import type { HostTensor } from '../../runtime/session.ts';
import { noise } from '../ops/check-op.ts';
import { call } from '../passes/random-layers.ts';
import { hostScalars, plainRun } from '../train/reference-training.ts';
import { trainingRecipe } from './training-recipe.ts';

const shapes: Readonly<Record<string, readonly number[]>> = {
  'conv.weight': [6, 3, 3, 3],
  'bn.weight': [6],
  'bn.bias': [6],
  'bn.running_mean': [6],
  'bn.running_var': [6],
  'fc.weight': [5, 6],
  'fc.bias': [5],
};

function model() {
  const parameter = (name: string): Node =>
    makeNode(all.parameter, [], { name, dtype: 'f32', shape: shapes[name] ?? [], init: { kind: 'zeros' } });
  const image = makeNode(all.input, [], { name: 'image', index: 0, dtype: 'f32', shape: [4, 3, 8, 8] });
  const window = { stride: [2, 2], padding: [1, 1, 1, 1], dilation: [1, 1], groups: 1 };
  const conv = call(all.conv2d, [image, parameter('conv.weight')], window);
  const norm = ['weight', 'bias', 'running_mean', 'running_var'].map((name) => parameter(`bn.${name}`));
  const active = call(all.relu, [call(all.batchNorm, [conv, ...norm], { eps: 1e-5, momentum: 0.1 })]);
  const pooled = call(all.reshape, [call(all.globalAveragePool, [active])], { shape: [4, 6] });
  return makeGraph({ scores: call(all.linear, [pooled, parameter('fc.weight'), parameter('fc.bias')]) });
}

export function smallTraining(changes: Partial<TrainingOptions> = {}): {
  readonly training: TrainingStep;
  readonly options: TrainingOptions;
} {
  const weights = Object.entries(shapes).map(([name, shape], index): [string, Tensor] => [
    name,
    noise(shape, index, name === 'bn.running_var' ? [0.5, 1.5] : [-0.5, 0.5]),
  ]);
  const options: TrainingOptions = {
    ...plainRun,
    graph: model(),
    weights: new Map(weights),
    batch: 4,
    target: { kind: 'class', classes: 5 },
    optimizer: { kind: 'sgd', momentum: 0.9, dampening: 0, nesterov: false, weightDecay: 1e-3 },
    ...changes,
  };
  return { training: buildTrainingStep(options), options };
}

export const compileSmall = (
  profiles: readonly ProfileName[] = ['software'],
  changes: Partial<TrainingOptions> = {},
): TrainingCompilation =>
  compileTraining(
    {
      name: 'Small',
      source: 'small.cnn',
      training: smallTraining(changes).training,
      recipe: trainingRecipe(4),
      parameters: [],
    },
    { profiles },
  );

/** Batch and learning rate of a step, as the interpreter takes them. */
export function smallInputs(step: number): Record<string, Tensor> {
  const labels: Tensor = { dtype: 'f32', shape: [4], data: Float64Array.from([0, 1, 2, 3], (n) => (n + step) % 5) };
  return {
    image: noise([4, 3, 8, 8], 50 + step),
    labels,
    ...hostScalars([{ input: 'lr', kind: 'lr' }], step + 1, { lr: 0.1 }),
  };
}

export const hostInputs = (inputs: Readonly<Record<string, Tensor>>): Record<string, HostTensor> =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]),
  );
