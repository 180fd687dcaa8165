/** Losses and their gradients against PyTorch's, and what no recorded value shows: masks of samples, empty batches. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { makeGraph, makeNode, type Node } from '../../compiler/ir/node.ts';
import { elementCount, type Tensor } from '../../compiler/ir/type.ts';
import { input } from '../../compiler/ops/index.ts';
import { differentiate } from '../../compiler/train/differentiate.ts';
import { losses, weightedSum, type LossName, type LossTerm } from '../../compiler/train/losses/index.ts';
import type { Target } from '../../compiler/train/losses/loss.ts';
import { expectTensor, f32, noise } from '../ops/check-op.ts';

interface Recorded {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Case {
  readonly name: string;
  readonly terms: readonly LossTerm[];
  readonly scores: Recorded;
  readonly target: Recorded;
  readonly loss: number;
  readonly gradient: Recorded;
}

const cases = JSON.parse(
  readFileSync(new URL('../golden/train/losses.json', import.meta.url), 'utf8'),
) as readonly Case[];

const leaf = (name: string, index: number, shape: readonly number[]): Node =>
  makeNode(input, [], { name, index, dtype: 'f32', shape });

interface Given {
  readonly scores: Tensor;
  readonly target: Tensor;
  readonly valid?: Tensor;
}

/** Loss, weight and gradient of the scores. */
function measure(terms: readonly LossTerm[], given: Given, ignore?: number): Record<string, Tensor> {
  const scores = leaf('scores', 0, given.scores.shape);
  const wanted = leaf('target', 1, given.target.shape);
  const valid = given.valid && leaf('valid', 2, given.valid.shape);
  const isDense = given.target.shape.join() === given.scores.shape.join();
  const target: Target = isDense
    ? { kind: 'dense', values: wanted, valid }
    : { kind: 'labels', labels: wanted, ignore, valid };
  const { mean, weight } = weightedSum(scores, target, terms);
  expect([mean.type.shape, weight.type.shape]).toEqual([
    [1, 1],
    [1, 1],
  ]);
  const gradient = differentiate(mean, [scores]).get(scores);
  return evaluateGraph(makeGraph({ loss: mean, weight, ...(gradient && { gradient }) }), { ...given });
}

const valueOf = (tensor: Tensor | undefined): number => Number(tensor?.data[0]);
const tensor = ({ shape, data }: Recorded): Tensor => f32(shape, data);

describe('a loss', () => {
  it.each(cases)('equals PyTorch, with its gradient: $name', ({ terms, scores, target, loss, gradient }) => {
    const measured = measure(terms, { scores: tensor(scores), target: tensor(target) });
    expectTensor(measured['loss'] ?? f32([], []), { shape: [1, 1], data: [loss] });
    expectTensor(measured['gradient'] ?? f32([], []), gradient);
  });

  it('is recorded under every name', () => {
    const recorded = new Set(cases.flatMap(({ terms }) => terms.map(({ kind }) => kind)));
    expect([...recorded].toSorted()).toEqual(Object.keys(losses).toSorted());
  });
});

const every: readonly LossTerm[] = [
  { kind: 'cross_entropy', factor: 1, labelSmoothing: 0.1, classWeights: [1, 2, 0.5, 3] },
  { kind: 'dice', factor: 1, smooth: 1 },
  { kind: 'mse', factor: 1 },
  { kind: 'l1', factor: 1 },
  { kind: 'huber', factor: 1, delta: 0.5 },
  { kind: 'bce', factor: 1, posWeight: 2 },
  { kind: 'kl_div', factor: 1 },
];

const images = (x: Tensor, from: number, to: number): Tensor => {
  const size = elementCount(x.shape.slice(1));
  return f32([to - from, ...x.shape.slice(1)], x.data.slice(from * size, to * size));
};

