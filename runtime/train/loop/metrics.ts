/** Metrics of a split, gathered batch by batch from the outputs of the program `evaluate`. */
import { RuntimeFault } from '../../errors.ts';
import type { HostTensor } from '../../host-tensor.ts';
import { metricsOf } from './metric-names.ts';

export interface MetricTarget {
  readonly kind: 'class' | 'mask';
  readonly classes: number;
  /** A label that does not count; labels outside of 0..classes-1 never do. */
  readonly ignore?: number | undefined;
}

/** `counts[label * classes + prediction]`: how often what was predicted. */
export interface Confusion {
  readonly classes: number;
  /** A class that counts for nothing, where it is one of them. */
  readonly ignore?: number | undefined;
  readonly counts: Float64Array;
}

export interface Measured {
  /** By name: `loss` and the metrics asked for. NaN where nothing counts. */
  readonly values: Readonly<Record<string, number>>;
  readonly confusion: Confusion;
  /** Labels that counted. */
  readonly labels: number;
}

export interface Meter {
  /**
   * Outputs of a batch: `loss` [1, 1] is the mean over `weight` [1, 1]; `prediction` [B] or [B, H, W] are classes;
   * `scores` [B, classes] where the top five are asked for. Only the first `count` samples are looked at.
   */
  add(outputs: Readonly<Record<string, HostTensor>>, labels: HostTensor, count: number): void;
  result(): Measured;
}

/** Throws E0910 for a metric that does not exist or that the target does not have. */
export function createMeter(target: MetricTarget, names: readonly string[]): Meter {
  for (const name of names) checkName(target, name);
  const { classes, ignore } = target;
  const confusion: Confusion = { classes, ignore, counts: new Float64Array(classes ** 2) };
  const sums = { loss: 0, weight: 0, inTop5: 0, ranked: 0 };
  return {
    add(outputs, labels, count) {
      const weight = scalarOf(outputs, 'weight');
      // The mean of nothing is NaN and must not reach the sum.
      if (weight !== 0) sums.loss += scalarOf(outputs, 'loss') * weight;
      sums.weight += weight;
      const used = (labels.data.length / Math.max(1, labels.shape[0] ?? 1)) * count;
      countPairs(confusion, target, labels.data.subarray(0, used), tensorOf(outputs, 'prediction').data);
      if (names.includes('top5_accuracy')) {
        const ranked = countTop5(target, labels.data.subarray(0, used), tensorOf(outputs, 'scores').data);
        sums.inTop5 += ranked.hits;
        sums.ranked += ranked.of;
      }
    },
    result() {
      const values: Record<string, number> = { loss: sums.loss / sums.weight };
      for (const name of names) {
        if (name === 'top5_accuracy') values[name] = sums.inTop5 / sums.ranked;
        else if (name !== 'loss') values[name] = (fromConfusion.get(name) ?? accuracy)(confusion);
      }
      return { values, confusion, labels: total(confusion.counts) };
    },
  };
}

/** `[B]` or `[B, H, W]`: the class of the largest score, the lower of equals; of one score, whether it is positive. */
export function predictedClasses({ shape, data }: HostTensor): HostTensor {
  const [batch = 1, classes = 1, ...rest] = shape;
  const pixels = rest.reduce((product, size) => product * size, 1);
  const found = new Float32Array(batch * pixels);
  for (let at = 0; at < found.length; at++) {
    const first = Math.floor(at / pixels) * classes * pixels + (at % pixels);
    if (classes === 1) found[at] = (data[first] ?? 0) > 0 ? 1 : 0;
    for (let index = 1; index < classes; index++) {
      const best = data[first + (found[at] ?? 0) * pixels] ?? NaN;
      if ((data[first + index * pixels] ?? NaN) > best) found[at] = index;
    }
  }
  return { shape: [batch, ...rest], data: found };
}

/** Outputs for a meter from scores alone: no loss is summed with no weight. */
export const scored = (scores: HostTensor): Readonly<Record<string, HostTensor>> => {
  const zero = { shape: [1, 1], data: Float32Array.of(0) };
  return { weight: zero, loss: zero, scores, prediction: predictedClasses(scores) };
};

/** Whether a label takes part in loss and metrics. */
export const isCounted = ({ classes, ignore }: MetricTarget, label: number): boolean =>
  label >= 0 && label < classes && label !== ignore;

