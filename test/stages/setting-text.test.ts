/** Settings as reports and messages show them. */
import { expect, it } from 'vitest';
import { settingText } from '../../compiler/stages/run/setting-text.ts';
import { check } from '../analyze/memory-host.ts';

const shown = (split: string, loss: string): (string | undefined)[] => {
  const { program } = check(`
model Net(x: f32[N, 2, 6, 6]) { return x |> global_avg_pool |> flatten |> fc: linear(3) }
dataset shapes { format = "synthetic"  size = 6px  classes = 3  split { ${split} } }
train base for Net { data = shapes  loss = ${loss}  optimizer = sgd(lr=0.1) }
`);
  const setting = (word: string, key: string) =>
    program.directives.find((each) => each.word === word)?.settings.get(key);
  return [setting('dataset', 'split'), setting('train', 'loss')].map((each) => each && settingText(each));
};

it('are as the language writes them', () => {
  expect(shown('train = 83%  val = 7%  test = 10%', 'cross_entropy()')).toEqual([
    '{ test=10%, train=83%, val=7% }',
    'cross_entropy()',
  ]);
  expect(shown('train = 40  val = 100%', '0.5 * dice() + cross_entropy()')).toEqual([
    '{ train=40, val=100% }',
    '0.5 * dice() + cross_entropy()',
  ]);
});

it('are the same text for the same share, and another for one sample', () => {
  expect(shown('val = 0.07', 'mse()')).toEqual(shown('val = 7%', '1 * mse()'));
  expect(shown('val = 1', 'mse()')).not.toEqual(shown('val = 100%', 'mse()'));
});
