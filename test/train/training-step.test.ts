/** What the recorded runs do not show: dropout, one score for two classes, dense targets, state, and faults. */
import { describe, expect, it } from 'vitest';
import { topologicalOrder, makeGraph, makeNode, type Graph } from '../../compiler/ir/node.ts';
import { symbolicDim } from '../../compiler/ir/dim.ts';
import { verifyGraph } from '../../compiler/ir/verify.ts';
import { conv2d, dropout, dropoutMask, input, ops, parameter } from '../../compiler/ops/index.ts';
import { isOp } from '../../compiler/ir/op.ts';
import { isParameter } from '../../compiler/ir/leaves.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import { buildTrainingStep } from '../../compiler/train/training-step.ts';
import { trainingForm } from '../../compiler/train/training-form.ts';
import type { TrainingOptions } from '../../compiler/train/training-options.ts';
import { f32, noise } from '../ops/check-op.ts';
import { graphOf, plainRun, ReferenceTraining } from './reference-training.ts';

const importWeights = (graph: Graph): Map<string, Tensor> =>
  new Map(
    topologicalOrder(graph)
      .filter(isParameter)
      .map(({ attrs: { name, shape } }, seed) => [
        name,
        noise(shape.map(Number), seed, name.endsWith('var') ? [0.5, 2] : [-1, 1]),
      ]),
  );

const sgd = { kind: 'sgd', momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 } as const;

function optionsOf(model: string, more: Partial<TrainingOptions> = {}): TrainingOptions {
  const graph = graphOf('golden-nets.cnn', model);
  return {
    ...plainRun,
    graph,
    weights: importWeights(graph),
    batch: 3,
    target: { kind: 'class', classes: 3 },
    optimizer: sgd,
    ...more,
  };
}

const dropNet = (more: Partial<TrainingOptions> = {}): TrainingOptions =>
  optionsOf('DropNet', {
    target: { kind: 'class', classes: 2 },
    loss: [{ kind: 'bce', factor: 1, posWeight: 1 }],
    ...more,
  });

describe('a step with dropout and one score', () => {
  const image = noise([3, 2, 6, 6], 90);
  const labels = f32([3], [1, 0, 1]);

  it('takes the gradient of the loss under the masks that it drew', () => {
    const before = new ReferenceTraining(dropNet());
    const { loss } = before.step({ image, labels }, { lr: 1, seed: 5 });
    const start = dropNet().weights;
    const after = before.tensors();
    for (const [name, index] of [
      ['conv1.weight', 13],
      ['conv1.bias', 2],
      ['conv2.weight', 40],
      ['head.weight', 1],
    ] as const) {
      const first = start.get(name);
      if (!first) throw new Error(`no parameter ${name}`);
      const h = 1e-5;
      const [up = 0, down = 0] = [h, -h].map((shift) => {
        const data = Float64Array.from(first.data, (value, at) => (at === index ? value + shift : value));
        const moved = new ReferenceTraining(dropNet({ weights: new Map(start).set(name, f32(first.shape, data)) }));
        return Number(moved.step({ image, labels }, { lr: 1, seed: 5 })['loss']?.data[0]);
      });
      const gradient = Number(first.data[index]) - Number(after.get(name)?.data[index]);
      expect(gradient).toBeCloseTo((up - down) / (2 * h), 6);
      expect(Math.abs(gradient)).toBeGreaterThan(1e-6);
    }
    expect(loss?.shape).toEqual([1, 1]);
  });

  it('draws other masks at every step, by every seed and in every layer', () => {
    const lossOf = (seed: number, steps: number): number => {
      const training = new ReferenceTraining(dropNet());
      const losses = Array.from({ length: steps }, () =>
        Number(training.step({ image, labels }, { lr: 0, seed })['loss']?.data[0]),
      );
      return losses.at(-1) ?? Number.NaN;
    };
    expect(lossOf(1, 1)).toBe(lossOf(1, 1));
    expect(lossOf(1, 2)).not.toBe(lossOf(1, 1));
    expect(lossOf(2, 1)).not.toBe(lossOf(1, 1));
    const { step, scalars } = buildTrainingStep(dropNet());
    const masks = topologicalOrder(step).flatMap((node) => (isOp(node, dropoutMask) ? [node.attrs] : []));
    expect(masks).toEqual([
      { shape: [3, 4, 6, 6], p: 0.25, stream: 0 },
      { shape: [3, 4, 6, 6], p: 0.5, stream: 1 },
    ]);
    expect(scalars.at(-1)).toEqual({ input: 'rng', kind: 'rng' });
  });

  it('counts a positive score as class 1', () => {
    const training = new ReferenceTraining(dropNet());
    const outputs = training.evaluate({ image, labels, valid: f32([3], [1, 1, 1]) });
    const scores = [...(outputs['scores']?.data ?? [])];
    expect(outputs['scores']?.shape).toEqual([3, 1]);
    expect([...(outputs['prediction']?.data ?? [])]).toEqual(scores.map((score) => Number(score > 0)));
  });
});

