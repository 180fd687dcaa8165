/** The learning-rate schedule of a directive as the recipe has it. */
import type { schedules } from '../../analyze/tables/schedules.ts';
import type { CallOf } from '../../analyze/directives/directive-spec.ts';
import type { Schedule } from '../../../runtime/train/recipe.ts';

/** A length that is not given is left to the trainer, which knows the steps of an epoch. */
export function scheduleOf(call: CallOf<typeof schedules>): Schedule {
  if (!('warmup' in call)) return { base: call };
  const { warmup: length, warmupStart: start, ...base } = call;
  return length.value > 0 ? { warmup: { length, start }, base } : { base };
}
