/** The one line that says what data a command works on: what was read, how it is divided, what was left out. */
import type { DataAccount } from '../../../runtime/node/data-account.ts';
import type { Reporter } from '../../driver/reporter.ts';

/** A message for people, and an event of type `data`. */
export function tellData(
  output: Pick<Reporter, 'note' | 'event'>,
  line: string,
  { name, what, samples, classes, parts, unused, leftOut }: DataAccount,
  notes: readonly string[],
): void {
  output.note(`data: ${line}`);
  for (const each of notes) output.note(`note: ${each}`);
  const counts = classes && Object.fromEntries(classes.map((each) => [each.name, each.count]));
  output.event({
    type: 'data',
    path: name,
    what,
    samples,
    classes: counts,
    ...parts,
    unused,
    left_out: leftOut,
    notes,
  });
}
