/** What a stage depends on is what is written: defaults that are filled in for its readers are no part of it. */
import { expect, it } from 'vitest';
import { stagesOf } from '../../compiler/stages/run/stage-graph.ts';
import { identityChanges, identityOf } from '../../compiler/stages/run/stage-identity.ts';
import { check, show } from '../analyze/memory-host.ts';

function identity(prune: string, more = '') {
  const { program, models, diagnostics } = check(`
model M(image: f32[N, 3, 8, 8]) { return image |> a: conv(4, k=3) |> global_avg_pool |> flatten |> b: linear(2) }
dataset d { format = "synthetic" }
train base for M { data = d  loss = mse()  optimizer = adam()  epochs = 2 }
prune thin for M { from = base  target = ratio(50%)  ${prune} }
${more}`);
  const [stage] = stagesOf(program.directives).filter(({ name }) => name === 'thin');
  const graph = models[0]?.built?.graph;
  if (!stage || !graph) throw new Error(diagnostics.map(show).join('\n'));
  const { directives } = program;
  const none = { flags: {}, files: [], upstream: '', teachers: [], preprocess: undefined };
  return identityOf({ stage, graph, directives, ...none });
}

it('has the settings that are written here and taken over, and no others', () => {
  expect(identity('schedule = linear(end=1)  finetune { epochs = 1 }').settings).toEqual({
    word: 'prune',
    model: 'M',
    data: 'd',
    'd.format': 'synthetic',
    loss: 'mse()',
    optimizer: 'adam()',
    from: 'base',
    target: 'ratio(value=0.5)',
    schedule: 'linear(end=1)',
    'finetune.epochs': '1',
  });
});

it('names what is written anew', () => {
  const before = identity('');
  expect(identityChanges(identity('seed = 0'), before)).toEqual(['seed is 0 and was not given']);
  expect(identityChanges(identity('criterion = l1_norm()'), before)).toEqual([
    'criterion is l1_norm() and was not given',
  ]);
});
