/** What flags say of a training besides the settings of its directive. */
import { parseDataArgument } from '../../runtime/node/datasets/open-dataset.ts';
import type { RecipeOverrides } from '../stages/train/recipe.ts';
import type { Context } from './command.ts';

export interface OverrideFlags {
  readonly data?: string | undefined;
  readonly limitBatches?: number | undefined;
}

/** The seed 0 is that of the directive. */
export function overridesOf({ seed }: Pick<Context, 'seed'>, { data, limitBatches }: OverrideFlags): RecipeOverrides {
  const given = data === undefined ? {} : { data: parseDataArgument(data) };
  return { seed: seed === 0 ? undefined : seed, limitBatches, ...given };
}
