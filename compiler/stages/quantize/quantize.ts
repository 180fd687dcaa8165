/** The `quantize` stage: ranges from samples, options of int8, and which layers stay in float32. */
import { diagnostic } from '../../../grammar/diagnostics.ts';
import { SourceError } from '../../driver/failure.ts';
import { count as counted } from '../../driver/text.ts';
import type { CheckedDirective } from '../../analyze/index.ts';
import type { Recipe } from '../../../runtime/train/recipe.ts';
import type { Artifact } from '../../../runtime/artifact.ts';
import { topologicalOrder, type Graph } from '../../ir/node.ts';
import { languageName } from '../../ir/op-names.ts';
import { isInput } from '../../ir/leaves.ts';
import { bindParameters } from '../../passes/bind-parameters.ts';
import { biasErrorGraph } from '../../passes/int8/correct-bias.ts';
import { unequalized } from '../../passes/int8/equalize.ts';
import { planInt8, type Int8Plan } from '../../passes/int8/plan.ts';
import { int8Preparation, measuredPasses, runPipeline, type Int8Options } from '../../passes/pipelines.ts';
import { isExcepted } from '../../train/regularize.ts';
import { openCalibration } from './calibration-data.ts';
import { compileStage } from '../run/compile-stage.ts';
import { recordOf } from '../../passes/int8/record.ts';
import { createScoreMeter, keepSensitive, scoresOf, sqnr, type Scores } from './mixed-precision.ts';
import { observeMeans, observeRanges, type Observer, type RangeOptions } from './observe.ts';
import { trainQuantizationAware } from './quantize-aware.ts';
import { checkQuantizeStage, quantizeSettings, type QuantizeSettings } from './quantize-settings.ts';
import type { StageContext, StageFigures, StageResult } from '../run/stage-context.ts';
import type { StagedModel } from '../run/staged-model.ts';
import { draftRecipe } from '../train/from-directive.ts';
import { trainingSource } from '../train/train-stage.ts';
import { trainingDirective } from '../train/training-directive.ts';

/** Numbers of all outputs of one calibration batch; 64 MiB of float32. */
const mostNumbers = 2 ** 24;
const mostSamples = 32;

interface Quantizing {
  readonly input: StagedModel;
  readonly directive: CheckedDirective;
  readonly context: StageContext;
  readonly settings: QuantizeSettings;
  readonly observer: Observer;
  readonly recipe: Recipe;
}

/** Throws SourceError (E0605) for a directive that int8 cannot follow, and what data and device throw. */
export async function quantizeStage(
  input: StagedModel,
  directive: CheckedDirective,
  context: StageContext,
): Promise<StageResult> {
  const faults = checkQuantizeStage(directive);
  if (faults.length > 0) throw new SourceError(faults);
  const settings = quantizeSettings(directive.settings);
  const recipe = recipeFor(input, settings, context);
  const prepared = preparedOf(input, settings);
  const plan = planInt8(prepared);
  const image = imageOf(prepared, directive);
  const data = await openCalibration({
    model: input.name,
    recipe,
    split: context.overrides.data ? 'train' : settings.split,
    samples: settings.samples,
    batch: image.batch ?? batchFor(plan),
    input: image,
    preprocess: input.preprocess,
  });
  const { signal, reporter } = context;
  const onProgress = (what: string, done: number, of: number): void =>
    reporter.progress(`${context.stage.name}: ${what}, ${done} of ${of} samples`);
  try {
    const observer: Observer = { opened: await context.device(), data, signal, onProgress };
    return await quantized({ input, directive, context, settings, observer, recipe }, prepared);
  } finally {
    reporter.progress('');
    await data.close();
  }
}

function recipeFor(input: StagedModel, { dataset }: QuantizeSettings, context: StageContext): Recipe {
  const training = trainingDirective(context.stage);
  const settings = new Map(training.settings);
  const span = context.stage.directive.declaration.word.span;
  settings.set('data', { kind: 'name', value: dataset, span });
  const recipe = draftRecipe(trainingSource(input, { ...training, settings }, context), context.overrides, []);
  if (!context.overrides.data) return recipe;
  // Data from the command line is all for this: the sizes of splits in the source are those of other files.
  const { train: _, ...split } = recipe.data.split;
  return { ...recipe, data: { ...recipe.data, split: { ...split, val: 0, test: 0 } } };
}

const preparedOf = (input: StagedModel, { equalize }: Pick<QuantizeSettings, 'equalize'>): Graph =>
  runPipeline(bindParameters.run(input.graph, { parameters: input.weights }), measuredPasses({ equalize }));

/** As many samples as the values that are read back leave room for. */
function batchFor({ points }: Int8Plan): number {
  const numbers = points.reduce((sum, { node }) => {
    const sizes = node.type.shape.slice(1).map((size) => (typeof size === 'number' ? size : 1));
    return sum + sizes.reduce((product, size) => product * size, 1);
  }, 0);
  return Math.min(Math.max(Math.floor(mostNumbers / Math.max(1, numbers)), 1), mostSamples);
}

interface ImageInput {
  readonly name: string;
  readonly shape: readonly [number, number, number];
  /** Where the model fixes it. */
  readonly batch: number | undefined;
}

