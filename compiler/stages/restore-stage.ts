/** Staged models: as the source declares them, and as a stage's folder has them. */
import { loadWeights } from '../weights.ts';
import type { SourceModel } from '../cli/source-model.ts';
import type { Tensor } from '../ir/type.ts';
import { readStageWeights, type StageFolder } from './stage-folder.ts';
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

/** What a finished stage made, on the declared model of now. Throws as `readStageWeights` and `loadWeights` do. */
export async function restoreStage(source: SourceModel, folder: StageFolder): Promise<StagedModel> {
  const stored = await readStageWeights(folder);
  const { quantization } = folder.record;
  const shaped = declaredStage(source, new Map());
  const weights = loadWeights(folder.path, stored, shaped.parameters, { bufferNames: source.built.bufferNames });
  return { ...shaped, weights, ...(quantization ? { quantization } : {}) };
}