describe('the training form of dropout', () => {
  const shape = [2, 3];
  const of = (p: number): Graph => {
    const x = makeNode(input, [], { name: 'x', index: 0, dtype: 'f32', shape });
    const asked: string[] = [];
    const { graph } = trainingForm(
      makeGraph({ output: makeNode(dropout, [x], { p }) }),
      () => undefined,
      () => {
        asked.push('rng');
        return makeNode(input, [], { name: 'rng', index: 1, dtype: 'f32', shape: [1, 4] });
      },
    );
    expect(asked).toEqual(p === 0 || p === 1 ? [] : ['rng']);
    return graph;
  };

  it('is nothing at p = 0, zero at p = 1, a mask in between', () => {
    const opsOf = (graph: Graph): string[] => topologicalOrder(graph).map(({ op }) => op.name);
    expect(opsOf(of(0))).toEqual(['input']);
    expect(opsOf(of(1))).toEqual(['input', 'constant', 'mul']);
    expect(opsOf(of(0.5))).toEqual(['input', 'input', 'dropoutMask', 'mul']);
  });
});

describe('the state of a run', () => {
  const { state, initial, step, evaluate } = buildTrainingStep(
    optionsOf('ClassNet', {
      optimizer: { kind: 'adamw', beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 },
      regularizers: [{ kind: 'weight_decay', value: 0.1, except: ['bn'] }],
      ema: 0.9,
    }),
  );

  it('has a vector for each group, slot, average and momentum of statistics', () => {
    expect(state.map(({ name }) => name)).toEqual([
      'weights',
      'weights.1',
      'statistics',
      'statistics.1',
      'exp_avg.weights',
      'exp_avg_sq.weights',
      'exp_avg.weights.1',
      'exp_avg_sq.weights.1',
      'ema.weights',
      'ema.weights.1',
      'totals',
    ]);
  });

  it('names its tensors as PyTorch does, apart from each other and inside of their vectors', () => {
    const tensors = state.flatMap((vector) => vector.tensors);
    expect(new Set(tensors.map(({ name }) => name)).size).toBe(tensors.length);
    const names = tensors.map(({ name }) => name);
    for (const name of [
      'fc.bias',
      'bn1.running_mean',
      'bn2.running_var',
      'optim.exp_avg_sq.bn1.weight',
      'ema.fc.bias',
    ]) {
      expect(names).toContain(name);
    }
    for (const { length, parameter: leaf, tensors: members } of state) {
      expect(leaf.type.shape).toEqual([1, length]);
      for (const { offset } of members) expect(offset % 4).toBe(0);
    }
    const slots = state.filter(({ name }) => name.endsWith('.weights.1'));
    for (const { tensors: members } of slots) {
      expect(members.map(({ offset, shape }) => ({ offset, shape }))).toEqual(
        state[1]?.tensors.map(({ offset, shape }) => ({ offset, shape })),
      );
    }
  });

  it('starts from the weights, averages too, and else from zero', () => {
    const { weights } = optionsOf('ClassNet');
    const expected = new Set([
      ...weights.keys(),
      ...[...weights.keys()].filter((name) => !name.includes('running')).map((name) => `ema.${name}`),
    ]);
    expect(new Set(initial.keys())).toEqual(expected);
    expect(initial.get('ema.fc.bias')).toEqual(weights.get('fc.bias'));
  });

  it('is read by the evaluation as averages and running statistics', () => {
    const read = (graph: Graph): string[] =>
      topologicalOrder(graph)
        .filter(isParameter)
        .map(({ attrs }) => attrs.name);
    expect(read(evaluate).toSorted()).toEqual(['ema.weights', 'ema.weights.1', 'statistics', 'statistics.1']);
    expect(new Set(read(step)).size).toBe(state.length);
  });

  it('is computed by nodes of which each says where it came from', () => {
    for (const graph of [step, evaluate]) {
      const bare = topologicalOrder(graph).filter(({ inputs, origin }) => inputs.length > 0 && origin === undefined);
      expect(bare.map(({ op }) => op.name)).toEqual([]);
    }
    const paths = new Set(topologicalOrder(step).map(({ origin }) => origin?.path));
    for (const path of ['loss', 'optimizer', 'conv1', 'bn2', 'fc']) expect(paths).toContain(path);
  });
});

