/** From a model to its training programs: state in place, tight arenas, few dispatches, no kernel beyond eight buffers. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { analyze, nodeHost } from '../compiler/analyze/index.ts';
import { compileTraining, type TrainingCompilation } from '../compiler/compile/compile-training.ts';
import { buildTrainingStep } from '../compiler/train/training-step.ts';
import { initialWeights } from '../compiler/driver/load-weights.ts';
import { evaluateSize } from '../runtime/artifact.ts';
import { compileSmall } from './gpu/small-training.ts';
import { trainingRecipe } from './gpu/training-recipe.ts';
import { plainRun } from './train/reference-training.ts';

function resnet20(): TrainingCompilation {
  const file = join(import.meta.dirname, '../examples/resnet20/resnet20.cnn');
  const built = analyze(file, nodeHost())
    .models.find(({ name }) => name === 'ResNet20')
    ?.build();
  if (!built?.graph) throw new Error('ResNet20 does not build');
  const { graph, parameters } = built;
  const training = buildTrainingStep({
    ...plainRun,
    graph,
    weights: initialWeights(parameters, 1),
    batch: 16,
    imageSize: [32, 32],
    target: { kind: 'class', classes: 10 },
    optimizer: { kind: 'sgd', momentum: 0.9, dampening: 0, nesterov: false, weightDecay: 1e-4 },
  });
  return compileTraining({
    name: 'ResNet20',
    source: 'resnet20.cnn',
    training,
    recipe: trainingRecipe(16),
    parameters,
  });
}

const compiled = resnet20();
const { manifest } = compiled.artifact;
const lowered = Object.values(compiled.programs).flatMap((program) => Object.values(program));

it('updates all state in place', () => {
  expect(lowered.map(({ copied }) => copied)).toEqual([[], [], [], []]);
});

const adam = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 1e-2 };
const decay = [{ kind: 'l2', value: 1e-3, except: ['bn', 'bias'] }] as const;
it.each([
  ['adam', { optimizer: { kind: 'adam', ...adam } }],
  ['adamw, averages', { optimizer: { kind: 'adamw', ...adam }, ema: 0.99 }],
  ['two groups, clipping by norm', { regularizers: decay, clip: { kind: 'norm', value: 1 }, ema: 0.9 }],
  ['clipping by value, pairs', { clip: { kind: 'value', value: 1 }, mixup: true }],
  ['adagrad', { optimizer: { kind: 'adagrad', lrDecay: 0.1, initialAccumulatorValue: 0, eps: 1e-10, weightDecay: 0 } }],
  ['lion', { optimizer: { kind: 'lion', beta1: 0.9, beta2: 0.99, weightDecay: 0.1 } }],
  ['rmsprop', { optimizer: { kind: 'rmsprop', alpha: 0.9, eps: 1e-8, momentum: 0.5, centered: true, weightDecay: 0 } }],
] as const)('updates all state in place: %s', (_, changes) => {
  const { programs } = compileSmall(['software', 'gpu'], changes);
  expect(Object.values(programs.step).map(({ copied }) => copied)).toEqual([[], []]);
});

it('keeps arenas close to the least that the values alive need', () => {
  for (const { plan } of lowered) {
    const [bytes = 0, least = 1] = [plan.arena.bytes, plan.arena.lowerBoundBytes].map((size) => evaluateSize(size, {}));
    expect(bytes / least).toBeLessThan(1.05);
  }
  // Each of 19 convolutions keeps its result and what the next one reads; a gradient or two come on top.
  const kept = 16 * 4 * 2 * (7 * 16 * 32 * 32 + 6 * 32 * 16 * 16 + 6 * 64 * 8 * 8);
  const { step } = manifest.programs;
  for (const plan of [step.software, step.gpu]) {
    expect(evaluateSize(plan?.arena.bytes ?? Infinity, {}) / kept).toBeLessThan(1.25);
  }
});

it('stays within its dispatches, kernels and bindings', () => {
  const { step, evaluate } = manifest.programs;
  expect(step.software?.steps.length).toBeLessThanOrEqual(376);
  expect(step.gpu?.steps.length).toBeLessThanOrEqual(376);
  expect(evaluate.gpu?.steps.length).toBeLessThanOrEqual(80);
  for (const { plan } of lowered) expect(plan.limits['maxStorageBuffersPerShaderStage']).toBeLessThanOrEqual(8);
});

it('describes the model and the state', () => {
  expect(manifest.model).toMatchObject({ name: 'ResNet20', parameters: 269_722 });
  expect(manifest.input).toEqual({ name: 'image', shape: [3, 32, 32] });
  // 40.6 million in convolutions and the last layer.
  expect(manifest.model.macs / 1e6).toBeCloseTo(40.55, 1);
  const names = manifest.state.flatMap(({ tensors }) => tensors.map(({ name }) => name));
  expect(names).toEqual(expect.arrayContaining(['conv1.weight', 'bn1.running_mean', 'optim.momentum.conv1.weight']));
  expect(compiled.artifact.initial.get('conv1.weight')?.shape).toEqual([16, 3, 3, 3]);
});

it('makes the same artifact twice', () => {
  const again = resnet20().artifact;
  expect(again.manifest).toEqual(manifest);
  expect([...again.kernels]).toEqual([...compiled.artifact.kernels]);
});
