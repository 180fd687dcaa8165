/** The `train` stage: from a directive and its model to the training artifact. */
import { resolve, dirname } from 'node:path';
import { diagnostic } from '../../grammar/diagnostics.ts';
import type { Recipe } from '../../runtime/train/recipe.ts';
import type { Preprocess } from '../../runtime/artifact.ts';
import type { TrainingArtifact } from '../../runtime/train/training-artifact.ts';
import type { AnalyzedProgram, BuiltModel, CheckedDirective } from '../analyze/index.ts';
import { SourceError } from '../cli/failure.ts';
import { compileTraining, type TrainingInput } from '../compile-training.ts';
import { LoweringError } from '../emit/lower.ts';
import type { Graph } from '../ir/node.ts';
import type { Tensor } from '../ir/type.ts';
import { TrainingFault } from '../train/training-fault.ts';
import type { TrainingOptions } from '../train/training-options.ts';
import { buildTrainingStep } from '../train/training-step.ts';
import { initialWeights } from '../weights.ts';
import { recipeOf, type RecipeOverrides } from './recipe.ts';
import { scheduleOf } from './schedule.ts';
import { callOf, numberOf } from './settings.ts';
import { clipOf, lossOf, optimizerOf, regularizersOf } from './training-settings.ts';

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

/** Throws SourceError where the settings do not fit the model, or an op has no kernel. */
export function compileTrainStage(
  source: TrainingSource,
  overrides: RecipeOverrides,
  { isFused }: Pick<TrainingInput, 'isFused'> = {},
): TrainingArtifact {
  const { directive, program } = source;
  const drafted = draftRecipe(source, overrides, []);
  try {
    const training = buildTrainingStep(optionsOf(source, drafted));
    return compileTraining({
      name: source.model.name,
      source: program.file.path,
      training,
      recipe: { ...drafted, scalars: [...training.scalars] },
      parameters: source.built.parameters,
      preprocess: source.preprocess,
      isFused,
    }).artifact;
  } catch (error) {
    if (error instanceof TrainingFault) {
      const help = error.help === undefined ? {} : { help: error.help };
      throw new SourceError([diagnostic('E0605', spanOf(directive, error.setting), error.message, help)]);
    }
    if (!(error instanceof LoweringError)) throw error;
    const span = error.node.origin?.spans[0] ?? directive.declaration.word.span;
    throw new SourceError([diagnostic('E0340', span, error.message)]);
  }
}

/** The entry that a fault lies in, else the head of the directive. */
function spanOf({ declaration }: CheckedDirective, key: string) {
  const entry = declaration.entries.find((each) => each.kind !== 'value' && each.name.name === key);
  return entry && entry.kind !== 'value' ? entry.name.span : declaration.word.span;
}

function draftRecipe(source: TrainingSource, overrides: RecipeOverrides, scalars: Recipe['scalars']): Recipe {
  const { directive, program, graph } = source;
  const shape = graph.outputs['output']?.type.shape ?? Object.values(graph.outputs)[0]?.type.shape ?? [];
  const data = directive.settings.get('data');
  const dataset = program.directives.find(
    ({ word, name }) => word === 'dataset' && data?.kind === 'name' && name === data.value,
  );
  const ignore = numberOf(dataset?.settings.get('ignore'));
  const target = {
    kind: shape.length > 2 ? ('mask' as const) : ('class' as const),
    classes: Number(shape[1] ?? 1),
    ...(ignore === undefined ? {} : { ignore }),
  };
  const folder = dirname(program.file.path);
  const from = (path: string): string => resolve(folder, path);
  return recipeOf({ directive, directives: program.directives, target, scalars, resolve: from }, overrides);
}

function optionsOf({ directive, built, graph, weights }: TrainingSource, recipe: Recipe): TrainingOptions {
  const { settings } = directive;
  const call = callOf(settings.get('optimizer'));
  if (!call) throw new TrainingFault('optimizer', 'a training needs an optimizer');
  const regularizers = regularizersOf(settings);
  // A decay that the directive states takes the place of the optimizer's default one.
  const replaces = regularizers.some(({ kind }) => kind === 'weight_decay') && !call.args.has('weight_decay');
  const optimizer = optimizerOf(call);
  const { base } = scheduleOf(callOf(settings.get('schedule')), recipe.epochs);
  return {
    graph,
    weights: weights ?? initialWeights(built.parameters, recipe.seed),
    batch: recipe.batch,
    imageSize: imageSizeOf(directive),
    target: recipe.target,
    loss: lossOf(settings.get('loss')),
    optimizer: replaces ? { ...optimizer, weightDecay: 0 } : optimizer,
    cyclesMomentum: 'momentum' in base && base.momentum !== undefined,
    regularizers,
    clip: clipOf(settings),
    ema: numberOf(settings.get('ema')),
    mixup: recipe.augment.some(({ kind }) => kind === 'mixup'),
  };
}

/** Height and width that `shape` gives to an open image; the analyzer binds other symbols by name. */
function imageSizeOf({ settings }: CheckedDirective): readonly [number, number] | undefined {
  const sizes = sizesOf(settings.get('shape'));
  const [height, width] = [sizes['H'], sizes['W']];
  return height !== undefined && width !== undefined ? [height, width] : undefined;
}

/** The sizes that `shape = { N = 16, H = 128 }` gives. */
export function sizesOf(setting: ReturnType<CheckedDirective['settings']['get']>): Readonly<Record<string, number>> {
  if (setting?.kind !== 'group') return {};
  return Object.fromEntries(
    [...setting.entries].flatMap(([name, value]) => {
      const size = numberOf(value);
      return size === undefined ? [] : [[name, size] as const];
    }),
  );
}
