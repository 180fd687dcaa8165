/** Memory of ResNet-20 at batch 128, the setting of CIFAR-10 recipes: what recomputation saves, and budgets. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { analyze, nodeHost } from '../compiler/analyze/index.ts';
import { compileTraining } from '../compiler/compile/compile-training.ts';
import type { Recomputation } from '../compiler/compile/fit-memory.ts';
import { buildTrainingStep } from '../compiler/train/training-step.ts';
import { TrainingFault } from '../compiler/train/training-fault.ts';
import { initialWeights } from '../compiler/driver/load-weights.ts';
import { evaluateSize, type Plan } from '../runtime/artifact.ts';
import { isFull } from './amount.ts';
import { trainingRecipe } from './gpu/training-recipe.ts';
import { plainRun } from './train/reference-training.ts';

const built = analyze(join(import.meta.dirname, '../examples/resnet20/resnet20.cnn'), nodeHost())
  .models.find(({ name }) => name === 'ResNet20')
  ?.build();
if (!built?.graph) throw new Error('ResNet20 does not build');
const { graph, parameters } = built;
const training = buildTrainingStep({
  ...plainRun,
  graph,
  weights: initialWeights(parameters, 1),
  batch: 128,
  imageSize: [32, 32],
  target: { kind: 'class', classes: 10 },
  optimizer: { kind: 'sgd', momentum: 0.9, dampening: 0, nesterov: false, weightDecay: 1e-4 },
});

function planWith(recompute?: Recomputation): Plan {
  const parts = { name: 'ResNet20', source: 'resnet20.cnn', parameters, recipe: trainingRecipe(128) };
  const { artifact } = compileTraining({ ...parts, training, recompute }, { profiles: ['software'] });
  const plan = artifact.manifest.programs.step.software;
  if (!plan) throw new Error('no plan');
  return plan;
}

const mib = 2 ** 20;
const arenaOf = ({ arena }: Plan): number => evaluateSize(arena.bytes, {});
const workOf = ({ steps }: Plan): number => steps.reduce((sum, { macs }) => sum + evaluateSize(macs, {}), 0);
const kept = planWith();

it('takes at most 0.42 of the arena, for at most a third more work', () => {
  const saved = planWith({ kind: 'auto' });
  console.log(`${(arenaOf(kept) / mib).toFixed(1)} MiB become ${(arenaOf(saved) / mib).toFixed(1)} MiB`);
  expect(arenaOf(saved)).toBeLessThan(0.42 * arenaOf(kept));
  // One more forward pass beside the one there is and a backward pass of twice its work.
  expect(workOf(saved)).toBeLessThan((4 / 3) * workOf(kept));
  expect(saved.kernels).toHaveLength(kept.kernels.length);
  const again = saved.steps.filter(({ passes }) => passes.includes('recompute'));
  expect(new Set(again.map(({ phase }) => phase))).toEqual(new Set(['backward']));
});

it('takes less with more segments, as far as there are values to drop', () => {
  const arenas = [2, 3, 5].map((count) => arenaOf(planWith({ kind: 'segments', count })));
  expect(arenas).toEqual(arenas.toSorted((a, b) => b - a));
  expect(arenas[0]).toBeLessThanOrEqual(arenaOf(kept));
});

it('keeps to a budget with as little work as it can', () => {
  const plans = [arenaOf(kept), ...(isFull ? [180 * mib, 120 * mib, 90 * mib] : [120 * mib])].map((bytes) => {
    const plan = planWith({ kind: 'memory', bytes });
    expect(arenaOf(plan)).toBeLessThanOrEqual(bytes);
    return plan;
  });
  expect(workOf(plans[0] ?? kept)).toBe(workOf(kept));
  const work = plans.map(workOf);
  expect(work).toEqual(work.toSorted((a, b) => a - b));
});

it.runIf(isFull)('says how far off a budget is that cannot be kept', () => {
  const fault = (() => {
    try {
      planWith({ kind: 'memory', bytes: 20 * mib });
    } catch (error) {
      return error;
    }
    return undefined;
  })();
  expect(fault).toBeInstanceOf(TrainingFault);
  const { message = '', setting } = fault instanceof TrainingFault ? fault : {};
  expect(setting).toBe('recompute');
  const [, needed, missing] = /at least ([\d.]+) MiB, ([\d.]+) MiB more than it may/.exec(message) ?? [];
  expect(Number(needed)).toBeGreaterThan(60);
  expect(Number(needed) - Number(missing)).toBeCloseTo(20, 1);
});
