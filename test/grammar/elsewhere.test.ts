/** The table of other frameworks' names: every row is right where it says that it is, and what stands for an op computes it. */
import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { elementCount, type Tensor } from '../../compiler/ir/type.ts';
import { argumentNames } from '../../grammar/elsewhere/arguments.ts';
import { foreignHelp, type Foreign } from '../../grammar/elsewhere/index.ts';
import { foreignRows } from '../../compiler/analyze/directives/foreign-settings.ts';
import { settingArguments } from '../../grammar/elsewhere/settings.ts';
import { directiveSchemas, lossFunctions } from '../../compiler/analyze/directives/directive-schema.ts';
import { preludeOps } from '../../compiler/analyze/prelude/prelude.ts';
import { built, check, faultsOf } from '../analyze/memory-host.ts';

const rowsOf = (kind: string): readonly Foreign[] => foreignRows[kind] ?? [];
const written = (kind: string): (readonly [string, string])[] =>
  rowsOf(kind).flatMap(({ names, here }) => (here === undefined ? [] : [[here, names[0] ?? ''] as const]));

/** Errors alone: what a row shows may be more than a file needs. */
const errorsOf = (source: string): string[] =>
  check(source)
    .diagnostics.filter(({ severity }) => severity === 'error')
    .map(({ code, message }) => `${code} ${message}`);

/** A block that gives `value`, with x and y of [N, C, H, W] and a model around it. */
const around = (value: string): string =>
  `block b(x: f32[N, C, H, W], y: f32[N, C, H, W]) {\n  ${value}\n}\nmodel M(x: f32[2, 4, 8, 8], y: f32[2, 4, 8, 8]) { return b(x, y) }`;
const returning = (value: string): string =>
  around(value.startsWith('split(') ? `let (a, _) = ${value}\n  return a` : `return ${value}`);

const network =
  'dataset d { format = synthetic  samples = 200  size = 8px  classes = 10 }\nmodel M(x: f32[N, 3, 8, 8]) -> f32[N, 10] { return x |> flatten |> linear(10) }\n';
const train = (entries: string): string => `${network}train t for M { epochs = 100  ${entries} }`;
const [data, loss, optimizer] = ['data = d', 'loss = cross_entropy()', 'optimizer = sgd(lr=0.1)'];

/** The source that a row's `here` is right in. */
const contexts: Readonly<Record<string, (here: string) => string>> = {
  stages: (here) => returning(`x |> ${here}`),
  values: (here) => (/^(true|false|none|0)$/.test(here) ? around('return x') : returning(here)),
  absent: returning,
  optimizers: (here) => train(`${data}  ${loss}  optimizer = ${here}`),
  schedules: (here) => train(`${data}  ${loss}  ${optimizer}  schedule = ${here}`),
  losses: (here) => train(`${data}  ${optimizer}  loss = ${here}`),
  augmentations: (here) => train(`${data}  ${loss}  ${optimizer}  augment { ${here} }`),
  // The sizes that a row proposes are those of the model.
  preprocessing: (here) => {
    const size = /(\d+)px/.exec(here)?.[1] ?? '8';
    const crop = here.startsWith('resize') ? `  center_crop(${size}px)` : '';
    return `${network.replaceAll('8, 8]', `${size}, ${size}]`)}preprocess for M { ${here}${crop} }`;
  },
  keys: (here) =>
    train(
      [data, loss, optimizer]
        .filter((entry) => entry.split(' ')[0] !== here.split(' ')[0])
        .concat(here.replace('epochs = 10', ''))
        .join('  '),
    ),
  datasetKeys: (here) => `dataset e { ${here.startsWith('format') ? '' : 'format = synthetic  '}${here} }`,
  formats: (here) => `dataset e { format = ${here} }`,
  metrics: (here) => train(`${data}  ${loss}  ${optimizer}  metric = [val.${here}]`),
};