describe('dense targets', () => {
  it('are compared with the output itself', () => {
    const training = new ReferenceTraining(
      optionsOf('ClassNet', {
        target: { kind: 'dense', classes: 0 },
        loss: [{ kind: 'mse', factor: 1 }],
      }),
    );
    const [image, labels] = [noise([3, 2, 6, 6], 1), noise([3, 3], 2)];
    const losses = Array.from({ length: 20 }, () => training.step({ image, labels }, { lr: 0.1 }));
    expect(losses.at(-1)?.['loss']?.data[0]).toBeLessThan(0.5 * Number(losses[0]?.['loss']?.data[0]));
    expect(losses[0]?.['correct']?.data).toEqual(new Float64Array(1));
    expect(Object.keys(training.built.evaluate.outputs)).toEqual(['loss', 'weight']);
    expect(verifyGraph(training.built.step, ops)).toEqual([]);
  });
});

describe('a training step that cannot be built', () => {
  const n = symbolicDim('N');
  const image = makeNode(input, [], { name: 'labels', index: 0, dtype: 'f32', shape: [n, 2, 4, 4] });
  const weight = makeNode(parameter, [], { name: 'w', dtype: 'f32', shape: [3, 2, 4, 4], init: { kind: 'zeros' } });
  const conv = makeNode(conv2d, [image, weight], {
    stride: [1, 1],
    padding: [0, 0, 0, 0],
    dilation: [1, 1],
    groups: 1,
  });
  const masks = { kind: 'mask', classes: 3 } as const;

  it.each([
    [
      'a model of open sizes',
      optionsOf('MaskNet', { target: masks }),
      'image is f32[N, 2, 2*H_2, 2*W_2]: axis 2 has no size',
    ],
    [
      'an image of the wrong size',
      optionsOf('ClassNet', { imageSize: [6, 8] }),
      'image is f32[N, 2, 6, 6]: axis 3 cannot be 8',
    ],
    ['an odd image', optionsOf('MaskNet', { imageSize: [6, 5], target: masks }), 'axis 3 cannot be 5'],
    ['scores of classes for masks', optionsOf('ClassNet', { target: masks }), 'the scores are f32[3, 3]'],
    ['scores of pixels for classes', optionsOf('MaskNet', { imageSize: [6, 6] }), 'the scores are f32[3, 3, 6, 6]'],
    [
      'other classes',
      optionsOf('ClassNet', { target: { kind: 'class', classes: 10 } }),
      'the model has 3 scores and the data 10 classes',
    ],
    [
      'an input of a name that is taken',
      optionsOf('ClassNet', { graph: makeGraph({ output: conv }), weights: new Map() }),
      'the input labels has the name of an input of the training step',
    ],
    [
      'several outputs',
      optionsOf('ClassNet', { graph: makeGraph({ a: conv, b: image }) }),
      'a model must have one output to be trained, not 2',
    ],
    [
      'no input',
      optionsOf('ClassNet', { graph: makeGraph({ a: weight }) }),
      'a model must have one input to be trained, not 0',
    ],
    [
      'nothing to train',
      optionsOf('ClassNet', { graph: makeGraph({ a: image }), target: { kind: 'dense', classes: 0 } }),
      'the model has no parameters to train',
    ],
  ])('says so of %s', (_, options, message) => {
    expect(() => buildTrainingStep(options)).toThrow(message);
  });
});
