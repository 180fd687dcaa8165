/** Where the names of optimizers, schedules and losses have a meaning. */
import { losses } from '../tables/losses.ts';
import { optimizers } from '../tables/optimizers.ts';
import { schedules } from '../tables/schedules.ts';

/** An entry with each of them, by name. */
export const directiveFunctions: ReadonlyMap<string, string> = new Map([
  ...Object.keys(optimizers).map((name) => [name, `optimizer = ${name}(...)`] as const),
  ...Object.keys(schedules).map((name) => [name, `schedule = ${name}(...)`] as const),
  ...Object.keys(losses).map((name) => [name, `loss = ${name}(...)`] as const),
]);