describe('a mask of samples', () => {
  const labels = (shape: readonly number[], seed: number): Tensor => {
    const drawn = noise(shape, seed, [-0.7, 4.2]);
    return f32(shape, drawn.data.map(Math.floor));
  };
  const rest: readonly (readonly number[])[] = [[], [3, 2]];
  const pairs = every.flatMap((term) => rest.map((plane) => [term.kind, plane.length, term, plane] as const));

  it.each(pairs)('leaves samples out of %s (%i further axes)', (_, __, term, plane) => {
    const [scores, target] = [noise([5, 4, ...plane], 3), labels([5, ...plane], 4)];
    const all = measure([term], { scores, target, valid: f32([5], [1, 1, 1, 0, 0]) });
    const first = measure([term], { scores: images(scores, 0, 3), target: images(target, 0, 3) });
    for (const name of ['loss', 'weight']) {
      expect(valueOf(all[name])).toBeCloseTo(valueOf(first[name]), 12);
    }
    expect(all['gradient']?.data.slice(3 * 4 * elementCount(plane)).every((value) => value === 0)).toBe(true);
  });

  it.each(pairs)('leaves batches of %s that add up to the whole (%i further axes)', (_, __, term, plane) => {
    const [scores, target] = [noise([6, 4, ...plane], 5), labels([6, ...plane], 6)];
    const whole = measure([term], { scores, target });
    const parts = [
      measure([term], { scores: images(scores, 0, 2), target: images(target, 0, 2) }),
      measure([term], { scores: images(scores, 2, 6), target: images(target, 2, 6) }),
    ];
    const weight = parts.reduce((sum, part) => sum + valueOf(part['weight']), 0);
    const mean = parts.reduce((sum, part) => sum + valueOf(part['loss']) * valueOf(part['weight']), 0) / weight;
    expect(weight).toBeCloseTo(valueOf(whole['weight']), 10);
    expect(mean).toBeCloseTo(valueOf(whole['loss']), 12);
  });

  it.each(every.map((term): [LossName, LossTerm] => [term.kind, term]))(
    'that leaves nothing makes %s and its gradient zero',
    (_, term) => {
      const given = { scores: noise([2, 4, 3, 3], 7), target: f32([2, 3, 3], Array(18).fill(-1)) };
      for (const measured of [measure([term], given), measure([term], { ...given, valid: f32([2], [0, 0]) })]) {
        expect([valueOf(measured['loss']), valueOf(measured['weight'])]).toEqual([0, 0]);
        expect(measured['gradient']?.data.every((value) => value === 0)).toBe(true);
      }
    },
  );

  it('works with dense targets', () => {
    const [scores, target] = [noise([3, 4], 1), noise([3, 4], 2)];
    const some = measure([{ kind: 'mse', factor: 1 }], { scores, target, valid: f32([3], [1, 0, 1]) });
    const rows = [0, 2].flatMap((row) => [0, 1, 2, 3].map((at) => row * 4 + at));
    const squares = rows.map((at) => ((scores.data[at] ?? 0) - (target.data[at] ?? 0)) ** 2);
    expect(valueOf(some['loss'])).toBeCloseTo(squares.reduce((sum, each) => sum + each, 0) / 8, 12);
  });
});

describe('the class to ignore', () => {
  const scores = noise([2, 4, 3, 3], 8);
  const target = f32(
    [2, 3, 3],
    Float64Array.from({ length: 18 }, (_, at) => at % 4),
  );

  it.each([
    ['cross_entropy', { kind: 'cross_entropy', factor: 1, labelSmoothing: 0 }],
    ['dice', { kind: 'dice', factor: 1, smooth: 1 }],
  ] as const)('of %s is that of the dataset unless told', (_, term) => {
    const given = { scores, target };
    const byDataset = measure([term], given, 2);
    const byLoss = measure([{ ...term, ignore: 2 }], given);
    const over = measure([{ ...term, ignore: 2 }], given, 1);
    expect(byDataset).toEqual(byLoss);
    expect(over).toEqual(byLoss);
    expect(valueOf(byLoss['loss'])).not.toBeCloseTo(valueOf(measure([term], given)['loss']), 6);
  });
});

describe('a loss that does not fit', () => {
  const scores = noise([2, 4], 1);
  const given = { scores, target: f32([2], [0, 3]) };

  it('is refused', () => {
    const weights: LossTerm = { kind: 'cross_entropy', factor: 1, labelSmoothing: 0, classWeights: [1, 2] };
    expect(() => measure([weights], given)).toThrow('2 class weights do not fit 4 classes');
    const one = { scores: noise([2, 1], 1), target: f32([2], [0, 1]) };
    const cross: LossTerm = { kind: 'cross_entropy', factor: 1, labelSmoothing: 0 };
    expect(() => measure([cross], one)).toThrow('cross_entropy needs a score for each class, and the model has one');
    expect(() => measure([], given)).toThrow('a loss needs at least one term');
  });
});
