/** The `train` stage: from a directive and its model to the training artifact. */
import { resolve, dirname } from 'node:path';
import { diagnostic, type Diagnostic } from '../../../grammar/diagnostics.ts';
import type { Recipe } from '../../../runtime/train/recipe.ts';
import type { Preprocess } from '../../../runtime/artifact.ts';
import type { TrainingArtifact } from '../../../runtime/train/training-artifact.ts';
import type { AnalyzedProgram, BuiltModel, CheckedDirective } from '../../analyze/index.ts';
import type { Settings } from '../../analyze/directives/directive-values.ts';
import { SourceError } from '../../driver/failure.ts';
import { compileTraining, type TrainingInput } from '../../compile/compile-training.ts';
import { LoweringError } from '../../emit/lower.ts';
import type { Dim } from '../../ir/dim.ts';
import type { Graph } from '../../ir/node.ts';
import type { Tensor } from '../../ir/type.ts';
import { boundModel } from '../../train/bound-model.ts';
import { projectionsOf } from '../../train/hints.ts';
import type { LossTerm } from '../../train/losses/index.ts';
import { TrainingFault } from '../../train/training-fault.ts';
import type { TrainingOptions, TrainingSettings } from '../../train/training-options.ts';
import { buildTrainingStep, checkTrainingStep } from '../../train/training-step.ts';
import { initialWeights } from '../../driver/load-weights.ts';
import { cropFault } from '../checks/check-crop.ts';
import { recipeOf, type RecipeOverrides } from './recipe.ts';
import { settingText } from '../run/setting-text.ts';
import { argumentField, argumentOf, spanOf } from '../../analyze/directives/written.ts';
import { complete, completeCall, defaultText } from '../../analyze/directives/complete.ts';
import { losses } from '../../analyze/tables/losses.ts';
import { directives } from '../../analyze/directives/directive-schema.ts';
import { learningOf, recomputationOf, regularizersOf } from './training-settings.ts';

export interface TrainingSource {
  readonly program: AnalyzedProgram;
  readonly directive: CheckedDirective;
  readonly model: { readonly name: string };
  readonly built: BuiltModel;
  readonly graph: Graph;
  readonly preprocess: Preprocess | undefined;
  /** What the run starts from; initialised from the seed where undefined. */
  readonly weights?: ReadonlyMap<string, Tensor> | undefined;
}

/** What makes a training more than its directive says: a teacher, masks of pruned weights. */
export type TrainingExtras = Pick<TrainingSettings, 'teacher' | 'masks'>;

/** Throws SourceError where the settings do not fit the model, or an op has no kernel. */
export function compileTrainStage(
  source: TrainingSource,
  overrides: RecipeOverrides,
  { isFused, ...extras }: Pick<TrainingInput, 'isFused'> & TrainingExtras = {},
): TrainingArtifact {
  const { directive, program } = source;
  try {
    const drafted = draftRecipe(source, overrides, []);
    const training = buildTrainingStep(optionsOf(source, drafted, extras));
    return compileTraining({
      name: source.model.name,
      source: program.file.path,
      training,
      recipe: { ...drafted, scalars: [...training.scalars] },
      settings: writtenSettings(source),
      parameters: source.built.parameters,
      preprocess: source.preprocess,
      isFused,
      // What is looked at op by op need not fit anywhere.
      recompute: isFused === false ? undefined : recomputationOf(learningOf(directive)),
    }).artifact;
  } catch (error) {
    if (error instanceof TrainingFault) throw new SourceError([faultDiagnostic(directive, error)]);
    if (!(error instanceof LoweringError)) throw error;
    const span = error.node.origin?.spans[0] ?? directive.declaration.word.span;
    throw new SourceError([diagnostic('E0340', span, error.message)]);
  }
}

/** The settings of a directive and of the dataset that it names, by their keys. */
function writtenSettings({ directive, program }: TrainingSource): [string, string][] {
  const data = directive.settings.get('data');
  const dataset = program.directives.find(
    ({ word, name }) => word === 'dataset' && data?.kind === 'name' && name === data.value,
  );
  const rows = (settings: Settings, prefix: string): [string, string][] =>
    [...settings].map(([key, value]) => [`${prefix}${key}`, settingText(value)]);
  return [...rows(directive.settings, ''), ...(dataset ? rows(dataset.settings, `dataset ${dataset.name}: `) : [])];
}

/** What a directive asks for that its model cannot do, found without weights and without compiling. */
export function checkTrainStage(source: Omit<TrainingSource, 'weights'>, extras: TrainingExtras = {}): Diagnostic[] {
  try {
    const settings = settingsOf(source, draftRecipe(source, {}, []));
    checkTrainingStep({ ...settings, ...extras });
    const { image } = boundModel(settings);
    const [, , height = 1, width = 1] = image.attrs.shape.map(Number);
    return cropFault(source.directive, source.model.name, [height, width]);
  } catch (error) {
    if (error instanceof TrainingFault) return [faultDiagnostic(source.directive, error)];
    throw error;
  }
}

