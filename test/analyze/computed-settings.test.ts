/** Settings that are computed: constants of every kind stand wherever a literal may. */
import { describe, expect, it } from 'vitest';
import { analyze } from '../../compiler/analyze/index.ts';
import type { Setting } from '../../compiler/analyze/directives/settings.ts';
import { faultsOf, memoryHost } from './memory-host.ts';

/** A setting without places, as it would be written. */
function plain(setting: Setting | undefined): unknown {
  switch (setting?.kind) {
    case 'list':
      return setting.elements.map(plain);
    case 'call':
      return { [setting.name]: Object.fromEntries([...setting.args].map(([key, value]) => [key, plain(value)])) };
    case 'group':
      return Object.fromEntries([...setting.entries].map(([key, value]) => [key, plain(value)]));
    case 'number':
    case 'bool':
    case 'string':
    case 'name':
      return setting.value;
    default:
      return undefined;
  }
}

const model = 'model M(x: f32[N, 3, 8, 8]) { return x |> conv1: conv(4, k=1) |> flatten |> linear(2) }\n';

function settingsOf(source: string, others: Readonly<Record<string, string>> = {}): readonly unknown[] {
  const program = analyze('main.cnn', memoryHost({ 'main.cnn': model + source, ...others }));
  expect(program.diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([]);
  return program.directives.map(({ settings, items }) => [
    ...[...settings].map(([key, value]) => [key, plain(value)]),
    ...items.map(plain),
  ]);
}

describe('constants in settings', () => {
  const dataset = 'dataset d { format = "idx" }\n';
  const train = (entries: string): string =>
    `${dataset}train t for M { data = d  loss = mse  optimizer = sgd(lr=0.1)  ${entries} }`;
  const keyOf = (source: string, key: string): unknown => {
    const all = settingsOf(source).flat();
    return all.find((entry): entry is [string, unknown] => Array.isArray(entry) && entry[0] === key)?.[1];
  };

  it('are lists', () => {
    const source = 'const mean = [0.5, 0.4, 0.3]\npreprocess for M { normalize(mean=mean, std=[mean[0], 1, 1.0 / 4]) }';
    expect(settingsOf(source)).toEqual([[{ normalize: { mean: [0.5, 0.4, 0.3], std: [0.5, 1, 0.25] } }]]);
  });

  it('are computed lists, and lists of other files', () => {
    const source =
      'import { mean, wide } from "./other.cnn"\nconst std = if wide then [1.0, 1.0, 1.0] else [2.0, 2.0, 2.0]\npreprocess for M { normalize(mean=mean, std=std) }';
    const other = 'const third = 0.25\nconst mean = [third, third, third]\nconst wide = true';
    expect(settingsOf(source, { 'other.cnn': other })).toEqual([
      [{ normalize: { mean: [0.25, 0.25, 0.25], std: [1, 1, 1] } }],
    ]);
  });

  it.each<readonly [string, string, string, unknown]>([
    [
      'times',
      'const drops = [2epochs, 5epochs]',
      'epochs = 9  schedule = multi_step(at=drops)',
      { multi_step: { at: [2, 5] } },
    ],
    ['one time', 'const drop = 2epochs', 'epochs = 9  schedule = multi_step(at=[drop])', { multi_step: { at: [2] } }],
    [
      'percentages',
      'const decay = 90%',
      'epochs = 9  schedule = exponential(gamma=decay)',
      { exponential: { gamma: 0.9 } },
    ],
  ])('are %s', (_, constant, entries, value) => {
    expect(keyOf(`${constant}\n${train(entries)}`, 'schedule')).toEqual(value);
  });

  it('are patterns and pairs', () => {
    const finetune = 'from = t  target = ratio(50%)';
    const prune = (skip: string): string => `${train('')}\nprune p for M { ${finetune}  skip = ${skip} }`;
    expect(keyOf(`const kept = ["conv1", "linear"]\n${prune('kept')}`, 'skip')).toEqual(['conv1', 'linear']);
    expect(keyOf(`const first = "conv1"\n${prune('[first, bias]')}`, 'skip')).toEqual(['conv1', 'bias']);
    const weights = 'weights w for M { file = "a"  rename = renames }';
    expect(keyOf(`const renames = [("a", "b")]\n${weights}`, 'rename')).toEqual([['a', 'b']]);
    expect(keyOf(`const pair = ("a", "b")\n${weights.replace('renames', '[pair]')}`, 'rename')).toEqual([['a', 'b']]);
  });

  it('are strings, where one of several names is wanted too, whose own names come first', () => {
    expect(
      settingsOf('const layout = "idx"\nconst folder = "data"\ndataset d { format = layout  path = folder }'),
    ).toEqual([
      [
        ['format', 'idx'],
        ['path', 'data'],
      ],
    ]);
    expect(settingsOf('const idx = "npz"\ndataset d { format = idx }')).toEqual([[['format', 'idx']]]);
  });

  it('are limits of budgets', () => {
    expect(faultsOf(`${model}const most = 2K\nbudget for M { params <= most  val.accuracy >= 1 - 0.2 }`)).toEqual([]);
  });
});

describe('faults in them', () => {
  const normalize = (constant: string): string[] =>
    faultsOf(`${model}${constant}\npreprocess for M { normalize(mean=mean, std=[1, 1, 1]) }`);

  it('point at the setting, once for a file of several models', () => {
    const two = model.replace('M(', 'L(');
    const faults = ['E0604 4:35 `mean` of `normalize` must be a list'];
    expect(normalize(`${two}const mean = 0.5`)).toEqual(faults);
  });

  it('name the element', () => {
    expect(normalize('const mean = [0.5, "a", 0.5]')).toEqual([
      'E0604 3:35 an element of `mean` of `normalize` must be a number, not a string',
    ]);
  });

  it('are those of the constant alone where that has one', () => {
    expect(normalize('const mean = [0.5, nothing_like_it, 0.5]')).toEqual([
      'E0201 2:20 unknown name `nothing_like_it`',
    ]);
  });
});