describe('every spelling that is proposed', () => {
  it('belongs to a kind that is tried', () => {
    expect([...Object.keys(contexts), 'words'].sort()).toEqual(Object.keys(foreignRows).sort());
  });

  describe.each(Object.entries(contexts))('%s', (kind, sourceOf) => {
    it.each(written(kind))('%s, for %s', (here) => {
      expect(errorsOf(sourceOf(here))).toEqual([]);
    });
  });

  it.each(written('words'))('%s is a directive, for %s', (here) => {
    expect(Object.keys(directiveSchemas)).toContain(here);
  });
});

describe('every name', () => {
  const ops = ['stages', 'values', 'absent'].flatMap(rowsOf);

  it.each(ops.flatMap((row) => row.names.map((name) => [name, foreignHelp(row)] as const)))(
    '%s is answered with its row, bare and behind its module',
    (name, help) => {
      const bare = name.slice(name.lastIndexOf('.') + 1);
      const helpOf = (source: string): (string | undefined)[] =>
        check(source)
          .diagnostics.filter(({ code }) => code === 'E0201')
          .map((each) => each.help);
      // Names that are ops or keywords here are right as they stand.
      if (!preludeOps.has(bare)) expect(helpOf(returning(`x |> ${bare}`))).toEqual([help]);
      if (name.startsWith('nn.') || name.startsWith('torch.') || name.startsWith('F.')) {
        expect(helpOf(returning(`${name}(x)`))).toEqual([help]);
      }
    },
  );

  it('belongs to one row of its table', () => {
    const lower = (name: string): string =>
      name
        .slice(name.lastIndexOf('.') + 1)
        .toLowerCase()
        .replaceAll('_', '');
    for (const kinds of [['stages', 'values', 'absent'], ...Object.keys(foreignRows).map((each) => [each])]) {
      const names = kinds.flatMap(rowsOf).flatMap((row) => [...new Set(row.names.map(lower))]);
      expect(names.filter((name, at) => names.indexOf(name) < at)).toEqual([]);
    }
  });

  it.each<readonly [string, (name: string) => string, string]>([
    ['optimizers', (name) => train(`${data}  ${loss}  optimizer = ${name}(lr=0.1)`), 'E0604'],
    ['schedules', (name) => train(`${data}  ${loss}  ${optimizer}  schedule = ${name}()`), 'E0604'],
    ['losses', (name) => train(`${data}  ${optimizer}  loss = ${name}()`), 'E0604'],
    ['augmentations', (name) => train(`${data}  ${loss}  ${optimizer}  augment { ${name}() }`), 'E0604'],
    ['preprocessing', (name) => `${network}preprocess for M { ${name}() }`, 'E0604'],
    ['keys', (name) => train(`${data}  ${loss}  ${optimizer}  ${name} = 1`), 'E0602'],
    ['datasetKeys', (name) => `dataset e { format = synthetic  ${name} = 1 }`, 'E0602'],
    ['formats', (name) => `dataset e { format = ${name} }`, 'E0604'],
    ['metrics', (name) => train(`${data}  ${loss}  ${optimizer}  metric = [val.${name}]`), 'E0604'],
    ['words', (name) => `${name} t { a = 1 }`, 'E0601'],
  ])('of %s is answered with its row', (kind, sourceOf, code) => {
    for (const row of rowsOf(kind)) {
      for (const name of row.names) {
        const found = check(sourceOf(name)).diagnostics.filter((each) => each.code === code);
        expect(found.map(({ help }) => [name, help])).toEqual([[name, foreignHelp(row)]]);
      }
    }
  });
});

