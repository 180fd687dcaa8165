/** The program of one optimizer step: forward, loss, gradients, and the next value of all state. */
import { makeGraph, makeNode, type Graph, type Node } from '../ir/node.ts';
import { concat, flatStorage } from '../ops/index.ts';
import { scoresOf, type BoundModel } from './bound-model.ts';
import { clipped, globalNorm } from './clip.ts';
import { differentiate } from './differentiate.ts';
import { divergence, lessonOf, type Lesson } from './distillation.ts';
import { minus, plus, tensorOf, times } from './expressions.ts';
import { featuresOf, hintLoss, withFeatures } from './hints.ts';
import { weightedSum } from './losses/index.ts';
import type { Target } from './losses/loss.ts';
import type { HostScalar, Optimizer } from './optimizers/optimizer.ts';
import { correctOf, predictionOf } from './prediction.ts';
import { programInputs, targetOf, type InputOf } from './program-inputs.ts';
import { attribution } from './provenance.ts';
import { penalised } from './regularize.ts';
import { leavesOf, type ParameterGroup, type StatePlan, type StatisticsGroup } from './state-plan.ts';
import type { Teacher } from './teacher.ts';
import { trainingForm } from './training-form.ts';
import type { TrainingSettings } from './training-options.ts';

export interface StepProgram {
  readonly graph: Graph;
  readonly scalars: readonly HostScalar[];
}

const rngInput: HostScalar = { input: 'rng', kind: 'rng' };
const one: readonly number[] = [1, 1];

/**
 * Inputs: the image, `labels` (with mixup also `labels2` and `lambda`), the optimizer's scalars, and `rng` where the
 * model drops out. Outputs, each `[1, 1]`: `loss`, without regularizers; with a teacher also `labelLoss`, that of the
 * labels alone; `correct`; `gradNorm`, before clipping.
 */
export function stepProgram(
  { graph, image }: BoundModel,
  plan: StatePlan,
  options: TrainingSettings,
  optimizer: Optimizer,
): StepProgram {
  const inputOf = programInputs(image);
  const leaves = leavesOf(plan, false);
  let drops = false;
  const rng = (): Node => {
    drops = true;
    return inputOf(rngInput.input, [1, 4]);
  };
  const { teacher } = options;
  const hinted = withFeatures(graph, teacher?.hints ?? [], 'student');
  const form = trainingForm(hinted, (name) => leaves.get(name), rng);
  const scores = scoresOf(form.graph, image, options.target);
  const lesson = teacher && lessonOf(teacher, image, scores);
  const { loss, labelLoss, correct } = measures({ scores, graph: form.graph, lesson, leaves }, options, inputOf);
  const wrt = plan.groups.flatMap(({ weights }) => weights.tensors.flatMap(({ name }) => leaves.get(name) ?? []));
  const gradients = differentiate(loss, wrt);
  const flat = plan.groups.map((group) => groupGradient(group, leaves, gradients));
  const gradNorm = globalNorm(flat);
  const updates = new Map<Node, Node>();
  for (const [at, group] of plan.groups.entries()) {
    const gradient = flat[at];
    if (!gradient) continue;
    const step = updateGroup(group, clipped(gradient, gradNorm, options.clip), optimizer, options, inputOf);
    for (const [state, next] of step) updates.set(state, next);
  }
  for (const group of plan.statistics) updates.set(group.vector.parameter, nextStatistics(group, form.moments));
  const { parameter: totals } = plan.totals;
  const ofTeacher = teacher ? [labelLoss, tensorOf([1, 3], [0, 0, 0])] : [];
  const summands = makeNode(concat, [loss, correct, gradNorm, tensorOf(one, [1]), ...ofTeacher], { axis: 1 });
  updates.set(totals, plus(totals, summands));
  return {
    graph: finished({ loss, ...(teacher ? { labelLoss } : {}), correct, gradNorm }, updates),
    scalars: [...optimizer.scalars, ...(drops ? [rngInput] : [])],
  };
}

/** The graph, with an origin on everything behind the gradients. */
function finished(outputs: Readonly<Record<string, Node>>, updates: ReadonlyMap<Node, Node>): Graph {
  const of = attribution([...Object.values(outputs), ...updates.values()], 'optimizer');
  return makeGraph(
    Object.fromEntries(Object.entries(outputs).map(([name, node]) => [name, of(node)])),
    new Map([...updates].map(([state, next]) => [state, of(next)])),
  );
}

interface Measures {
  readonly loss: Node;
  /** The part of it that the labels make, unweighted. */
  readonly labelLoss: Node;
  readonly correct: Node;
}

interface Forward {
  readonly scores: Node;
  /** With the feature maps of hints as outputs. */
  readonly graph: Graph;
  readonly lesson: Lesson | undefined;
  readonly leaves: ReadonlyMap<string, Node>;
}

