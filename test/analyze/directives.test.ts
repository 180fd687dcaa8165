/** Directives: the schema's checks, and what is read out of them. */
import { describe, expect, it } from 'vitest';
import { analyze } from '../../compiler/analyze/index.ts';
import { faultsOf, memoryHost } from './memory-host.ts';

const model = 'model M(x: f32[N, 4, 8, 8]) { return x }\n';
const train = `${model}dataset d { format = "idx" }\ntrain t for M { data = d  loss = bce  `;

const cases: readonly (readonly [source: string, ...faults: string[]])[] = [
  [`${model}trian base for M { }`, 'E0601 2:1 unknown directive `trian`'],
  [`${model}weights w for M { file = "a"  strikt = true }`, 'E0602 2:31 `weights` has no key `strikt`'],
  [`${train}optimizer = sgd(lr=0.1, momentun=0.1) }`, 'E0602 3:63 `sgd` has no `momentun`'],
  [`${model}budget for M { parms <= 3 }`, 'E0602 2:16 a budget cannot compare `parms`'],
  [`${model}weights w for M { strict = true }`, 'E0603 2:1 `weights` needs `file`: a safetensors file'],
  [`${train}optimizer = sgd }`, 'E0603 3:51 `sgd` needs `lr`: learning rate'],
  [`${model}weights w for M { file = 3 }`, 'E0604 2:26 `file` must be a string, not an int'],
  ['dataset d { format = "idx"  classes = 3px }', 'E0604 1:39 `classes` cannot be 3px'],
  [`${train}optimizer = sgd(lr=0.1)  epochs = 5steps }`, 'E0604 3:73 `epochs` cannot be 5steps'],
  ['dataset d { format = "idx"  classes = 3.5 }', 'E0604 1:39 `classes` must be an integer, not 3.5'],
  ['dataset d { format = "cifar-binari" }', 'E0604 1:22 `format` cannot be `cifar-binari`'],
  [`${train}optimizer = sgdd(lr=0.1) }`, 'E0604 3:51 `optimizer` cannot be `sgdd`'],
  ['dataset d { format = "idx"  split = 3 }', 'E0604 1:37 `split` is a group'],
  ['dataset d { format = "idx"  classes { a = 3 } }', 'E0604 1:29 `classes` is a value, not a group'],
  [`${model}budget for M { val.acuracy >= 90% }`, 'E0604 2:16 a budget must be a metric, not `val.acuracy`'],
  [`${model}budget for M { macs <= 3ms }`, 'E0604 2:24 the limit of `macs` cannot be 3ms'],
  [`${model}budget for M { latency <= 3ms }`, 'E0604 2:16 `latency` is no figure to compare'],
  [`${model}budget for M { drop(base) <= 1% }`, 'E0604 2:16 `drop(base)` is no figure to compare'],
  [`${model}budget for M { macs }`, 'E0604 2:16 an entry of `budget` must be a comparison'],
  [`${model}preprocess for M { resiz(3px) }`, 'E0604 2:20 an entry of `preprocess` cannot be `resiz`'],
  [
    `${model}preprocess for M { normalize(mean=[0.5], std=[0.5])  resize(3px) }`,
    'E0604 2:54 `resize` cannot follow `normalize`',
  ],
  [
    `${model}weights w for M { file = "a"  rename = ["a"] }`,
    'E0604 2:40 `rename` must be a list of pairs, as in `[("a", "b")]`',
  ],
  ['dataset d { format = "idx"  classes = 0 }', 'E0605 1:39 `classes` must be at least 1, not 0'],
  [
    `${model}preprocess for M { normalize(mean=[0.5], std=[0.5, 0.5]) }`,
    'E0605 2:20 `mean` has 1 values and `std` has 2',
  ],
  [`${model}weights w for Q { file = "a" }`, 'E0606 2:15 no model is called `Q`'],
  [`${model}distill a for M { teacher = K }`, 'E0606 2:29 no model is called `K`'],
  [
    `${model}dataset cifar { format = "idx" }\ntrain t for M { data = cifr  loss = bce  optimizer = sgd(lr=0.1) }`,
    'E0607 3:24 no dataset is called `cifr`',
  ],
  [
    `${model}distill a for M { from = b  teacher = M }\ndistill b for M { from = a  teacher = M }`,
    'E0607 2:26 stages follow each other in a circle: a -> b -> a',
  ],
  [
    `${model}distill a for M { teacher = b }\ndistill b for M { teacher = a }`,
    'E0607 2:29 stages follow each other in a circle: a -> b -> a',
  ],
  [`${model}quantize q for M { }\ndistill a for M { teacher = q }`, 'E0611 3:29 `q` cannot be a teacher: it is int8'],
  [`${model}weights w for M { file = "a"  file = "b" }`, 'E0608 2:31 `file` is given twice'],
  [`${model}weights w for M { file = "a" }\nweights w for M { file = "b" }`, 'E0609 3:9 `w` is declared twice'],
  [`${model}preprocess for M { }\npreprocess for M { }`, 'E0609 3:16 `M` has two directives `preprocess`'],
  [`${model}weights w { file = "a" }`, 'E0610 2:1 `weights` needs a target'],
  [`${model}weights for M { file = "a" }`, 'E0610 2:1 `weights` needs a name'],
  [`${model}budget b for M { params <= 3 }`, 'E0610 2:8 `budget` has no name of its own'],
  [`const rate = 0.1\n${train}optimizer = sgd(lr=rate * 2) }`],
  ['dataset d { format = "idx"  split { train = 80%  val = 0.2  test = 100% } }'],
  ['dataset d { format = "idx"  split { train = 120% } }', 'E0605 1:45 `train` must be at most 100%, not 120%'],
  ['dataset d { format = "idx"  split { train = -1 } }', 'E0605 1:45 `train` must be at least 0, not -1'],
  ['dataset d { format = "idx"  split { train = 1.0 } }', 'E0604 1:45 `train` may be one sample or all of them'],
  [
    'dataset d { format = "idx"  split { train = 80.5 } }',
    'E0604 1:45 `train` must be a whole number or a share, not 80.5',
  ],
  ['dataset d { format = "idx"  split { train = 8px } }', 'E0604 1:45 `train` cannot be 8px'],
];

