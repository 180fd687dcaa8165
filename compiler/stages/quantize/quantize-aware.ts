/** Quantization-aware training: the weights learn to be rounded, with scales of values that are found already. */
import { bindParameters } from '../../passes/bind-parameters.ts';
import { foldedWeights } from '../../passes/int8/folded-weights.ts';
import { insertQdq, type QdqOptions } from '../../passes/int8/insert-qdq.ts';
import { int8Preparation, runPipeline } from '../../passes/pipelines.ts';
import { isParameter } from '../../ir/leaves.ts';
import { topologicalOrder } from '../../ir/node.ts';
import { quantizedForm } from '../../train/quantized-form.ts';
import type { StageContext, StageFigures } from '../run/stage-context.ts';
import type { StagedModel } from '../run/staged-model.ts';
import { compileTrainStage } from '../train/from-directive.ts';
import { trainingSource } from '../train/train-stage.ts';
import { trainingDirective } from '../train/training-directive.ts';

/**
 * The network as quantization-aware training sees it: batch norms folded, weights and values rounded at the places and
 * with the scales that int8 will have. Its parameters are some of the model's, and its weights all of them, folded: they
 * are weights of the declared network too.
 */
export function quantizationAware(model: StagedModel, options: QdqOptions): StagedModel {
  const { weights, biases } = foldedWeights(model.graph, model.weights);
  const prepared = runPipeline(bindParameters.run(model.graph, { parameters: weights }), int8Preparation);
  const { perTensorWeights } = options;
  const graph = quantizedForm(insertQdq.run(prepared, options), { weights, biases, perTensorWeights });
  const names = new Set(topologicalOrder(graph).flatMap((node) => (isParameter(node) ? node.attrs.name : [])));
  return { ...model, graph, weights, parameters: model.parameters.filter(({ name }) => names.has(name)) };
}

/**
 * Trains with the settings of the directive's group `finetune`, in a folder of that name. The result is the model with
 * new weights; lowered to int8 with the same options, it computes what was trained.
 */
export async function trainQuantizationAware(
  model: StagedModel,
  options: QdqOptions,
  context: StageContext,
): Promise<{ readonly model: StagedModel; readonly figures: StageFigures }> {
  const aware = quantizationAware(model, options);
  const source = trainingSource(aware, trainingDirective(context.stage, 'finetune'), context);
  const compile = (isFused: boolean) => compileTrainStage(source, context.overrides, { isFused });
  const { weights, result } = await context.train(compile, 'finetune');
  return {
    model: { ...model, weights: new Map([...aware.weights, ...weights]) },
    figures: { steps: result.state.step, epochs: result.state.epoch },
  };
}
