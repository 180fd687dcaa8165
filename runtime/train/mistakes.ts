/** The mistakes that a network was surest of: what a person looks at first, since labels are wrong there, or the network. */
import type { HostTensor } from '../host-tensor.ts';
import { isCounted, type MetricTarget } from './metrics.ts';

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
    add({ shape, data }, labels, count) {
      const classes = shape[1] ?? 1;
      const found: Mistake[] = [];
      for (let sample = 0; sample < count; sample++, position++) {
        const label = labels.data[sample] ?? -1;
        const { predicted, probability } = surest(data.subarray(sample * classes, (sample + 1) * classes));
        if (isCounted(target, label) && predicted !== label && Number.isFinite(probability))
          found.push({ position, label, predicted, probability });
      }
      worst = [...worst, ...found].toSorted((a, b) => b.probability - a.probability).slice(0, most);
    },
    worst: () => worst,
  };
}

/** Softmax of the scores, or the sigmoid of a single one; scores that are a distribution already stay as they are. */
function surest(scores: Float32Array): Pick<Mistake, 'predicted' | 'probability'> {
  const [first = NaN] = scores;
  if (scores.length === 1) {
    const positive = 1 / (1 + Math.exp(-first));
    return first > 0 ? { predicted: 1, probability: positive } : { predicted: 0, probability: 1 - positive };
  }
  let predicted = 0;
  for (let at = 1; at < scores.length; at++) if ((scores[at] ?? NaN) > (scores[predicted] ?? NaN)) predicted = at;
  const top = scores[predicted] ?? NaN;
  const sum = scores.reduce((total, score) => total + score, 0);
  const isDistribution = Math.abs(sum - 1) < 1e-4 && scores.every((score) => score >= 0);
  if (isDistribution) return { predicted, probability: top };
  const parts = scores.reduce((total, score) => total + Math.exp(score - top), 0);
  return { predicted, probability: 1 / parts };
}
