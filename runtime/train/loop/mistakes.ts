/** The mistakes that a network was surest of: what a person looks at first, since labels are wrong there, or the network. */
import type { HostTensor } from '../../host-tensor.ts';
import { softmax } from '../../softmax.ts';
import { isCounted, predictedClasses, type MetricTarget } from './metrics.ts';

export interface Mistake {
  /** Of the sample in its split. */
  readonly position: number;
  readonly label: number;
  readonly predicted: number;
  /** What the scores give the predicted class, 0..1. */
  readonly probability: number;
}

export interface MistakeCollector {
  /** Scores `[B, classes]` and labels `[B]` of the next batch, of which the first `count` samples are looked at. */
  add(scores: HostTensor, labels: HostTensor, count: number): void;
  /** The surest first. */
  worst(): readonly Mistake[];
}

/** Keeps the `most` mistakes with the highest probabilities; of equal ones the first. */
export function collectMistakes(target: MetricTarget, most: number): MistakeCollector {
  let worst: readonly Mistake[] = [];
  let position = 0;
  return {
    add(scores, labels, count) {
      const classes = scores.shape[1] ?? 1;
      const predictions = predictedClasses(scores).data;
      const found: Mistake[] = [];
      for (let sample = 0; sample < count; sample++, position++) {
        const label = labels.data[sample] ?? -1;
        const predicted = predictions[sample] ?? -1;
        if (predicted === label || !isCounted(target, label)) continue;
        const probability = probabilityOf(scores.data.subarray(sample * classes, (sample + 1) * classes), predicted);
        if (Number.isFinite(probability)) found.push({ position, label, predicted, probability });
      }
      worst = [...worst, ...found].toSorted((a, b) => b.probability - a.probability).slice(0, most);
    },
    worst: () => worst,
  };
}

/** What scores give a class: softmax, or the sigmoid of a single one; a distribution is taken as it is. */
function probabilityOf(scores: Float32Array, at: number): number {
  const [first = NaN] = scores;
  if (scores.length === 1) return 1 / (1 + Math.exp(at === 1 ? -first : first));
  const sum = scores.reduce((total, score) => total + score, 0);
  const isDistribution = Math.abs(sum - 1) < 1e-4 && scores.every((score) => score >= 0);
  return (isDistribution ? scores : softmax(scores))[at] ?? NaN;
}
