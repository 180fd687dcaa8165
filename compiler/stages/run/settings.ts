/** What is written in a directive, where it matters that it is; what holds is told by `complete` (`analyze/`). */
import type { Setting, Settings } from '../../analyze/directives/directive-values.ts';

/** A choice, a metric or a reference; also a string. */
export const textOf = (setting: Setting | undefined): string | undefined =>
  setting?.kind === 'string' || setting?.kind === 'name' ? setting.value : undefined;

export const groupOf = (setting: Setting | undefined): Settings | undefined =>
  setting?.kind === 'group' ? setting.entries : undefined;