/** A fault is shown at the argument or entry that it lies in, that of the model at its name. */
export function faultDiagnostic({ declaration }: CheckedDirective, fault: TrainingFault): Diagnostic {
  const { setting, argument, message, help } = fault;
  const { word, target, entries } = declaration;
  const inCall = argument === undefined ? undefined : argumentOf(word.name, entries, setting, argument)?.span;
  const span = inCall ?? spanOf(entries, setting) ?? target?.span ?? word.span;
  return diagnostic('E0605', span, message, { help: help ?? leaveOut(declaration, setting, argument) });
}

/** The way to the default of a call's argument. */
function leaveOut({ word, entries }: CheckedDirective['declaration'], setting: string, argument = ''): string {
  const field = argumentField(word.name, entries, setting, argument);
  return `leave it out for ${field ? defaultText(field) : 'its default'}`;
}

/** Scalars are what the programs of the run add. */
export function draftRecipe(source: TrainingSource, overrides: RecipeOverrides, scalars: Recipe['scalars']): Recipe {
  const { directive, program, graph } = source;
  const [scores] = Object.values(graph.outputs);
  const shape = scores?.type.shape ?? [];
  const data = directive.settings.get('data');
  if (!data) throw new TrainingFault('data', 'a training needs data', 'add `data = NAME`, a dataset of this file');
  const dataset = program.directives.find(
    ({ word, name }) => word === 'dataset' && data?.kind === 'name' && name === data.value,
  );
  const { ignore, classes } = dataset ? complete(directives.dataset.fields, dataset.settings) : {};
  const target = {
    kind: shape.length > 2 ? ('mask' as const) : ('class' as const),
    classes: classes ?? classesOf(shape[1]),
    ...(ignore === undefined ? {} : { ignore }),
    ...(source.preprocess?.labels ? { names: source.preprocess.labels } : {}),
  };
  const folder = dirname(program.file.path);
  const from = (path: string): string => resolve(folder, path);
  return recipeOf({ directive, directives: program.directives, target, scalars, resolve: from }, overrides);
}

/** A model with one score tells two classes apart by its sign; one with an open number is refused later. */
const classesOf = (scores: Dim | undefined): number => (typeof scores === 'number' && scores !== 1 ? scores : 2);

function optionsOf(source: TrainingSource, recipe: Recipe, extras: TrainingExtras): TrainingOptions {
  const { parameters } = source.built;
  const { teacher } = extras;
  const projections = teacher ? projectionsOf(source.graph, teacher.graph, teacher.hints) : [];
  // Behind the parameters, so that they draw from streams of their own.
  const learned = projections.map(({ name, shape }) => ({
    name,
    shape,
    init: { kind: 'kaimingUniform', fanIn: shape[1] } as const,
  }));
  const initial = initialWeights([...parameters, ...learned], recipe.seed);
  const weights = source.weights ? new Map([...initial, ...source.weights]) : initial;
  return { ...settingsOf(source, recipe), ...extras, weights };
}

function settingsOf({ directive, graph }: TrainingSource, recipe: Recipe): TrainingSettings {
  const learning = learningOf(directive);
  const { optimizer, loss } = learning;
  if (!optimizer)
    throw new TrainingFault('optimizer', 'a training needs an optimizer', 'add `optimizer = sgd(lr=0.01)`, say');
  const regularizers = regularizersOf(learning);
  // A decay that the directive states takes the place of the optimizer's default one.
  const replaces = regularizers.some(({ kind }) => kind === 'weight_decay') && !decaysItself(directive);
  const { base } = recipe.schedule;
  return {
    graph,
    batch: recipe.batch,
    imageSize: imageSizeOf(directive),
    target: recipe.target,
    loss: loss ?? [defaultLoss(graph)],
    optimizer: replaces ? { ...optimizer, weightDecay: 0 } : optimizer,
    cyclesMomentum: 'momentum' in base && base.momentum !== undefined,
    regularizers,
    clip: learning.clip,
    ema: learning.ema,
    mixup: recipe.augment.some(({ kind }) => kind === 'mixup'),
  };
}

/** Whether a decay is written at the optimizer. */
function decaysItself({ settings }: CheckedDirective): boolean {
  const optimizer = settings.get('optimizer');
  return optimizer?.kind === 'call' && optimizer.args.has('weight_decay');
}

/** Of directives that need not name a loss: what tells classes apart. */
export const defaultLoss = (graph: Graph): LossTerm => {
  const isBinary = Object.values(graph.outputs)[0]?.type.shape[1] === 1;
  return { factor: 1, ...completeCall(losses, isBinary ? 'bce' : 'cross_entropy') };
};

/** Height and width that `shape` gives to an open image; the analyzer binds other symbols by name. */
export function imageSizeOf(directive: CheckedDirective): readonly [number, number] | undefined {
  const { shape } = learningOf(directive);
  const [height, width] = [shape['H'], shape['W']];
  return height !== undefined && width !== undefined ? [height, width] : undefined;
}
