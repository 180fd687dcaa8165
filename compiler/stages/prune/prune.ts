/** The `prune` stage: fewer channels or fewer weights, at once or along a training. */
import { scoresFor } from '../../../runtime/node/align-classes.ts';
import { openTrainingData } from '../../../runtime/node/training-data.ts';
import type { CheckedDirective } from '../../analyze/index.ts';
import { SourceError } from '../../driver/failure.ts';
import { macsAt } from '../../passes/channels/index.ts';
import { TrainingFault } from '../../train/training-fault.ts';
import { learntElements, planChannels, removeChannels, figureText, type ChannelState } from './prune-channels.ts';
import { learningOf } from '../train/training-settings.ts';
import { finetuneDirective } from './check-prune.ts';
import { measureGradients, reestimated, type Measuring } from './prune-measures.ts';
import { roundsOf, type TrainingLength } from './prune-rounds.ts';
import { pruneDiagnostic, PruneFault, pruneSettings } from './prune-settings.ts';
import { planWeights, removeWeights, sparsityOf, type WeightState } from './prune-weights.ts';
import type { StageContext, StageFigures, StageResult } from '../run/stage-context.ts';
import type { StagedModel } from '../run/staged-model.ts';
import { compileTrainStage, draftRecipe, faultDiagnostic, type TrainingExtras } from '../train/from-directive.ts';
import { trainingSource } from '../train/train-stage.ts';

/** What one kind of pruning does to a model. */
interface Pruner<S extends { readonly model: StagedModel }> {
  readonly start: S;
  /** Goes on until the given part of all that is to go is gone. */
  readonly remove: (state: S, part: number) => Promise<S>;
  /** What holds through trainings. */
  readonly extras: (state: S) => TrainingExtras;
  readonly figures: (state: S) => StageFigures;
  readonly summary: (state: S) => string;
}

/** Throws SourceError where a setting does not fit the model. */
export async function pruneStage(
  input: StagedModel,
  directive: CheckedDirective,
  context: StageContext,
): Promise<StageResult> {
  try {
    const settings = pruneSettings(directive.settings);
    const measuring = { directive: finetuneDirective(context.stage), settings, context };
    if (settings.structure === 'weight') return await prune(weightPruner(input, measuring), measuring);
    return await prune(channelPruner(input, measuring), measuring);
  } catch (error) {
    if (error instanceof PruneFault) throw new SourceError([pruneDiagnostic(directive, error)]);
    if (error instanceof TrainingFault) throw new SourceError([faultDiagnostic(directive, error)]);
    throw error;
  }
}

function channelPruner(input: StagedModel, measuring: Measuring): Pruner<ChannelState> {
  const { settings } = measuring;
  const plan = planChannels(input, settings);
  const macs = macsAt(input.graph, {});
  return {
    start: { removed: new Set(), record: {}, model: input },
    remove: async (state, part) =>
      removeChannels(plan, settings, state, part, await measureGradients(state.model, measuring)),
    extras: () => ({}),
    figures: ({ removed }) => ({ removed_channels: removed.size }),
    summary: ({ removed, model }) => {
      const [was, is] = [macs, macsAt(model.graph, {})];
      const [had, has] = [learntElements(input.parameters), learntElements(model.parameters)];
      return (
        `${removed.size} of ${plan.analysis.classes.length} channels removed; ` +
        `${figureText('macs', is)} of ${figureText('macs', was)}, ${figureText('params', has)} of ${figureText('params', had)}`
      );
    },
  };
}

function weightPruner(input: StagedModel, measuring: Measuring): Pruner<WeightState> {
  const { settings } = measuring;
  const plan = planWeights(input, settings);
  return {
    start: { model: input, masks: new Map() },
    remove: async (state, part) =>
      removeWeights(plan, settings, state, part, await measureGradients(state.model, measuring)),
    extras: ({ masks }) => (masks.size > 0 ? { masks } : {}),
    figures: ({ model }) => ({ sparsity: sparsityOf(plan, model.weights) }),
    summary: ({ model }) => `${(sparsityOf(plan, model.weights) * 100).toFixed(1)} % of the weights are zero`,
  };
}

async function prune<S extends { readonly model: StagedModel }>(
  pruner: Pruner<S>,
  measuring: Measuring,
): Promise<StageResult> {
  const { settings, context } = measuring;
  const { rounds, rest } = await plannedRounds(pruner.start.model, measuring);
  let state = pruner.start;
  let steps = 0;
  const trained = async (length: TrainingLength, name: string, isLast: boolean): Promise<void> => {
    const { model, count } = await train(state.model, measuring, length, pruner.extras(state), name, isLast);
    state = { ...state, model };
    steps += count;
  };
  for (const [index, { training, part }] of rounds.entries()) {
    if (training) await trained(training, `round-${index}`, false);
    state = await pruner.remove(state, part);
    const round = rounds.length > 1 ? `removal ${index + 1} of ${rounds.length}: ` : '';
    context.reporter.note(`${context.stage.name}: ${round}${pruner.summary(state)}`);
  }
  state = { ...state, model: await reestimated(state.model, measuring) };
  if (settings.hasFinetune && rest) await trained(rest, 'finetune', true);
  return { model: state.model, figures: { ...pruner.figures(state), ...(steps > 0 ? { steps } : {}) } };
}

/** Lengths count batches, which only the data tell. */
async function plannedRounds(model: StagedModel, { directive, settings, context }: Measuring) {
  const { epochs } = learningOf(directive);
  if (settings.schedule.kind === 'once') return roundsOf(settings.schedule, epochs, 1);
  const {
    data: spec,
    target,
    batch,
    limitBatches = Infinity,
  } = draftRecipe(trainingSource(model, directive, context), context.overrides, []);
  const data = await openTrainingData(spec, '.', { target: target.kind, scores: scoresFor(target, model.name) });
  try {
    return roundsOf(
      settings.schedule,
      epochs,
      Math.max(1, Math.min(limitBatches, Math.floor((data.train?.size ?? 0) / batch))),
    );
  } finally {
    await data.close();
  }
}

/** Settings that are for the training after the last removal alone. */
const ofTheEnd = ['schedule', 'early_stop', 'checkpoint'];

async function train(
  model: StagedModel,
  { directive, context }: Measuring,
  { epochs, limitBatches }: TrainingLength,
  extras: TrainingExtras,
  name: string,
  isLast: boolean,
): Promise<{ readonly model: StagedModel; readonly count: number }> {
  const settings = new Map(directive.settings);
  if (!isLast) for (const key of ofTheEnd) settings.delete(key);
  settings.set('epochs', { kind: 'number', value: epochs, quantity: 'epochs' });
  const source = trainingSource(model, { ...directive, settings }, context);
  const seed = (context.overrides.seed ?? learningOf(directive).seed) + seedOf(name);
  const overrides = { ...context.overrides, seed, ...(limitBatches === undefined ? {} : { limitBatches }) };
  const { weights, result } = await context.train(
    (isFused) => compileTrainStage(source, overrides, { isFused, ...extras }),
    name,
  );
  return { model: { ...model, weights }, count: result.state.step };
}

/** Every round shuffles in its own way. */
const seedOf = (name: string): number => Number(/\d+$/.exec(name)?.[0] ?? 0);
