/** A recipe for tests that run programs without the loop around them. */
import type { Recipe } from '../../runtime/train/recipe.ts';

export const trainingRecipe = (batch: number): Recipe => ({
  name: 'test',
  seed: 1,
  epochs: 1,
  batch,
  data: { name: 'none', format: 'synthetic', split: { seed: 1 } },
  target: { kind: 'class', classes: 5 },
  augment: [],
  lr: 0.1,
  schedule: { base: { kind: 'constant' } },
  scalars: [],
  metrics: [],
  checkpoint: { every: { value: 1, unit: 'epochs' }, keep: 1, best: { monitor: 'val.loss', mode: 'min' } },
  onNan: { kind: 'stop' },
});