describe('arguments', () => {
  it('have names here that something takes', () => {
    const ofOps = new Set([...preludeOps.values()].flatMap(({ parameters }) => parameters.map(({ name }) => name)));
    for (const { here } of argumentNames) for (const name of here) expect([...ofOps]).toContain(name);
    const calls = [
      lossFunctions,
      ...Object.values(directiveSchemas).flatMap(({ fields, items }) => [
        ...(items ? [items] : []),
        ...Object.values(fields).flatMap(({ spec }) => ('functions' in spec ? [spec.functions] : [])),
      ]),
    ];
    const ofCalls = new Set(
      calls.flatMap((functions) => Object.values(functions).flatMap((fields) => Object.keys(fields))),
    );
    for (const { here } of settingArguments) for (const name of here) expect([...ofCalls]).toContain(name);
  });

  it.each<readonly [string, string, string]>([
    [
      'conv(16, kernel_size=3, strides=2, padding="valid")',
      'here it is called `k`: write `conv(16, k=3, stride=2, pad=0)`',
      'conv(16, k=3, stride=2, pad=0)',
    ],
    [
      'conv(in_channels=4, out_channels=8, kernel_size=3, padding="same")',
      'it follows from the input: write `conv(out=8, k=3, pad=same)`',
      'conv(out=8, k=3, pad=same)',
    ],
    ['conv(4, 8, kernel_size=3)', '4 is left out, as it follows from the input: write `conv(8, k=3)`', 'conv(8, k=3)'],
    ['relu(inplace=true)', 'there is no such choice here: write `relu`', 'relu'],
    [
      'max_pool(kernel_size=2, strides=2)',
      'here it is called `k`: write `max_pool(k=2, stride=2)`',
      'max_pool(k=2, stride=2)',
    ],
    [
      'mean(dim=1, keepdim=true)',
      'here it is called `axes`: write `mean(axes=1, keep=true)`',
      'mean(axes=1, keep=true)',
    ],
    ['max(dim=1)', 'here it is called `axes`: write `max(axes=1)`', 'max(axes=1)'],
    [
      'leaky_relu(negative_slope=0.2)',
      'here it is called `alpha`: write `leaky_relu(alpha=0.2)`',
      'leaky_relu(alpha=0.2)',
    ],
    ['bn(num_features=4, epsilon=1e-3)', 'it follows from the input: write `bn(eps=1e-3)`', 'bn(eps=1e-3)'],
    [
      'resize(16, 16, interpolation="BILINEAR")',
      'here it is called `mode`: write `resize(16, 16, mode=bilinear)`',
      'resize(16, 16, mode=bilinear)',
    ],
    ['concat(y, dim=1)', 'here it is called `axis`: write `concat(y, axis=1)`', 'concat(y, axis=1)'],
  ])('%s', (wrong, help, right) => {
    const errors = check(returning(`x |> ${wrong}`)).diagnostics.filter(({ severity }) => severity === 'error');
    expect(errors.map((each) => each.help)).toEqual([help]);
    expect(faultsOf(returning(`x |> ${right}`))).toEqual(expect.not.arrayContaining([expect.stringMatching(/^E/)]));
  });

  it.each<readonly [string, string]>([
    ['conv(8, k=3, activation=relu)', 'the activation follows as a stage of its own, as in `|> relu`'],
    ['bn(affine=false)', 'scale and shift are always there but in `instance_norm`, running statistics in `bn` alone'],
  ])('%s has no counterpart', (wrong, help) => {
    expect(
      check(returning(`x |> ${wrong}`))
        .diagnostics.filter(({ code }) => code === 'E0322')
        .map((each) => each.help),
    ).toEqual([help]);
  });
});