describe('directive checks', () => {
  it.each(cases.map((each) => [each[1] ?? 'nothing', each] as const))('%s', (_, [source, ...faults]) => {
    expect(faultsOf(source)).toEqual(faults);
  });
});

describe('what directives say about a model', () => {
  const source = `${model}const side = 8px
preprocess for M {
  resize(10px, height=12px)
  resize(side)
  center_crop(8px)
  normalize(mean=[1 / 2.0, 0.25, 0, 0], std=[1, 2, 3, 4])
  labels = "names.txt"
}
weights first for M { file = "w/a.safetensors" }
weights second for M { file = "b.safetensors"  strict = false  rename = [("backbone.", "")] }
budget for M {
  params <= 2.55M
  macs   <= 57MMACs
  latency(p90) < 2ms
  val.accuracy >= 91.5%
  peak_memory <= 2MiB
  batch = 4
}
`;
  const files = { 'dir/main.cnn': source, 'dir/names.txt': 'cat\r\ndog\n', '/data/b.safetensors': '' };
  const program = analyze('dir/main.cnn', { ...memoryHost(files), dataFolder: '/data' });
  const [only] = program.models;

  it('is free of faults', () => expect(program.diagnostics).toEqual([]));

  it('holds the preprocessing as the artifact does', () => {
    expect(only?.preprocess()).toEqual({
      preprocess: {
        steps: [
          { op: 'resize', size: [10, 12] },
          { op: 'resize', size: 8 },
          { op: 'center_crop', size: 8 },
          { op: 'normalize', mean: [0.5, 0.25, 0, 0], std: [1, 2, 3, 4] },
        ],
        labels: ['cat', 'dog'],
      },
      diagnostics: [],
    });
  });

  it('reports a missing file of class names only where they are read', () => {
    const without = analyze('dir/main.cnn', memoryHost({ 'dir/main.cnn': source }));
    expect(without.diagnostics).toEqual([]);
    expect(without.models[0]?.preprocess().diagnostics).toMatchObject([
      { code: 'E0701', message: 'cannot read dir/names.txt' },
    ]);
  });

  it('resolves weight files beside the source, then in the data folder', () => {
    expect(only?.weights).toMatchObject([
      { name: 'first', path: 'dir/w/a.safetensors', strict: true, rename: [] },
      { name: 'second', path: '/data/b.safetensors', strict: false, rename: [['backbone.', '']] },
    ]);
  });

  it('holds budgets in base units', () => {
    expect(only?.budgets).toMatchObject([
      {
        batch: 4,
        constraints: [
          { metric: 'params', operator: '<=', limit: 2_550_000, text: 'params <= 2.55M' },
          { metric: 'macs', operator: '<=', limit: 57_000_000 },
          { metric: 'latency', argument: 'p90', operator: '<', limit: 0.002 },
          { metric: 'val.accuracy', operator: '>=', limit: 0.915 },
          { metric: 'peak_memory', operator: '<=', limit: 2 * 2 ** 20 },
        ],
      },
    ]);
  });
});
