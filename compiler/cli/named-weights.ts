/** Weights with the names of the classes that their scores stand for, as far as anything here tells. */
import { nameList, settleNames } from '../../runtime/class-names.ts';
import type { Context } from './command.ts';
import type { ModelWeights } from '../driver/model-weights.ts';
import type { SourceModel } from '../driver/project.ts';
import type { StageFlags } from './stage-flags.ts';
import { overridesOf } from './train-overrides.ts';

/**
 * Weights and source come first; where neither names the classes, the data of the model's training does, if it lies
 * here. A note tells where the order of the scores is the word of the source alone, and the data has another.
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
  if (carried || !isTrained) return weights;
  // What reads data is loaded where it is needed.
  const { namesFromData } = await import('../stages/run/class-names.ts');
  const setup = { program, arguments: flags.P, overrides: overridesOf(context, flags), weights: undefined };
  const found = await namesFromData({ ...setup, folderOf: () => '' }, source);
  if (!found) return weights;
  if (given) {
    const doubt = doubtOf(given, found, model.name);
    return doubt === undefined ? weights : { ...weights, notes: [...weights.notes, doubt] };
  }
  const said = `note: scores are named in the order of the data ${found.from}: ${nameList(found.names)}`;
  return { ...weights, classNames: found.names, notes: [...weights.notes, said] };
}

/** Of weights that name no classes the source alone says which score is whose; the data may make one think otherwise. */
function doubtOf(
  given: readonly string[],
  { names, from }: { readonly names: readonly string[]; readonly from: string },
  model: string,
): string | undefined {
  const known = new Set(names);
  const shared = given.filter((name) => known.has(name));
  const at = names.findIndex((name, index) => name !== shared[index]);
  const called = shared[at];
  if (called === undefined) return undefined;
  return (
    `note: the data ${from} has the classes of ${model} in another order: score ${given.indexOf(called)} is called ` +
    `${called}, as the source says; weights that were learnt in the order of the data have ${names[at]} there`
  );
}
