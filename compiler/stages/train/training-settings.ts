/** The settings of a training with their defaults, as the builder of the training step takes them. */
import { complete } from '../../analyze/directives/complete.ts';
import { learningFields } from '../../analyze/directives/directive-schema.ts';
import type { Values } from '../../analyze/directives/directive-spec.ts';
import type { Settings } from '../../analyze/directives/directive-values.ts';
import type { Recomputation } from '../../compile/fit-memory.ts';
import type { Regularizer } from '../../train/regularize.ts';

export type LearningSettings = Values<typeof learningFields>;

/** `settings` of any directive that trains, or of a stage that takes them over. */
export const learningOf = ({ settings }: { readonly settings: Settings }): LearningSettings =>
  complete(learningFields, settings);

export const regularizersOf = ({ regularize }: LearningSettings): Regularizer[] => (regularize ? [regularize] : []);

export function recomputationOf({ recompute }: LearningSettings): Recomputation | undefined {
  return recompute?.kind === 'memory' ? { kind: 'memory', bytes: recompute.limit } : recompute;
}
