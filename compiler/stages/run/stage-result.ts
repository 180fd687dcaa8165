/** What a stage made, in the form that `compileModel` takes. */
import { budgetsFor } from '../../analyze/directives/model-directives.ts';
import type { CompileModelOptions } from '../../driver/compile-model.ts';
import type { ModelWeights } from '../../driver/model-weights.ts';
import type { SourceModel } from '../../driver/project.ts';
import { restoreStage } from './restore-stage.ts';
import type { StageFigures } from './stage-context.ts';
import { readStageFolder, type StageFolder } from './stage-folder.ts';
import type { StageNode } from './stage-graph.ts';
import type { StageSetup } from './stage-setup.ts';
import type { StagedModel } from './staged-model.ts';

/** `compileModel(result.source, result.weights, result)` is its artifact. */
export interface StageModel extends Pick<CompileModelOptions, 'quantization' | 'stage' | 'references'> {
  /** The declared model with the layers, parameters and classes of what the stage made, and the budgets of the stage. */
  readonly source: SourceModel;
  readonly weights: ModelWeights;
}

export interface Made {
  readonly model: StagedModel;
  readonly figures: StageFigures;
  /** Where its weights come from, for people. */
  readonly label: string;
  readonly notes?: readonly string[];
}

/** `stages`: those whose accuracies budgets may measure drops against. */
export async function stageModel(
  setup: StageSetup,
  stage: StageNode,
  stages: readonly StageNode[],
  declared: SourceModel,
  { model, figures, label, notes = [] }: Made,
): Promise<StageModel> {
  const accuracies = await accuraciesOf(setup, stages);
  return {
    source: {
      ...declared,
      graph: model.graph,
      preprocess: model.preprocess,
      model: { ...declared.model, budgets: budgetsFor(stage.name, setup.program.directives) },
      built: { ...declared.built, graph: model.graph, parameters: model.parameters },
    },
    weights: { weights: model.weights, source: label, notes },
    quantization: model.quantization,
    stage: { name: stage.name, figures },
    references: (name) => accuracies.get(name),
  };
}

/** What lies in the folder of a stage that is done. Throws as `restoreStage` does. */
export async function restored(stage: StageNode, declared: SourceModel, folder: StageFolder): Promise<Made> {
  const model = await restoreStage(declared, folder);
  return { model, figures: folder.record.figures, label: `stage ${stage.name}, ${folder.path}` };
}

/** The validation accuracies of stages that are done, for `drop(stage)`. */
async function accuraciesOf(setup: StageSetup, stages: readonly StageNode[]): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for (const stage of stages) {
    const folder = await readStageFolder(setup.folderOf(stage));
    const accuracy = folder?.record.figures['val.accuracy'];
    if (accuracy !== undefined) found.set(stage.name, accuracy);
  }
  return found;
}
