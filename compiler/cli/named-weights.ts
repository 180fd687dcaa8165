/** Weights with the names of the classes that their scores stand for, as far as anything here tells. */
import { nameList, settleNames } from '../../runtime/class-names.ts';
import type { Context } from './command.ts';
import type { ModelWeights } from './model-weights.ts';
import type { SourceModel } from './source-model.ts';
import type { StageFlags } from './stage-flags.ts';
import { overridesOf } from './train-overrides.ts';

/**
 * Weights and source come first; where neither names the classes, the data of the model's training does, if it lies here.
 * Throws E0714 where two of them name other classes, or another number.
 */
export async function namedWeights(
  context: Pick<Context, 'seed'>,
  source: SourceModel,
  weights: ModelWeights,
  flags: StageFlags,
): Promise<ModelWeights> {
  const { program, model, preprocess } = source;
  const { classNames: carried, source: origin } = weights;
  const given = preprocess?.labels;
  const { note } = settleNames({ model: model.name, weights: origin, carried, given });
  if (note !== undefined) return { ...weights, notes: [...weights.notes, `note: ${note}`] };
  const isTrained = program.directives.some(({ word, target }) => word === 'train' && target === model.name);
  if (carried || given || !isTrained) return weights;
  // What reads data is loaded where it is needed.
  const { namesFromData } = await import('../stages/class-names.ts');
  const setup = { program, arguments: flags.P, overrides: overridesOf(context, flags), weights: undefined };
  const found = await namesFromData({ ...setup, folderOf: () => '' }, source);
  if (!found) return weights;
  const said = `note: scores are named in the order of the data ${found.from}: ${nameList(found.names)}`;
  return { ...weights, classNames: found.names, notes: [...weights.notes, said] };
}
