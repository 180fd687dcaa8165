/** Which mistakes are kept, in which order, with which probability. */
import { expect, it } from 'vitest';
import { collectMistakes } from '../../../runtime/train/loop/mistakes.ts';

const tensor = (shape: readonly number[], ...values: number[]) => ({ shape, data: Float32Array.from(values) });
const target = { kind: 'class', classes: 3, ignore: 2 } as const;

it('keeps the surest, by softmax, over all batches', () => {
  const mistakes = collectMistakes(target, 2);
  // Right; wrong with 1/2; of the class that is ignored.
  mistakes.add(tensor([3, 3], 5, 0, 0, 0, 0, -100, 9, 0, 0), tensor([3], 0, 1, 2), 3);
  // Wrong with e^2 / (e^2 + 2); a sample that only fills the batch.
  mistakes.add(tensor([2, 3], 0, 2, 0, 9, 0, 0), tensor([2], 0, 1), 1);
  const [first, second] = mistakes.worst();
  expect(first).toMatchObject({ position: 3, label: 0, predicted: 1 });
  expect(first?.probability).toBeCloseTo(Math.E ** 2 / (Math.E ** 2 + 2), 6);
  expect(second).toMatchObject({ position: 1, label: 1, predicted: 0 });
  expect(second?.probability).toBeCloseTo(0.5, 6);
  mistakes.add(tensor([1, 3], 0, 8, 0), tensor([1], 0), 1);
  expect(mistakes.worst().map(({ position }) => position)).toEqual([4, 3]);
});

it('takes a distribution as it is, one score as a sigmoid, and no NaN', () => {
  const mistakes = collectMistakes({ kind: 'class', classes: 3 }, 9);
  mistakes.add(tensor([1, 3], 0.25, 0.5, 0.25), tensor([1], 0), 1);
  mistakes.add(tensor([1, 3], NaN, NaN, NaN), tensor([1], 1), 1);
  expect(mistakes.worst()).toEqual([{ position: 0, label: 0, predicted: 1, probability: 0.5 }]);
  const binary = collectMistakes({ kind: 'class', classes: 2 }, 9);
  binary.add(tensor([2, 1], -1, 3), tensor([2], 1, 0), 2);
  expect(binary.worst().map(({ position, predicted }) => [position, predicted])).toEqual([
    [1, 1],
    [0, 0],
  ]);
  expect(binary.worst()[1]?.probability).toBeCloseTo(1 / (1 + Math.exp(-1)), 6);
});
