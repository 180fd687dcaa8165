/** Numbers that the host hands to each step. */
import { expect, it } from 'vitest';
import { scalarInputs } from '../../../runtime/train/step-inputs.ts';
import { tinyRecipe } from './tiny-training.ts';

const at = (step: number): Record<string, number | undefined> => {
  const recipe = tinyRecipe({
    scalars: [
      { input: 'lr', kind: 'lr' },
      { input: 'slower', kind: 'inverseTime', decay: 0.5 },
      { input: 'correction', kind: 'biasCorrection', beta: 0.5 },
    ],
  });
  const inputs = scalarInputs(recipe, step, { lr: 0.25, momentum: undefined });
  return Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, data[0]]));
};

it('follow the step, which is counted from one in their formulas', () => {
  expect(at(0)).toEqual({ lr: 0.25, slower: 1, correction: 0.5 });
  expect(at(2)).toEqual({ lr: 0.25, slower: 0.5, correction: 0.875 });
});