/**
 * With an origin on all of it, which gradients inherit. With mixup `lambda L(labels) + (1 - lambda) L(labels2)`, and as
 * many are correct (Zhang et al. 2018); a teacher sees the mixed image, and hints know no labels.
 */
function measures(forward: Forward, options: TrainingSettings, inputOf: InputOf): Measures {
  const { scores, graph, lesson, leaves } = forward;
  const { teacher } = options;
  const prediction = options.target.kind === 'dense' ? undefined : predictionOf(scores);
  const against = (name: string): Measures => {
    const target = targetOf(name, scores, options.target, inputOf);
    const labelLoss = weightedSum(scores, target, options.loss).mean;
    return {
      loss: teacher && lesson ? distilled(scores, lesson, target, labelLoss, teacher) : labelLoss,
      labelLoss,
      correct: prediction ? correctAgainst(scores, prediction, target) : tensorOf(one, [0]),
    };
  };
  const { loss, labelLoss, correct } = options.mixup ? mixed(against, inputOf('lambda', one)) : against('labels');
  const hints = teacher?.hints ?? [];
  const ofHints = hintLoss(featuresOf(graph, hints), lesson?.features ?? [], hints, (name) => leaves.get(name));
  const all = { loss: ofHints ? plus(loss, ofHints) : loss, labelLoss, correct };
  const of = attribution(Object.values(all), 'loss');
  return { loss: of(all.loss), labelLoss: of(labelLoss), correct: of(correct) };
}

function mixed(against: (name: string) => Measures, lambda: Node): Measures {
  const [first, second] = [against('labels'), against('labels2')];
  const mix = (a: Node, b: Node): Node => plus(times(a, lambda), times(b, minus(1, lambda)));
  return {
    loss: mix(first.loss, second.loss),
    labelLoss: mix(first.labelLoss, second.labelLoss),
    correct: mix(first.correct, second.correct),
  };
}

/** `alpha T^2 KL(teacher || student) + (1 - alpha) L(labels)`. */
function distilled(
  scores: Node,
  lesson: Lesson,
  target: Target,
  labelLoss: Node,
  { alpha, temperature }: Teacher,
): Node {
  const ofTeacher = divergence(scores, lesson.scores, target, temperature);
  return plus(times(ofTeacher, alpha), times(labelLoss, 1 - alpha));
}

const correctAgainst = (scores: Node, prediction: Node, target: Target): Node =>
  target.kind === 'labels' ? correctOf(scores, prediction, target) : tensorOf(one, [0]);

/** The gradients of a group in the order of its vector, with what its regularizers add to the loss. */
function groupGradient(
  { weights, restraint, mask }: ParameterGroup,
  leaves: ReadonlyMap<string, Node>,
  gradients: ReadonlyMap<Node, Node>,
): Node {
  const parts = weights.tensors.map(({ name }) => {
    const leaf = leaves.get(name);
    const gradient = leaf && gradients.get(leaf);
    if (!gradient) throw new RangeError(`${name} has no gradient`);
    return gradient;
  });
  const gradient = penalised(makeNode(flatStorage, parts, {}), weights.parameter, restraint);
  return mask ? times(gradient, mask) : gradient;
}

function updateGroup(
  { weights, restraint, slots, ema }: ParameterGroup,
  gradient: Node,
  optimizer: Optimizer,
  options: TrainingSettings,
  inputOf: InputOf,
): Map<Node, Node> {
  const { parameter } = weights;
  const stateOf = (slot: string): Node => {
    const vector = slots.get(slot);
    if (!vector) throw new RangeError(`${optimizer.name} has no slot ${slot}`);
    return vector.parameter;
  };
  const scalar = (input: string): Node => inputOf(input, one);
  const { decay, decoupled } = restraint;
  const shrunk = decoupled === 0 ? parameter : times(parameter, minus(1, times(scalar('lr'), decoupled)));
  const updated = optimizer.update({
    parameter: shrunk,
    gradient: decay === 0 ? gradient : plus(gradient, times(parameter, decay)),
    slot: stateOf,
    scalar,
  });
  const updates = new Map([[parameter, updated.parameter]]);
  for (const [slot, next] of Object.entries(updated.slots)) updates.set(stateOf(slot), next);
  const { ema: share } = options;
  if (ema && share !== undefined) {
    updates.set(ema.parameter, plus(times(ema.parameter, share), times(updated.parameter, 1 - share)));
  }
  return updates;
}

/** `(1 - m) old + m new`, with the unbiased variance, as torch.nn.BatchNorm2d. */
function nextStatistics({ vector, momentum, members }: StatisticsGroup, moments: ReadonlyMap<string, Node>): Node {
  const parts = members.map(({ mean }) => {
    const measured = moments.get(mean);
    if (!measured) throw new RangeError(`the batch norm of ${mean} has no moments`);
    return measured;
  });
  const measured = makeNode(flatStorage, parts, {});
  return plus(times(vector.parameter, 1 - momentum), times(measured, momentum));
}
