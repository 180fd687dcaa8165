/** The state of a training run: which vectors there are, and what lies in them at the start. */
import { isParameter } from '../ir/leaves.ts';
import { topologicalOrder, usersOf, type Graph, type Node } from '../ir/node.ts';
import type { Tensor } from '../ir/type.ts';
import { sizesOf } from './expressions.ts';
import { projectionsOf } from './hints.ts';
import { masked, maskVector } from './masks.ts';
import type { Optimizer } from './optimizers/optimizer.ts';
import { restraintOf, roleOf, type ParameterRole, type Restraint } from './regularize.ts';
import { alike, numbered, packedVector, stateVector, tensorIn, type StateTensor, type StateVector } from './state.ts';
import { normalisationsOf, type Normalisation } from './training-form.ts';
import { TrainingFault } from './training-fault.ts';
import type { TrainingOptions, TrainingSettings } from './training-options.ts';

/** The trainable parameters that are held down alike, and the optimizer's slots for them. */
export interface ParameterGroup {
  readonly weights: StateVector;
  readonly restraint: Restraint;
  readonly slots: ReadonlyMap<string, StateVector>;
  readonly ema: StateVector | undefined;
  /** `[1, length]`, ones and zeros; undefined where all of it is trained. */
  readonly mask: Node | undefined;
}

/** The running statistics of one momentum: a block `[3, C]` for each batch norm, laid out as its moments are. */
export interface StatisticsGroup {
  readonly vector: StateVector;
  readonly momentum: number;
  readonly members: readonly Normalisation[];
}

export interface StatePlan {
  readonly groups: readonly ParameterGroup[];
  readonly statistics: readonly StatisticsGroup[];
  readonly totals: StateVector;
}

/** The state of a model of known sizes. */
export function planState(graph: Graph, options: TrainingSettings, optimizer: Optimizer): StatePlan {
  const normalisations = normalisationsOf(graph);
  return {
    groups: parameterGroups(graph, normalisations, options, optimizer),
    statistics: statisticsGroups(normalisations),
    totals: stateVector('totals', options.teacher ? 8 : 4, [
      { name: 'totals', shape: [1, options.teacher ? 5 : 4], offset: 0, kind: 'total' },
    ]),
  };
}

/** A parameter, or what else is learned beside the model. */
interface Learned {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: ParameterRole;
  readonly kind: 'parameter' | 'auxiliary';
}

function learnedOf(graph: Graph, normalisations: readonly Normalisation[], { teacher }: TrainingSettings): Learned[] {
  const running = new Set(normalisations.flatMap(({ mean, variance }) => [mean, variance]));
  const users = usersOf(graph);
  const parameters = topologicalOrder(graph)
    .filter(isParameter)
    .filter(({ attrs }) => !running.has(attrs.name))
    .map((node) => {
      const role = roleOf(node, users.get(node) ?? []);
      return { name: node.attrs.name, shape: sizesOf(node), role, kind: 'parameter' } as const;
    });
  if (parameters.length === 0) {
    const help = 'add a layer with weights, such as `conv`';
    throw new TrainingFault('model', 'the model has no parameters to train', help);
  }
  const projections = teacher ? projectionsOf(graph, teacher.graph, teacher.hints) : [];
  return [...parameters, ...projections.map((each) => ({ ...each, role: 'weight', kind: 'auxiliary' }) as const)];
}

function parameterGroups(
  graph: Graph,
  normalisations: readonly Normalisation[],
  options: TrainingSettings,
  optimizer: Optimizer,
): ParameterGroup[] {
  const { regularizers, optimizer: settings, ema, masks } = options;
  const groups = new Map<string, { restraint: Restraint; members: Learned[] }>();
  for (const each of learnedOf(graph, normalisations, options)) {
    const restraint = restraintOf(each.name, each.role, regularizers, optimizer, settings.weightDecay);
    const key = [...Object.values(restraint), each.kind].join(' ');
    const group = groups.get(key);
    if (group) group.members.push(each);
    else groups.set(key, { restraint, members: [each] });
  }
  return [...groups.values()].map(({ restraint, members }, index) => {
    const tensors = members.map(({ name, shape, kind }) => ({ name, shape, kind }));
    const weights = packedVector(numbered('weights', index), tensors);
    const slots = optimizer.slots.map((slot) => {
      return [slot, alike(`${slot}.${weights.name}`, weights, 'slot', `optim.${slot}`)] as const;
    });
    const isAveraged = ema !== undefined && members.some(({ kind }) => kind === 'parameter');
    const average = isAveraged ? alike(`ema.${weights.name}`, weights, 'ema', 'ema') : undefined;
    return { weights, restraint, slots: new Map(slots), ema: average, mask: maskVector(weights, masks) };
  });
}

function statisticsGroups(normalisations: readonly Normalisation[]): StatisticsGroup[] {
  const momenta = [...new Set(normalisations.map(({ momentum }) => momentum))];
  return momenta.map((momentum, index) => {
    const members = normalisations.filter((each) => each.momentum === momentum);
    const name = numbered('statistics', index);
    const blocks = packedVector(
      name,
      members.map(({ mean, channels }) => ({ name: mean, shape: [3, channels], kind: 'statistic' })),
    );
    const tensors = blocks.tensors.flatMap(({ offset }, at): StateTensor[] => {
      const { mean, variance, channels = 1 } = members[at] ?? { mean: '', variance: '' };
      const row = Math.ceil(channels / 4) * 4;
      const tensor = { shape: [channels], kind: 'statistic' } as const;
      return [
        { ...tensor, name: mean, offset },
        { ...tensor, name: variance, offset: offset + 2 * row },
      ];
    });
    return { vector: stateVector(name, blocks.length, tensors), momentum, members };
  });
}

/** All vectors, in a fixed order. */
export const vectorsOf = ({ groups, statistics, totals }: StatePlan): StateVector[] => [
  ...groups.map(({ weights }) => weights),
  ...statistics.map(({ vector }) => vector),
  ...groups.flatMap(({ slots }) => [...slots.values()]),
  ...groups.flatMap(({ ema }) => (ema ? [ema] : [])),
  totals,
];

/** Tensors by name as values of a graph: of parameters their moving averages, where they are `averaged`. */
export function leavesOf({ groups, statistics }: StatePlan, averaged: boolean): ReadonlyMap<string, Node> {
  const leaves = new Map<string, Node>();
  for (const { weights, ema } of groups) {
    const vector = averaged && ema ? ema : weights;
    for (const [at, { name }] of weights.tensors.entries()) {
      const tensor = vector.tensors[at];
      if (tensor) leaves.set(name, tensorIn(vector, tensor));
    }
  }
  for (const { vector } of statistics) {
    for (const tensor of vector.tensors) leaves.set(tensor.name, tensorIn(vector, tensor));
  }
  return leaves;
}

/** The initial value of every tensor of state that does not start at zero, by its own name. */
export function initialState(
  plan: StatePlan,
  { weights, masks }: Pick<TrainingOptions, 'weights' | 'masks'>,
): Map<string, Tensor> {
  const initial = new Map<string, Tensor>();
  const take = (name: string, source: string): void => {
    const value = weights.get(source);
    if (!value) throw new RangeError(`the parameter ${source} has no value to start with`);
    initial.set(name, masked(value, masks?.get(source)));
  };
  for (const { vector } of plan.statistics) for (const { name } of vector.tensors) take(name, name);
  for (const { weights: vector, ema } of plan.groups) {
    for (const [at, { name }] of vector.tensors.entries()) {
      take(name, name);
      const average = ema?.tensors[at];
      if (average) take(average.name, name);
    }
  }
  return initial;
}
