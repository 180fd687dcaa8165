/** What pruning measures on data: gradients that rank channels, and the statistics of batch norms afterwards. */
import type { OpenedDevice } from '../../../runtime/node/device/device.ts';
import type { Recipe } from '../../../runtime/train/recipe.ts';
import type { SplitName } from '../../../runtime/train/splits.ts';
import type { CheckedDirective } from '../../analyze/index.ts';
import type { Tensor } from '../../ir/type.ts';
import { boundModel } from '../../train/bound-model.ts';
import { normalisationsOf } from '../../train/training-form.ts';
import { partOf } from './check-prune.ts';
import { momentsGraph, statisticsMeter, type MomentsGraph } from './batch-norm-statistics.ts';
import { gradientMeter, gradientsGraph, type GradientsGraph } from './loss-gradients.ts';
import { PruneFault, type PruneSettings } from './prune-settings.ts';
import { runOnSamples, type SamplesOptions } from './run-on-samples.ts';
import type { StageContext } from '../run/stage-context.ts';
import type { StagedModel } from '../run/staged-model.ts';
import { defaultLoss, draftRecipe, imageSizeOf } from '../train/from-directive.ts';
import { trainingSource } from '../train/train-stage.ts';
import { learningOf } from '../train/training-settings.ts';

export interface Measuring {
  /** With the settings of the training: its own, of `finetune`, and those of the stages before. */
  readonly directive: CheckedDirective;
  readonly settings: PruneSettings;
  readonly context: StageContext;
}

/** The image of a model and the samples that it is measured on. */
function samplesOptions(
  model: StagedModel,
  { directive, context }: Measuring,
  recipe: Recipe,
  split: SplitName,
  samples: number,
): SamplesOptions {
  const { image } = boundModel({ graph: model.graph, batch: recipe.batch, imageSize: imageSizeOf(directive) });
  const [, channels = 1, height = 1, width = 1] = image.attrs.shape.map(Number);
  const input = { name: image.attrs.name, shape: [channels, height, width] as const };
  return { model: model.name, recipe, preprocess: model.preprocess, split, samples, input, signal: context.signal };
}

/** Gradients of the loss on training data, where the criterion asks for them. Throws a PruneFault without data. */
export async function measureGradients(
  model: StagedModel,
  measuring: Measuring,
): Promise<ReadonlyMap<string, Tensor> | undefined> {
  const { directive, settings, context } = measuring;
  const { criterion } = settings;
  if (criterion.kind !== 'taylor') return undefined;
  if (!directive.settings.has('data')) {
    throw new PruneFault('criterion', '`taylor` needs data', 'add `data = NAME`, a dataset of this file');
  }
  const { graph, parameters, weights } = model;
  const recipe = draftRecipe(trainingSource(model, directive, context), context.overrides, []);
  const wanted = {
    graph,
    weights,
    learnt: parameters.filter(({ trainable }) => trainable).map(({ name }) => name),
    imageSize: imageSizeOf(directive),
    target: recipe.target,
    loss: learningOf(directive).loss ?? [defaultLoss(graph)],
  };
  let built: GradientsGraph | undefined;
  let meter = gradientMeter(new Map());
  const graphFor = (batch: number) => {
    built = gradientsGraph(wanted, batch);
    meter = gradientMeter(built.names);
    return built.graph;
  };
  const options = samplesOptions(model, measuring, recipe, 'train', criterion.samples);
  context.reporter.progress(`${context.stage.name}: gradients of ${criterion.samples} samples`);
  await runOnSamples(await context.device(), options, graphFor, (outputs) => meter.add(outputs));
  context.reporter.progress('');
  return meter.result();
}

/** The model with the statistics of its batch norms measured again; as it is where it has none, or none are wanted. */
export async function reestimated(model: StagedModel, measuring: Measuring): Promise<StagedModel> {
  const { directive, settings, context } = measuring;
  const { samples, split: named } = settings.reestimate;
  if (samples === 0 || normalisationsOf(model.graph).length === 0) return model;
  const { name, split } = partOf(named, directive);
  if (name === undefined) {
    context.reporter.note(`${context.stage.name}: no data is named, so that batch norms keep their statistics`);
    return model;
  }
  const withData = new Map(directive.settings);
  withData.set('data', { kind: 'name', value: name, span: directive.declaration.word.span });
  const source = trainingSource(model, { ...directive, settings: withData }, context);
  const recipe = draftRecipe(source, context.overrides, []);
  const options = samplesOptions(model, measuring, recipe, split, samples);
  const statistics = await measuredStatistics(await context.device(), model, measuring, options);
  return { ...model, weights: new Map([...model.weights, ...statistics]) };
}

async function measuredStatistics(
  opened: OpenedDevice,
  { graph, weights }: StagedModel,
  { directive, context }: Measuring,
  options: SamplesOptions,
): Promise<ReadonlyMap<string, Tensor>> {
  let built: MomentsGraph | undefined;
  let meter = statisticsMeter(new Map());
  const graphFor = (batch: number) => {
    built = momentsGraph(graph, weights, batch, imageSizeOf(directive));
    meter = statisticsMeter(built.norms);
    return built.graph;
  };
  context.reporter.progress(`${context.stage.name}: batch norms on ${options.samples} samples`);
  const batches = await runOnSamples(opened, options, graphFor, (outputs) => meter.add(outputs));
  context.reporter.progress('');
  return meter.result(batches);
}
