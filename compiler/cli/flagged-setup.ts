/** What the flags of commands that look at stages mean. */
import { folderIn, type StageSetup } from '../stages/stage-setup.ts';
import type { Context } from './command.ts';
import type { StageFlags } from './stage-flags.ts';
import type { StageSource } from './stage-source.ts';
import { overridesOf } from './train-overrides.ts';

export const setupOf = (context: Pick<Context, 'seed'>, { program }: StageSource, flags: StageFlags): StageSetup => ({
  program,
  arguments: flags.P,
  overrides: overridesOf(context, flags),
  weights: undefined,
  folderOf: folderIn(flags.runs),
});
