/** Which layers stay in float32 so that accuracy holds: the most sensitive ones first. */
import type { HostTensor } from '../../../runtime/host-tensor.ts';
import type { Recipe } from '../../../runtime/train/recipe.ts';
import { createMeter, scored } from '../../../runtime/train/loop/metrics.ts';
import type { Artifact } from '../../../runtime/artifact.ts';
import { freshValues, runOver, type Observer } from './observe.ts';

/** What a network scores on the samples. */
export interface Scores {
  readonly accuracy: number;
  /** Of all samples, in their order. */
  readonly values: readonly Float32Array[];
}

/** A layer, and the signal to quantization noise of the scores in decibels where it alone is int8. */
export interface Sensitivity {
  readonly path: string;
  readonly sqnr: number;
}

/** Collects scores batch by batch. */
export interface ScoreMeter {
  add(scores: HostTensor, fresh: number, labels: HostTensor): void;
  result(): Scores;
}

export function createScoreMeter(target: Recipe['target']): ScoreMeter {
  const meter = createMeter(target, ['accuracy']);
  const values: Float32Array[] = [];
  return {
    add(scores, fresh, labels) {
      values.push(freshValues(scores, fresh).slice());
      meter.add(scored(scores), labels, fresh);
    },
    result: () => ({ accuracy: meter.result().values['accuracy'] ?? NaN, values }),
  };
}

/** Accuracy and scores of the first output. */
export async function scoresOf(
  observer: Observer,
  artifact: Artifact,
  target: Recipe['target'],
  what: string,
): Promise<Scores> {
  const meter = createScoreMeter(target);
  await runOver(observer, artifact, what, (outputs, fresh, labels) => {
    const [scores] = Object.values(outputs);
    if (scores) meter.add(scores, fresh, labels);
  });
  return meter.result();
}

/** `10 log10(sum x^2 / sum (x - y)^2)`; infinite where nothing differs. */
export function sqnr(wanted: readonly Float32Array[], actual: readonly Float32Array[]): number {
  let [signal, noise] = [0, 0];
  for (const [index, values] of wanted.entries()) {
    for (const [at, value] of values.entries()) {
      signal += value ** 2;
      noise += (value - (actual[index]?.[at] ?? NaN)) ** 2;
    }
  }
  return 10 * Math.log10(signal / noise);
}

export interface Search {
  /** Layers that may be int8, by path. */
  readonly layers: readonly string[];
  /** Scores of the network where only these layers are in float32. */
  readonly evaluate: (keepFloat: readonly string[], what: string) => Promise<Scores>;
  readonly float: Scores;
  /** Accuracy that may be lost. */
  readonly drop: number;
}

export interface Found {
  /** Layers that stay in float32, the most sensitive one first. */
  readonly kept: readonly Sensitivity[];
  readonly scores: Scores;
  readonly holds: boolean;
}

/**
 * Keeps one layer more in float32 until accuracy on the samples is within `drop` of that of float32. Layers go by
 * sensitivity: the SQNR of the scores where that layer alone is int8, lowest first. Sensitivities are measured once, so
 * the search is greedy: a smaller set of other layers may hold as well.
 */
export async function keepSensitive(
  { layers, evaluate, float, drop }: Search,
  given: readonly string[],
): Promise<Found> {
  let scores = await evaluate(given, 'int8');
  const holds = (): boolean => float.accuracy - scores.accuracy <= drop + 1e-12;
  const kept: Sensitivity[] = [];
  if (holds()) return { kept, scores, holds: true };
  const sensitivities: Sensitivity[] = [];
  for (const path of layers) {
    const others = [...given, ...layers.filter((layer) => layer !== path)];
    const alone = await evaluate(others, `sensitivity of ${path}`);
    sensitivities.push({ path, sqnr: sqnr(float.values, alone.values) });
  }
  for (const layer of sensitivities.toSorted((a, b) => a.sqnr - b.sqnr)) {
    kept.push(layer);
    scores = await evaluate([...given, ...kept.map(({ path }) => path)], `int8 without ${layer.path}`);
    if (holds()) return { kept, scores, holds: true };
  }
  return { kept, scores, holds: false };
}
