/** Structured pruning of a staged model: in one go, or a part of the way at a time. */
import { uniformValues } from '../../../runtime/philox.ts';
import { symbolsOf } from '../../ir/dim.ts';
import { isInput } from '../../ir/leaves.ts';
import { macsOf } from '../../ir/macs.ts';
import { topologicalOrder, type Graph, type Node } from '../../ir/node.ts';
import { elementCount, type Tensor } from '../../ir/type.ts';
import {
  analyzeChannels,
  channelImportance,
  composeRecords,
  keptParameters,
  keptWeights,
  prunedFigure,
  rankChannels,
  restoredTensor,
  solveRemoval,
  type ChannelAnalysis,
  type ChannelRecord,
  type Criterion,
  type FigureOptions,
  type PruneFigure,
} from '../../passes/channels/index.ts';
import { isExcepted } from '../../train/regularize.ts';
import type { StagedModel } from '../run/staged-model.ts';
import { isGlobal, PruneFault, type PruneSettings, type PruneTarget } from './prune-settings.ts';

/** What pruning knows of a model: the whole network, its figures, and what must stay. */
export interface ChannelPlan {
  readonly input: Pick<StagedModel, 'graph' | 'parameters' | 'channels'>;
  readonly analysis: ChannelAnalysis;
  readonly held: ReadonlySet<number>;
  readonly figure: PruneFigure;
  readonly figures: FigureOptions;
  /** The figure of the whole network, and the one to reach. */
  readonly before: number;
  readonly wanted: number;
}

/** Throws a PruneFault where nothing can go, or the target has no meaning. */
export function planChannels(
  input: Pick<StagedModel, 'graph' | 'parameters' | 'channels'>,
  settings: PruneSettings,
): ChannelPlan {
  const analysis = analyzeChannels(input.graph);
  const held = heldClasses(analysis, settings.skip);
  if (analysis.classes.length === held.size) {
    const message =
      analysis.classes.length === 0 ? 'the model has no channels that can go' : 'no channels are left to go';
    const help =
      held.size > 0 ? 'skip less' : 'channels of inputs and outputs stay, and so do those that softmax reads';
    throw new PruneFault(held.size > 0 ? 'skip' : 'target', message, help);
  }
  const figure = settings.target.figure === 'share' ? 'channels' : settings.target.figure;
  checkSizes(input.graph, settings.target);
  const figures = { sizes: {}, parameters: input.parameters };
  const before = prunedFigure(analysis, new Set(), figure, figures);
  // Channels that are held do not count towards a share.
  const free = figure === 'channels' ? before - held.size : before;
  const { kind, value } = settings.target;
  const wanted = kind === 'absolute' ? value : before - free * value;
  return { input, analysis, held, figure, figures, before, wanted };
}

/** Multiply-accumulates depend on sizes that are open; their change hardly does. */
function checkSizes(graph: Graph, { figure, kind }: PruneTarget): void {
  if (figure !== 'macs' || kind === 'change') return;
  const batches = topologicalOrder(graph)
    .filter(isInput)
    .flatMap(({ type }) => symbolsOf(type.shape[0] ?? 1));
  const open = symbolsOf(macsOf(graph)).filter((symbol) => !batches.includes(symbol));
  if (open.length === 0) return;
  const message = `the multiply-accumulates depend on ${open.join(' and ')}, which are open`;
  throw new PruneFault(
    'target',
    message,
    'give sizes, as in `shape = { H = 128, W = 128 }`, or a change: `macs(-50%)`',
  );
}

/** Classes that a layer with a parameter of these names makes: its outputs stay. */
function heldClasses({ classes, groups }: ChannelAnalysis, skip: readonly string[]): Set<number> {
  const isSkipped = (layer: Node): boolean => {
    const names = layer.inputs
      .slice(1)
      .flatMap(({ attrs }) => (typeof attrs['name'] === 'string' ? attrs['name'] : []));
    return names.some((name, at) => skip.some((pattern) => isExcepted(pattern, name, at === 0 ? 'weight' : 'bias')));
  };
  const skipped = groups.map(({ layers }) => layers.some(isSkipped));
  return new Set(classes.filter(({ group }) => skipped[group]).map(({ id }) => id));
}