describe('what there is not is computed', () => {
  // Of both signs, and of positive ones for logarithms and powers.
  const shape = [2, 4, 8, 8];
  const mixed = Float64Array.from({ length: elementCount(shape) }, (_, at) => ((at * 37) % 101) / 20 - 2.5);
  const tensor = (values: Float64Array): Tensor => ({ dtype: 'f32', shape, data: values });
  const resultOf = (here: string, values: Float64Array): readonly number[] => {
    const { graph, parameters } = built(returning(here));
    const entries = parameters.map(({ name, shape: of, init }): [string, Tensor] => [
      name,
      { dtype: 'f32', shape: [...of], data: new Float64Array(elementCount(of)).fill(init.kind === 'ones' ? 1 : 0) },
    ]);
    const inputs = { x: tensor(values), y: tensor(values) };
    const { output } = evaluateGraph(graph, inputs, { parameters: Object.fromEntries(entries) });
    return Array.from(output?.data ?? []);
  };
  const hereOf = (name: string): string => rowsOf('absent').find(({ names }) => names.includes(name))?.here ?? '';
  const positive = mixed.map((value) => Math.abs(value) + 0.1);
  /** Values of each sample and channel. */
  const planes = (values: Float64Array): number[][] =>
    Array.from({ length: 8 }, (_, at) => Array.from(values.slice(at * 64, at * 64 + 64)));
  const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;
  const variance = (values: readonly number[]): number => meanOf(values.map((v) => (v - meanOf(values)) ** 2));
  /** One value of each pixel from those of its four channels. */
  const acrossChannels = <T>(values: Float64Array, of: (channels: number[]) => T): T[] =>
    Array.from({ length: 2 * 64 }, (_, at) =>
      of([0, 1, 2, 3].map((c) => values[Math.floor(at / 64) * 256 + c * 64 + (at % 64)] ?? NaN)),
    );

  it.each<readonly [string, Float64Array, (values: Float64Array) => readonly number[]]>([
    [
      'nn.SELU',
      mixed,
      (v) => Array.from(v, (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x))),
    ],
    ['nn.CELU', mixed, (v) => Array.from(v, (x) => Math.max(0, x) + Math.min(0, Math.expm1(x)))],
    ['nn.Softsign', mixed, (v) => Array.from(v, (x) => x / (1 + Math.abs(x)))],
    ['nn.LogSigmoid', mixed, (v) => Array.from(v, (x) => Math.log(1 / (1 + Math.exp(-x))))],
    ['nn.Tanhshrink', mixed, (v) => Array.from(v, (x) => x - Math.tanh(x))],
    ['nn.Softshrink', mixed, (v) => Array.from(v, (x) => (x > 0.5 ? x - 0.5 : x < -0.5 ? x + 0.5 : 0))],
    ['log1p', positive, (v) => Array.from(v, Math.log1p)],
    ['expm1', mixed, (v) => Array.from(v, Math.expm1)],
    ['log2', positive, (v) => Array.from(v, Math.log2)],
    ['log10', positive, (v) => Array.from(v, Math.log10)],
    ['exp2', mixed, (v) => Array.from(v, (x) => 2 ** x)],
    ['torch.pow', positive, (v) => Array.from(v, (x) => x ** 0.75)],
    ['torch.var', mixed, (v) => planes(v).map(variance)],
    ['logsumexp', mixed, (v) => acrossChannels(v, (c) => Math.log(c.reduce((sum, x) => sum + Math.exp(x), 0)))],
    ['unsqueeze', mixed, (v) => Array.from(v)],
    [
      'F.normalize',
      mixed,
      (v) => {
        const norms = acrossChannels(v, (c) => Math.max(1e-12, Math.hypot(...c)));
        return Array.from(v, (x, at) => x / (norms[Math.floor(at / 256) * 64 + (at % 64)] ?? NaN));
      },
    ],
  ])('%s', (name, values, right) => {
    const found = resultOf(hereOf(name), values);
    const wanted = right(values);
    expect(found).toHaveLength(wanted.length);
    const differences = found.map((value, at) => Math.abs(value - (wanted[at] ?? NaN)));
    expect(Math.max(...differences)).toBeLessThan(1e-6);
  });

  it('for every row that shows how', () => {
    const shown = rowsOf('absent').filter(({ here }) => here !== undefined);
    expect(shown).toHaveLength(16);
  });
});
