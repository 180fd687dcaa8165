/** Staged models: as the source declares them, and as a stage's folder has them. */
import { settleNames } from '../../../runtime/class-names.ts';
import { loadWeights } from '../../driver/load-weights.ts';
import type { SourceModel } from '../../driver/project.ts';
import type { Tensor } from '../../ir/type.ts';
import { keptParameters, rebuildPruned, type ChannelRecord } from '../../passes/channels/index.ts';
import { damagedStage, readStageWeights, type StageFolder } from './stage-folder.ts';
import { withNames } from '../../driver/compile-model.ts';
import type { StagedModel } from './staged-model.ts';

export const declaredStage = (
  { model, program, graph, built, preprocess }: SourceModel,
  weights: ReadonlyMap<string, Tensor>,
): StagedModel => ({
  name: model.name,
  source: program.file.path,
  graph,
  parameters: built.parameters,
  weights,
  preprocess,
  guards: built.facts,
});

/**
 * What a finished stage made, on the declared model of now. Throws as `readStageWeights` and `loadWeights` do, and E0724
 * where the record does not fit the model.
 */
export async function restoreStage(source: SourceModel, folder: StageFolder): Promise<StagedModel> {
  const stored = await readStageWeights(folder);
  const { channels, quantization, classNames: carried, name } = folder.record;
  const shaped = shapedAs(source, channels, folder.path);
  const weights = loadWeights(folder.path, stored, shaped.parameters, { bufferNames: source.built.bufferNames });
  const given = source.preprocess?.labels;
  const { names } = settleNames({ model: source.model.name, weights: `the stage ${name}`, carried, given });
  const preprocess = withNames(source.preprocess, names);
  return { ...shaped, preprocess, weights, ...(quantization ? { quantization } : {}) };
}

/** The same result on the declared model with other sizes, as where a build leaves open what the training bound. */
export const rebased = (source: SourceModel, model: StagedModel): StagedModel => {
  const { graph, parameters, guards } = shapedAs(source, model.channels, model.name);
  return { ...model, graph, parameters, guards };
};

/** The declared model without the channels that pruning took. `path` is for messages. */
function shapedAs(source: SourceModel, channels: ChannelRecord | undefined, path: string): StagedModel {
  const model = declaredStage(source, new Map());
  if (!channels) return model;
  try {
    const parameters = keptParameters(model.parameters, channels);
    return { ...model, graph: rebuildPruned(model.graph, channels).graph, parameters, channels };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw damagedStage(path, `the channels that ${path} records are not those of ${model.name}: ${error.message}`);
  }
}
