/** The settings of a stage's training: which are its own, which it takes over, and which are no settings of a training. */
import { expect, it } from 'vitest';
import { stagesOf } from '../../compiler/stages/run/stage-graph.ts';
import { trainingDirective } from '../../compiler/stages/train/training-directive.ts';
import { learningOf } from '../../compiler/stages/train/training-settings.ts';
import { check, show } from '../analyze/memory-host.ts';

function learning(prune: string, group?: string) {
  const { program, diagnostics } = check(`
model M(image: f32[N, 3, 8, 8]) { return image |> a: conv(4, k=3) |> global_avg_pool |> flatten |> b: linear(2) }
dataset d { format = "synthetic" }
train base for M { data = d  batch = 8  epochs = 5  loss = mse()  optimizer = adam()  schedule = cosine() }
prune thin for M { from = base  target = ratio(50%)  ${prune} }`);
  const stage = stagesOf(program.directives).find(({ name }) => name === 'thin');
  if (!stage) throw new Error(diagnostics.map(show).join('\n'));
  return learningOf(trainingDirective(stage, group));
}

it('are defaults where neither the stage nor those before it say anything', () => {
  expect(learning('')).toMatchObject({ batch: 8, epochs: 1, seed: 0, schedule: { kind: 'constant' } });
  expect(learning('batch = 4  finetune { epochs = 3 }', 'finetune')).toMatchObject({ batch: 4, epochs: 3 });
});

it('have a schedule of the rate alone, whatever the one of a pruning is called', () => {
  const linear = 'schedule = linear(end=1)';
  const constant = { kind: 'constant' };
  expect(learning(linear).schedule).toMatchObject(constant);
  expect(learning(`${linear}  finetune { epochs = 2 }`, 'finetune').schedule).toMatchObject(constant);
  const own = 'finetune { epochs = 2  schedule = linear(end_factor=0) }';
  expect(learning(`${linear}  ${own}`, 'finetune').schedule).toMatchObject({
    kind: 'linear',
    startFactor: 1 / 3,
    endFactor: 0,
  });
});
