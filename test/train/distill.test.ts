/** Runs with a teacher, with hints and with masked weights against PyTorch in float64, and what cannot be taught. */
import { describe, expect, it } from 'vitest';
import { verifyGraph } from '../../compiler/ir/verify.ts';
import { ops } from '../../compiler/ops/index.ts';
import { TrainingFault } from '../../compiler/train/training-fault.ts';
import { buildTrainingStep, checkTrainingStep } from '../../compiler/train/training-step.ts';
import { analyzeChannels, keptWeights, pruneChannels } from '../../compiler/passes/channels/index.ts';
import { foldBatchNorm } from '../../compiler/passes/fold-batch-norm.ts';
import { inputsOf, optionsOf, runs, type DistillRun } from './distill-runs.ts';
import { graphOf, ReferenceTraining } from './reference-training.ts';

const near = (actual: number | undefined, wanted: number, what: string, tolerance = 1e-9): void => {
  const difference = Math.abs((actual ?? Number.NaN) - wanted);
  expect(difference, what).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(wanted)));
};

describe('a short run', () => {
  it.each(Object.entries(runs))('equals PyTorch: %s', (_, run) => {
    const training = new ReferenceTraining(optionsOf(run));
    const { step, evaluate } = training.built;
    expect(verifyGraph(step, ops)).toEqual([]);
    expect(verifyGraph(evaluate, ops)).toEqual([]);
    for (const [index, lr] of run.lr.entries()) {
      const outputs = training.step(inputsOf(run, index), { lr });
      near(outputs['loss']?.data[0], run.loss[index] ?? Number.NaN, `loss of step ${index}`);
      near(outputs['gradNorm']?.data[0], run.gradNorm[index] ?? Number.NaN, `gradNorm of step ${index}`);
      if (run.teacher) near(outputs['labelLoss']?.data[0], run.labelLoss[index] ?? Number.NaN, `labelLoss ${index}`);
    }
    const tensors = training.tensors();
    for (const [name, { shape, data }] of Object.entries(run.final)) {
      expect(tensors.get(name)?.shape, name).toEqual(shape);
      data.forEach((value, at) => near(tensors.get(name)?.data[at], value, `${name}[${at}]`, 1e-7));
    }
    const totals = tensors.get('totals')?.data ?? [];
    const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
    near(totals[0], sum(run.loss), 'total loss');
    expect(totals.length).toBe(run.teacher ? 5 : 4);
    if (run.teacher) near(totals[4], sum(run.labelLoss), 'total loss of the labels');
  });

  it('keeps masked weights at zero', () => {
    const run = named('masked weights of adamw');
    const training = new ReferenceTraining(optionsOf(run));
    for (const [index, lr] of run.lr.entries()) training.step(inputsOf(run, index), { lr });
    for (const [name, mask] of Object.entries(run.masks)) {
      const trained = training.tensors().get(name)?.data ?? [];
      expect(mask.data.filter((kept, at) => kept === 0 && trained[at] !== 0)).toEqual([]);
      expect(new Set(mask.data).size).toBe(2);
    }
  });
});

describe('a pruned network', () => {
  it('trains exactly as the smaller network that it is', () => {
    const { masks: _, teacher: __, ...options } = optionsOf(named('masked weights'));
    const graph = graphOf('distill-nets.cnn', 'ClassNet', { width: '5' });
    const { weights } = optionsOf(named('scores')).teacher ?? {};
    const analysis = analyzeChannels(graph);
    const removed = analysis.classes.flatMap(({ members }, index) =>
      members.some((each) => each.parameter.attrs.name === 'conv1.weight' && each.axis === 0 && each.index % 3 === 1)
        ? [index]
        : [],
    );
    const pruned = pruneChannels(analysis, new Set(removed));
    const kept = keptWeights(weights ?? new Map(), pruned.kept);
    expect(kept.get('conv1.weight')?.shape).toEqual([3, 2, 3, 3]);
    const small = graphOf('distill-nets.cnn', 'ClassNet', { width: '3' });
    const [one, two] = [pruned.graph, small].map(
      (each) => new ReferenceTraining({ ...options, graph: each, weights: kept }),
    );
    for (const index of [0, 1, 2]) {
      const inputs = inputsOf(named('scores'), index);
      expect(one?.step(inputs, { lr: 0.05 })).toEqual(two?.step(inputs, { lr: 0.05 }));
    }
    expect(one?.tensors()).toEqual(two?.tensors());
  });
});

function named(name: string): DistillRun {
  const run = runs[name];
  if (!run) throw new Error(`no run ${name}`);
  return run;
}

describe('a teacher', () => {
  it('has constants for weights, which fold, and only the student has state', () => {
    const { step, evaluate, state } = buildTrainingStep(optionsOf(named('scores and features')));
    const folded = foldBatchNorm.run(step);
    expect(verifyGraph(folded, ops)).toEqual([]);
    expect(folded).not.toBe(step);
    expect(Object.keys(evaluate.outputs)).toEqual(['loss', 'weight', 'prediction', 'scores']);
    const kinds = state.flatMap(({ tensors }) => tensors.map(({ name, kind }) => [name, kind] as const));
    expect(kinds.filter(([, kind]) => kind === 'auxiliary')).toEqual([['hints.0.weight', 'auxiliary']]);
  });

  const faults: readonly (readonly [
    string,
    Partial<NonNullable<DistillRun['teacher']>> & { model?: string },
    string,
  ])[] = [
    ['of other classes', { model: 'ScoreNet' }, 'the scores of the teacher are f32[4, 1]'],
    ['of masks', { model: 'MaskNet' }, 'the scores of the teacher are f32[4, 3, 6, 6]'],
    [
      'with an unknown hint',
      { hints: [{ student: 'bn3', teacher: 'bn1', weight: 1 }] },
      'nothing is computed under `bn3` of the student',
    ],
    [
      'with maps of other sizes',
      { hints: [{ student: 'bn1', teacher: 'bn2', weight: 1 }] },
      "`bn1` is f32[4, 4, 6, 6] and the teacher's `bn2` f32[4, 6, 3, 3]",
    ],
  ];
  it.each(faults)('is refused: %s', (_, { model, ...changed }, message) => {
    const { weights: __, ...options } = optionsOf(named('scores'));
    const teacher = options.teacher && {
      ...options.teacher,
      ...changed,
      ...(model === undefined ? {} : { graph: graphOf('distill-nets.cnn', model), weights: new Map() }),
    };
    let fault: unknown;
    try {
      checkTrainingStep({ ...options, teacher });
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(TrainingFault);
    expect((fault as TrainingFault).message).toBe(message);
    expect(['teacher', 'hints']).toContain((fault as TrainingFault).setting);
  });
});