/** For each class: how often it was labelled, predicted, and both at once. */
export const countsOfClasses = (confusion: Confusion): readonly ClassCounts[] => perClass(confusion, (each) => each);

/** Share of labels that were predicted. */
export function accuracy(confusion: Confusion): number {
  return total(perClass(confusion, ({ both }) => both)) / total(confusion.counts);
}

/**
 * Intersection over union of each class: `both / (labelled + predicted - both)`; NaN for a class that is neither
 * labelled nor predicted anywhere, and for the one to ignore, which takes no part even where it is predicted.
 */
export const iouOfClasses = (confusion: Confusion): readonly number[] =>
  ofCounted(confusion, ({ both, labelled, predicted }) => both / (labelled + predicted - both));

/** Dice coefficient (F1) of each class: `2 both / (labelled + predicted)`; NaN as for `iouOfClasses`. */
export const diceOfClasses = (confusion: Confusion): readonly number[] =>
  ofCounted(confusion, ({ both, labelled, predicted }) => (2 * both) / (labelled + predicted));

/** Means over the classes that occur in labels or predictions; absent ones are left out, as TensorFlow's MeanIoU does. */
export const meanIou = (confusion: Confusion): number => meanOfPresent(iouOfClasses(confusion));
export const meanDice = (confusion: Confusion): number => meanOfPresent(diceOfClasses(confusion));

const fromConfusion: ReadonlyMap<string, (confusion: Confusion) => number> = new Map([
  ['accuracy', accuracy],
  ['pixel_accuracy', accuracy],
  ['mean_iou', meanIou],
  ['dice', meanDice],
]);

function checkName(target: MetricTarget, name: string): void {
  const ofTarget = metricsOf(target.kind);
  if (ofTarget.includes(name)) return;
  const message = `${name} is no metric of a ${target.kind} target`;
  throw new RuntimeFault('E0910', 'source', message, `there are ${ofTarget.join(', ')}`);
}

function tensorOf(outputs: Readonly<Record<string, HostTensor>>, name: string): HostTensor {
  const tensor = outputs[name];
  if (!tensor) throw new RuntimeFault('E0715', 'input', `the program evaluate gives no ${name}`);
  return tensor;
}

const scalarOf = (outputs: Readonly<Record<string, HostTensor>>, name: string): number =>
  tensorOf(outputs, name).data[0] ?? NaN;

function countPairs({ classes, counts }: Confusion, target: MetricTarget, labels: Float32Array, found: Float32Array) {
  for (let index = 0; index < labels.length; index++) {
    const label = labels[index] ?? -1;
    const at = label * classes + (found[index] ?? 0);
    if (isCounted(target, label)) counts[at] = (counts[at] ?? 0) + 1;
  }
}

/** A label is in the top five where fewer than five scores are greater; of equal scores the lower class leads. */
function countTop5(target: MetricTarget, labels: Float32Array, scores: Float32Array): { hits: number; of: number } {
  let [hits, of] = [0, 0];
  labels.forEach((label, sample) => {
    if (!isCounted(target, label)) return;
    of += 1;
    const row = scores.subarray(sample * target.classes, (sample + 1) * target.classes);
    const own = row[label] ?? NaN;
    const ahead = row.reduce((sum, score, index) => sum + (score > own || (score === own && index < label) ? 1 : 0), 0);
    if (ahead < 5 && !Number.isNaN(own)) hits += 1;
  });
  return { hits, of };
}

/** What was counted of one class. */
export interface ClassCounts {
  readonly both: number;
  readonly labelled: number;
  readonly predicted: number;
}

function perClass<T>({ classes, counts }: Confusion, of: (each: ClassCounts) => T): readonly T[] {
  return Array.from({ length: classes }, (_, at) => {
    let [labelled, predicted] = [0, 0];
    for (let other = 0; other < classes; other++) {
      labelled += counts[at * classes + other] ?? 0;
      predicted += counts[other * classes + at] ?? 0;
    }
    return of({ both: counts[at * classes + at] ?? 0, labelled, predicted });
  });
}

const ofCounted = (confusion: Confusion, of: (each: ClassCounts) => number): readonly number[] =>
  perClass(confusion, of).map((value, index) => (index === confusion.ignore ? NaN : value));

function meanOfPresent(values: readonly number[]): number {
  const present = values.filter((value) => !Number.isNaN(value));
  return total(present) / present.length;
}

function total(values: readonly number[] | Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
