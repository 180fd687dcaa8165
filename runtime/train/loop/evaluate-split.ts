/** Measures a split with the program `evaluate`, without touching the training state. */
import type { HostTensor } from '../../host-tensor.ts';
import { createMeter, type Measured } from './metrics.ts';
import { collectMistakes, type Mistake } from './mistakes.ts';
import type { Recipe } from '../recipe.ts';
import type { Batch, BatchSource, StepSession } from './training-run.ts';

export interface SplitEvaluation {
  readonly session: Pick<StepSession, 'evaluate'>;
  readonly source: Pick<BatchSource, 'epoch'>;
  readonly target: Recipe['target'];
  /** Besides `loss`. */
  readonly metrics: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

export interface MeasuredSplit extends Measured {
  /** The surest mistakes; none where each pixel has a class. */
  readonly mistakes: readonly Mistake[];
}

/** As many as a report shows. */
const mostMistakes = 9;

/** Loss and metrics over all samples; undefined where the signal ended it before. Throws E0910, and E0906 for batches. */
export async function evaluateSplit(evaluation: SplitEvaluation): Promise<MeasuredSplit | undefined> {
  const { session, source, target, metrics, signal } = evaluation;
  const meter = createMeter(target, metrics);
  const mistakes = collectMistakes(target, mostMistakes);
  for await (const batch of source.epoch(0, 0)) {
    if (signal?.aborted) return undefined;
    const labels = batch.inputs['labels'] ?? { shape: [0], data: new Float32Array() };
    const outputs = await session.evaluate({ valid: validOf(batch, labels), ...batch.inputs });
    meter.add(outputs, labels, batch.count);
    const { scores } = outputs;
    if (scores && target.kind === 'class') mistakes.add(scores, labels, batch.count);
  }
  return signal?.aborted ? undefined : { ...meter.result(), mistakes: mistakes.worst() };
}

/** One for each sample, zero for those that only fill the batch up. */
function validOf({ count }: Batch, labels: HostTensor): HostTensor {
  const size = labels.shape[0] ?? 0;
  return { shape: [size], data: Float32Array.from({ length: size }, (_, at) => (at < count ? 1 : 0)) };
}