/** What is gone so far, and the model without it. */
export interface ChannelState {
  readonly removed: ReadonlySet<number>;
  readonly record: ChannelRecord;
  readonly model: StagedModel;
}

/**
 * Removes more channels, until the given part of the way from the whole network to the target is gone; the ranking is by
 * the weights of now. Throws a PruneFault where that cannot be.
 */
export function removeChannels(
  plan: ChannelPlan,
  settings: PruneSettings,
  { removed: gone, record, model }: ChannelState,
  part: number,
  gradients: ReadonlyMap<string, Tensor> | undefined,
): ChannelState {
  const { analysis, before, wanted, input } = plan;
  const whole = (tensors: ReadonlyMap<string, Tensor>): Map<string, Tensor> =>
    restored(tensors, record, input.parameters);
  const weights = whole(model.weights);
  const given = { weights, gradients: gradients && whole(gradients) };
  const importance = channelImportance(analysis, criterionOf(settings), given);
  const solution = solve(plan, settings, importance, part < 1 ? before - part * (before - wanted) : wanted, gone);
  const { graph, kept } = solution.pruned;
  return {
    removed: solution.removed,
    record: kept,
    model: {
      ...model,
      graph,
      parameters: keptParameters(input.parameters, kept),
      weights: keptWeights(weights, kept),
      channels: composeRecords(input.channels, kept),
    },
  };
}

/** The removal that reaches a figure. Throws a PruneFault that tells the least figure. */
export function solve(
  { analysis, held, figure, figures, before }: ChannelPlan,
  settings: PruneSettings,
  importance: Float64Array,
  most: number,
  gone: ReadonlySet<number> = new Set(),
) {
  const { roundTo, maxRatio, criterion } = settings;
  const ranking = rankChannels(analysis, { importance, isGlobal: isGlobal(settings), roundTo, maxRatio, held, gone });
  const solution = solveRemoval(analysis, ranking, figure, most, figures);
  if (solution.isReached) return solution;
  if (criterion.kind === 'bn_scale' && importance.every(Number.isNaN)) {
    throw new PruneFault('criterion', 'no channel that can go has a batch norm', 'write `l2_norm`');
  }
  const { least } = solution;
  const message = `pruning cannot reach ${figureText(figure, most)} of ${figureText(figure, before)}: ${figureText(figure, least)} are the least`;
  const help = 'ask for less, skip less, or raise `max_ratio` or lower `round_to` where they are given';
  throw new PruneFault('target', message, help, 'value');
}

export function figureText(figure: PruneFigure, value: number): string {
  if (figure === 'macs' && value >= 1e6) {
    return `${(value / 1e6).toLocaleString('en', { maximumSignificantDigits: 4 })} MMACs`;
  }
  const units = { macs: 'MACs', params: 'parameters', channels: 'channels' };
  return `${Math.floor(value).toLocaleString('en')} ${units[figure]}`;
}

export function criterionOf({ criterion }: PruneSettings): Criterion {
  switch (criterion.kind) {
    case 'l1_norm':
      return { kind: 'l1' };
    case 'l2_norm':
      return { kind: 'l2' };
    case 'taylor':
    case 'bn_scale':
      return { kind: criterion.kind };
    case 'random':
      return { kind: 'random', draw: (count) => uniformValues(count, criterion.seed, 0, [0, 1]) };
  }
}

const restored = (
  tensors: ReadonlyMap<string, Tensor>,
  record: ChannelRecord,
  parameters: StagedModel['parameters'],
): Map<string, Tensor> => {
  const shapes = new Map(parameters.map(({ name, shape }) => [name, shape]));
  return new Map(
    [...tensors].map(([name, tensor]) => {
      const [kept, shape] = [record[name], shapes.get(name)];
      return [name, kept && shape ? restoredTensor(tensor, kept, shape) : tensor];
    }),
  );
};

/** Learnt elements of a model. */
export const learntElements = (parameters: StagedModel['parameters']): number =>
  parameters.reduce((sum, { shape, trainable }) => sum + (trainable ? elementCount(shape) : 0), 0);
