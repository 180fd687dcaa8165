/** Short runs of small networks against PyTorch: every optimizer, regularizer, clipping, averages, mixup, masks. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { verifyGraph } from '../../compiler/ir/verify.ts';
import { elementCount, type Tensor } from '../../compiler/ir/type.ts';
import { ops } from '../../compiler/ops/index.ts';
import type { TrainingOptions } from '../../compiler/train/training-options.ts';
import { f32 } from '../ops/check-op.ts';
import { graphOf, plainRun, ReferenceTraining, scalar } from './reference-training.ts';

interface Recorded {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Run {
  readonly net: 'ClassNet' | 'MaskNet';
  readonly options: Pick<TrainingOptions, 'optimizer'> & Partial<TrainingOptions> & { readonly ignore?: number };
  readonly lr: readonly number[];
  readonly momenta?: readonly number[];
  readonly loss: readonly number[];
  readonly correct: readonly number[];
  readonly gradNorm: readonly number[];
  readonly evaluated: { readonly loss: number; readonly prediction: Recorded };
  readonly final: Readonly<Record<string, Recorded>>;
}

interface Fixture {
  readonly images: Recorded;
  readonly classes: Recorded;
  readonly others: Recorded;
  readonly masks: Recorded;
  readonly lambdas: readonly number[];
  readonly start: Readonly<Record<string, Readonly<Record<string, Recorded>>>>;
  readonly runs: Readonly<Record<string, Run>>;
}

const fixture = JSON.parse(readFileSync(new URL('../golden/train/runs.json', import.meta.url), 'utf8')) as Fixture;

const at = ({ shape, data }: Recorded, index: number): Tensor => {
  const size = elementCount(shape.slice(1));
  return f32(shape.slice(1), data.slice(index * size, (index + 1) * size));
};

const near = (actual: number | undefined, wanted: number, what: string): void => {
  const difference = Math.abs((actual ?? Number.NaN) - wanted);
  expect(difference, what).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(wanted)));
};

function trainingOf({ net, options: { ignore, ...options } }: Run): ReferenceTraining {
  const start = Object.entries(fixture.start[net] ?? {});
  return new ReferenceTraining({
    ...plainRun,
    graph: graphOf('golden-nets.cnn', net),
    weights: new Map(start.map(([name, { shape, data }]) => [name, f32(shape, data)])),
    batch: 4,
    ...(net === 'MaskNet' ? { imageSize: [6, 6] as const } : {}),
    target: { kind: net === 'MaskNet' ? 'mask' : 'class', classes: 3, ignore },
    ...options,
  });
}

const labelsOf = ({ net }: Run, step: number): Tensor => at(net === 'MaskNet' ? fixture.masks : fixture.classes, step);

describe('a short run', () => {
  it.each(Object.entries(fixture.runs))('equals PyTorch: %s', (_, run) => {
    const training = trainingOf(run);
    const { step, evaluate, state } = training.built;
    expect(verifyGraph(step, ops)).toEqual([]);
    expect(verifyGraph(evaluate, ops)).toEqual([]);
    expect([...step.updates.keys()].toSorted((a, b) => a.id - b.id)).toEqual(
      state.map(({ parameter }) => parameter).toSorted((a, b) => a.id - b.id),
    );
    const sums = [0, 0, 0];
    for (const [index, lr] of run.lr.entries()) {
      const inputs = {
        image: at(fixture.images, index),
        labels: labelsOf(run, index),
        ...(run.options.mixup
          ? { labels2: at(fixture.others, index), lambda: scalar(fixture.lambdas[index] ?? Number.NaN) }
          : {}),
      };
      const outputs = training.step(inputs, { lr, momentum: run.momenta?.[index] });
      const wanted = [run.loss, run.correct, run.gradNorm].map((each) => each[index] ?? Number.NaN);
      for (const [place, name] of ['loss', 'correct', 'gradNorm'].entries()) {
        near(outputs[name]?.data[0], wanted[place] ?? Number.NaN, `${name} of step ${index}`);
        sums[place] = (sums[place] ?? 0) + (wanted[place] ?? 0);
      }
    }
    const tensors = training.tensors();
    for (const [name, { shape, data }] of Object.entries(run.final)) {
      expect(tensors.get(name)?.shape, name).toEqual(shape);
      data.forEach((value, index) => near(tensors.get(name)?.data[index], value, `${name}[${index}]`));
    }
    [...sums, run.lr.length].forEach((sum, index) => near(tensors.get('totals')?.data[index], sum, 'totals'));
  });

  it.each(Object.entries(fixture.runs))('evaluates as PyTorch does: %s', (_, run) => {
    const training = trainingOf(run);
    for (const [index, lr] of run.lr.entries()) {
      const more = run.options.mixup
        ? { labels2: at(fixture.others, index), lambda: scalar(fixture.lambdas[index] ?? Number.NaN) }
        : {};
      const inputs = { image: at(fixture.images, index), labels: labelsOf(run, index), ...more };
      training.step(inputs, { lr, momentum: run.momenta?.[index] });
    }
    const valid = f32([4], [1, 1, 1, 0]);
    const outputs = training.evaluate({ image: at(fixture.images, 0), labels: labelsOf(run, 0), valid });
    near(outputs['loss']?.data[0], run.evaluated.loss, 'loss');
    const { shape, data } = run.evaluated.prediction;
    expect(outputs['prediction']).toEqual(f32(shape, data));
    expect(outputs['scores']?.shape).toEqual(run.net === 'ClassNet' ? [4, 3] : undefined);
  });
});
