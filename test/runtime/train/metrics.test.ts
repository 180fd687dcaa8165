/** Metrics with values worked out by hand. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostTensor } from '../../../runtime/host-tensor.ts';
import { createMeter, diceOfClasses, iouOfClasses, type MetricTarget } from '../../../runtime/train/loop/metrics.ts';
import { faultOf } from '../fault.ts';

const tensor = (values: readonly number[], shape: readonly number[] = [values.length]): HostTensor => ({
  shape,
  data: Float32Array.from(values),
});

const outputs = (prediction: HostTensor, more: { loss?: number; weight?: number; scores?: HostTensor } = {}) => ({
  loss: tensor([more.loss ?? 1], [1, 1]),
  weight: tensor([more.weight ?? prediction.data.length], [1, 1]),
  prediction,
  ...(more.scores ? { scores: more.scores } : {}),
});
const classes = (count: number): MetricTarget => ({ kind: 'class', classes: count });

it('averages the loss by weight, over batches of any size', () => {
  const meter = createMeter(classes(2), []);
  meter.add(outputs(tensor([0, 0, 0, 0]), { loss: 1 }), tensor([0, 0, 0, 0]), 4);
  meter.add(outputs(tensor([0, 0, 0, 0]), { loss: 3, weight: 1 }), tensor([0, 0, 0, 0]), 1);
  meter.add(outputs(tensor([0, 0, 0, 0]), { loss: NaN, weight: 0 }), tensor([-1, -1, 0, 0]), 2);
  expect(meter.result().values).toEqual({ loss: (4 * 1 + 3) / 5 });
});

it('of nothing are NaN', () => {
  const { values, labels } = createMeter(classes(3), ['accuracy', 'mean_iou', 'dice', 'top5_accuracy']).result();
  expect(Object.values(values)).toEqual([NaN, NaN, NaN, NaN, NaN]);
  expect(labels).toBe(0);
});

describe('of classes', () => {
  //                     labels 0 0 0 1 1 2 ; predicted 0 0 1 1 0 2, and four classes of which the last is absent
  const measure = (names: readonly string[]) => {
    const meter = createMeter(classes(4), names);
    meter.add(outputs(tensor([0, 0, 1, 3])), tensor([0, 0, 0, 3]), 3);
    meter.add(outputs(tensor([1, 0, 2, 0])), tensor([1, 1, 2, -1]), 4);
    return meter.result();
  };

  it('accuracy and the confusion matrix', () => {
    const { values, confusion, labels } = measure(['accuracy']);
    expect(values['accuracy']).toBeCloseTo(4 / 6, 15);
    expect([...confusion.counts]).toEqual([2, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    expect(labels).toBe(6);
  });

  it('intersection over union and dice, without absent classes', () => {
    const { values, confusion } = measure(['mean_iou', 'dice']);
    expect(iouOfClasses(confusion)).toEqual([2 / 4, 1 / 3, 1, NaN]);
    expect(values['mean_iou']).toBeCloseTo((2 / 4 + 1 / 3 + 1) / 3, 15);
    expect(diceOfClasses(confusion)).toEqual([4 / 6, 2 / 4, 1, NaN]);
    expect(values['dice']).toBeCloseTo((4 / 6 + 2 / 4 + 1) / 3, 15);
  });

  it('the top five', () => {
    const meter = createMeter(classes(7), ['top5_accuracy']);
    const scores = tensor(
      [
        // Label 1 is fifth, label 0 sixth, label 5 ties with lower classes and is sixth, label 0 wins its ties.
        [0, 3, 9, 8, 7, 6, 1],
        [2, 3, 9, 8, 7, 6, 1],
        [1, 1, 1, 1, 1, 1, 1],
        [1, 1, 1, 1, 1, 1, 1],
        [NaN, NaN, NaN, NaN, NaN, NaN, NaN],
      ].flat(),
      [5, 7],
    );
    meter.add(outputs(tensor([2, 2, 0, 0, 0]), { scores }), tensor([1, 0, 5, 0, 0]), 5);
    expect(meter.result().values['top5_accuracy']).toBeCloseTo(2 / 5, 15);
  });

  it('the top five of four classes is all of them', () => {
    const meter = createMeter(classes(4), ['top5_accuracy']);
    meter.add(outputs(tensor([3]), { scores: tensor([0, 1, 2, 3], [1, 4]) }), tensor([0]), 1);
    expect(meter.result().values['top5_accuracy']).toBe(1);
  });
});

describe('of masks', () => {
  it('leave the ignored class and unknown labels out', () => {
    const meter = createMeter({ kind: 'mask', classes: 3, ignore: 2 }, ['pixel_accuracy', 'mean_iou', 'dice']);
    const labels = tensor([0, 0, 2, 1, 255, -1, 1, 1, 0, 0, 0, 0], [3, 2, 2]);
    const found = tensor([0, 1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1], [3, 2, 2]);
    meter.add(outputs(found), labels, 2);
    const { values, labels: counted } = meter.result();
    expect(counted).toBe(5);
    expect(values['pixel_accuracy']).toBeCloseTo(3 / 5, 15);
    expect(values['mean_iou']).toBeCloseTo((1 / 3 + 2 / 4) / 2, 15);
    expect(values['dice']).toBeCloseTo((2 / 4 + 4 / 6) / 2, 15);
  });

  it('have no overlap of the ignored class, wherever it is predicted', () => {
    // Three classes, the last one ignored; predicted on pixels that count and on pixels that do not.
    const meter = createMeter({ kind: 'mask', classes: 3, ignore: 2 }, ['pixel_accuracy', 'mean_iou', 'dice']);
    const labels = tensor([0, 0, 0, 0, 1, 1, 2, 2, 2], [1, 3, 3]);
    const found = tensor([0, 0, 0, 2, 1, 2, 2, 0, 1], [1, 3, 3]);
    meter.add(outputs(found), labels, 1);
    const { values, confusion } = meter.result();
    // Class 0: 3 of 4 labelled, nothing else predicted as it; class 1: 1 of 2.
    expect(iouOfClasses(confusion)).toEqual([3 / 4, 1 / 2, NaN]);
    expect(diceOfClasses(confusion)).toEqual([6 / 7, 2 / 3, NaN]);
    expect(values['mean_iou']).toBeCloseTo((3 / 4 + 1 / 2) / 2, 15);
    expect(values['dice']).toBeCloseTo((6 / 7 + 2 / 3) / 2, 15);
    expect(values['pixel_accuracy']).toBeCloseTo(4 / 6, 15);
  });

  it('leave out a class that is neither labelled nor predicted, and keep one that is only predicted', () => {
    const meter = createMeter({ kind: 'mask', classes: 4, ignore: 255 }, ['mean_iou']);
    meter.add(outputs(tensor([0, 1, 1, 0], [1, 2, 2])), tensor([0, 0, 255, 255], [1, 2, 2]), 1);
    const { values, confusion } = meter.result();
    expect(iouOfClasses(confusion)).toEqual([1 / 2, 0, NaN, NaN]);
    expect(values['mean_iou']).toBeCloseTo((1 / 2 + 0) / 2, 15);
  });
});

it('do not depend on how samples are split into batches', () => {
  const sample = fc.record({ label: fc.integer({ min: -1, max: 3 }), found: fc.nat(2) });
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 7 }), (samples, size) => {
      const run = (batch: number) => {
        const meter = createMeter(classes(3), ['accuracy', 'mean_iou', 'dice']);
        for (let at = 0; at < samples.length; at += batch) {
          const part = samples.slice(at, at + batch);
          const filled = [...part, ...Array.from({ length: batch - part.length }, () => ({ label: 0, found: 0 }))];
          const of = (key: 'label' | 'found') => tensor(filled.map((each) => each[key]));
          meter.add(outputs(of('found'), { weight: part.length }), of('label'), part.length);
        }
        return meter.result();
      };
      expect(run(size)).toEqual(run(samples.length));
    }),
  );
});

it.each([
  [classes(3), 'top3_accuracy', 'E0910: top3_accuracy is no metric of a class target'],
  [{ kind: 'mask', classes: 3 } as const, 'top5_accuracy', 'E0910: top5_accuracy is no metric of a mask target'],
])('%j has no %s', (target, name, fault) => {
  expect(faultOf(() => createMeter(target, [name]))).toBe(fault);
});

it('need the outputs of the program', () => {
  const meter = createMeter(classes(3), ['top5_accuracy']);
  expect(faultOf(() => meter.add(outputs(tensor([1])), tensor([1]), 1))).toBe(
    'E0715: the program evaluate gives no scores',
  );
});