/** Throws SourceError (E0605) where the sizes of images are open. */
function imageOf(graph: Graph, { declaration, target = '' }: CheckedDirective): ImageInput {
  const input = topologicalOrder(graph).find(isInput);
  const [batch, channels, height, width] = input?.type.shape ?? [];
  const isSized = typeof channels === 'number' && typeof height === 'number' && typeof width === 'number';
  if (input && isSized) {
    const fixed = typeof batch === 'number' ? batch : undefined;
    return { name: input.attrs.name, shape: [channels, height, width], batch: fixed };
  }
  const message = `\`${target}\` has no fixed size of images to measure int8 on`;
  const help = 'bind the open sizes in the stage that it starts from, as in `shape = { H = 128  W = 128 }`';
  throw new SourceError([diagnostic('E0605', declaration.word.span, message, { help })]);
}

/** Paths of the layers that patterns name. */
function layersOf({ groups, names }: Int8Plan, patterns: readonly string[]): string[] {
  const paths = groups.filter(({ kind }) => kind === 'convolution').map((group) => names.path(group));
  return paths.filter((path) => patterns.some((pattern) => isExcepted(pattern, `${path}.weight`, 'weight')));
}

async function quantized(quantizing: Quantizing, prepared: Graph): Promise<StageResult> {
  const { settings, observer, context } = quantizing;
  const whole = planInt8(prepared);
  const given = layersOf(whole, settings.keepFloat);
  const { symmetric, perTensorWeights, equalize } = settings;
  // All points are measured, so that ranges stay known whatever is kept in float32 later.
  const meter = createScoreMeter(quantizing.recipe.target);
  const onScores: RangeOptions['onScores'] = (...batch) => meter.add(...batch);
  const ranges = await observeRanges(observer, prepared, whole.points, {
    method: settings.method,
    symmetric,
    onScores,
  });
  const options: Int8Options = { ranges, keepFloat: given, symmetric, perTensorWeights, equalize };
  if (settings.hasFinetune) return finetuned(quantizing, options);
  const biasErrors = settings.correctBias ? await observeMeans(observer, biasErrorGraph(prepared, options)) : {};
  const float = meter.result();
  const found = await chosen(quantizing, { ...options, biasErrors }, whole, float);
  report(quantizing, prepared, found.options, found.kept);
  const model = { ...quantizing.input, quantization: recordOf(found.options) };
  context.reporter.note(
    `${context.stage.name}: ${counted(observer.data.samples, 'sample')}, accuracy ${percent(float.accuracy)} in f32, ` +
      `${percent(found.int8.accuracy)} in int8, scores at ${found.figures['sqnr_db']?.toFixed(1)} dB`,
  );
  return { model, figures: found.figures };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

async function finetuned(quantizing: Quantizing, options: Int8Options): Promise<StageResult> {
  const { input, context } = quantizing;
  const { model, figures } = await trainQuantizationAware(input, options, context);
  report(quantizing, preparedOf(model, { equalize: false }), options);
  return { model: { ...model, quantization: recordOf(options) }, figures };
}

interface Choice {
  readonly options: Int8Options;
  /** Paths of layers that `accuracy_drop` keeps in float32, each said with its reason. */
  readonly kept: readonly string[];
  readonly int8: Scores;
  readonly figures: StageFigures;
}

/** Scores in float32 and int8, with the layers in float32 that `accuracy_drop` takes. */
async function chosen(
  { input, directive, context, settings, observer, recipe }: Quantizing,
  options: Int8Options,
  { groups, names }: Int8Plan,
  float: Scores,
): Promise<Choice> {
  const { span } = directive.declaration.word;
  const profiles = [observer.opened.info.profile];
  const artifactWith = (keepFloat: readonly string[]): Artifact => {
    const quantization = recordOf({ ...options, keepFloat });
    return compileStage({ ...input, quantization }, span, { profiles }).artifact;
  };
  const given = options.keepFloat ?? [];
  const layers = groups.flatMap((group) => (group.kind === 'convolution' ? [names.path(group)] : []));
  const found = await keepSensitive(
    {
      layers: [...new Set(layers)].filter((path) => !given.includes(path)),
      float,
      drop: settings.accuracyDrop ?? Infinity,
      evaluate: (keepFloat, what) => scoresOf(observer, artifactWith(keepFloat), recipe.target, what),
    },
    given,
  );
  for (const { path, sqnr: alone } of found.kept) {
    const reason = `int8 in this layer alone leaves the scores at ${alone.toFixed(1)} dB`;
    context.reporter.note(`${context.stage.name}: ${path} stays in f32: ${reason}`);
  }
  if (!found.holds) context.reporter.note(`${context.stage.name}: accuracy_drop does not hold even in float32`);
  const figures = {
    samples: observer.data.samples,
    accuracy_f32: float.accuracy,
    accuracy_int8: found.scores.accuracy,
    sqnr_db: sqnr(float.values, found.scores.values),
    float_layers: given.length + found.kept.length,
  };
  const kept = found.kept.map(({ path }) => path);
  return { options: { ...options, keepFloat: [...given, ...kept] }, kept, int8: found.scores, figures };
}

/** Says what stays in float32, and what equalisation left as it is; each with its reason. */
function report(
  { context, settings, input }: Quantizing,
  prepared: Graph,
  options: Int8Options,
  said: readonly string[] = [],
): void {
  const { reporter, stage } = context;
  const { floats } = planInt8(prepared, options);
  for (const { path, op, reason } of floats) {
    if (said.includes(path)) continue;
    reporter.note(`${stage.name}: ${op}${path === '' ? '' : ` of ${path}`} stays in f32: ${reason}`);
  }
  if (!settings.equalize) return;
  const bound = bindParameters.run(input.graph, { parameters: input.weights });
  for (const { from, reason } of unequalized(runPipeline(bound, int8Preparation))) {
    reporter.note(`${stage.name}: ${from.origin?.path ?? languageName(from.op.name)} is not equalized: ${reason}`);
  }
}
