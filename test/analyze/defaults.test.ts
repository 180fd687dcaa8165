/** Defaults of the schema: each is what holds, what the reference says, and stated nowhere else. */
import { describe, expect, it } from 'vitest';
import { complete, defaultText } from '../../compiler/analyze/directives/complete.ts';
import { directives, directiveSchemas, learningFields } from '../../compiler/analyze/directives/directive-schema.ts';
import type { Field, Fields, Spec } from '../../compiler/analyze/directives/directive-spec.ts';
import { defaultLoss, draftRecipe } from '../../compiler/stages/train/from-directive.ts';
import { readText, sources } from '../source-tree.ts';
import { check, show } from './memory-host.ts';

/** A value that a spec takes, and that is no default. */
function sample(spec: Spec, isFull: boolean): string {
  switch (spec.kind) {
    case 'number':
      return String(Math.min(Math.max(spec.least ?? 3, 3), spec.most ?? Infinity));
    case 'bool':
      return 'true';
    case 'string':
      return '"x"';
    case 'metric':
      return 'val.accuracy';
    case 'model':
      return 'M()';
    case 'globs':
    case 'pairs':
      return '[]';
    case 'sizes':
      return '{ N = 4 }';
    case 'choice':
      return `"${spec.names[0]}"`;
    case 'list':
      return `[${Array<string>(spec.length ?? 1)
        .fill(sample(spec.of, isFull))
        .join(', ')}]`;
    case 'reference':
      return 'd';
    case 'loss':
    case 'call':
    case 'items':
      return callsOf(spec.functions, isFull)[0] ?? '';
    case 'group':
      return `{ ${entries(spec.fields, isFull).join('  ')} }`;
  }
}

const isStated = ({ default: fallback }: Field): boolean => fallback?.kind === 'value' || fallback?.kind === 'call';

/** What must be written of fields, and with `isFull` their defaults as well. */
const written = (fields: Fields, isFull: boolean): (readonly [string, Spec, string])[] =>
  Object.entries(fields).flatMap(([key, field]): (readonly [string, Spec, string])[] => {
    if (field.required) return [[key, field.spec, sample(field.spec, isFull)]];
    if (field.spec.kind === 'group') return [[key, field.spec, sample(field.spec, isFull)]];
    return isFull && isStated(field) ? [[key, field.spec, defaultText(field)]] : [];
  });

const entries = (fields: Fields, isFull: boolean): string[] =>
  written(fields, isFull).map(([key, { kind }, value]) => (kind === 'group' ? `${key} ${value}` : `${key} = ${value}`));

/** Each function called. */
const callsOf = (functions: Readonly<Record<string, Fields>>, isFull: boolean): string[] =>
  Object.entries(functions).map(([name, fields]) => {
    const args = written(fields, isFull).map(([key, , value]) => `${key}=${value}`);
    return `${name}(${args.join(', ')})`;
  });

const context = `
model M(image: f32[N, 3, 8, 8]) { return image |> a: conv(4, k=3) |> global_avg_pool |> flatten |> b: linear(2) }
dataset d { format = "synthetic" }
`;

/** The settings of a directive, and the recipe of one that trains. */
function read(word: string, body: readonly string[]) {
  const { name, target } = directiveSchemas[word] ?? {};
  const head = `${word}${name === 'none' ? '' : ' own'}${target === 'none' ? '' : ' for M'}`;
  const checked = check(`${context}\n${head} {\n${body.join('\n')}\n}`);
  const faults = checked.diagnostics.filter(({ severity }) => severity === 'error');
  expect(faults.map(show), body.join('\n')).toEqual([]);
  const directive = checked.program.directives.at(-1);
  const model = checked.models[0];
  if (!directive || !model?.built?.graph) throw new Error(`nothing was read of ${head}`);
  const { program } = checked;
  const source = { program, directive, model, built: model.built, graph: model.built.graph, preprocess: undefined };
  return {
    settings: complete(directiveSchemas[word]?.fields ?? {}, directive.settings),
    recipe: word === 'train' ? draftRecipe(source, {}, []) : undefined,
  };
}

/** Keys whose values are calls, with what must stand beside them. */
const calls = Object.entries(directives).flatMap(([word, { fields }]: readonly [string, { readonly fields: Fields }]) =>
  Object.entries(fields).flatMap(([key, { spec }]) =>
    spec.kind === 'call' || spec.kind === 'loss' || spec.kind === 'items' ? [[word, key, spec] as const] : [],
  ),
);

describe('defaults that are written out change nothing', () => {
  it.each(Object.entries(directiveSchemas))('of the keys of %s', (word, { fields }) => {
    const [none, all] = [entries(fields, false), entries(fields, true)];
    expect(all.join()).not.toBe(none.join());
    expect(read(word, all)).toEqual(read(word, none));
  });

  it.each(calls)('of the calls of %s.%s', (word, key, spec) => {
    const fields: Fields = directiveSchemas[word]?.fields ?? {};
    const others = entries(Object.fromEntries(Object.entries(fields).filter(([each]) => each !== key)), false);
    const [none, all] = [callsOf(spec.functions, false), callsOf(spec.functions, true)];
    for (const [at, call] of none.entries()) {
      const entry = (value = ''): string => (spec.kind === 'items' ? `${key} { ${value} }` : `${key} = ${value}`);
      expect(read(word, [...others, entry(all[at])]), call).toEqual(read(word, [...others, entry(call)]));
    }
  });
});

describe('a default that is a rule', () => {
  const learning = (body: string) => {
    const checked = check(`${context} train t for M { data = d  loss = mse()  optimizer = adam()\n${body} }`);
    return complete(learningFields, checked.program.directives.at(-1)?.settings ?? new Map());
  };

  it('follows what is written beside it', () => {
    expect(learning('early_stop { monitor = loss }').earlyStop).toMatchObject({ monitor: 'val.loss', mode: 'min' });
    expect(learning('early_stop { monitor = train.dice }').earlyStop).toMatchObject({ mode: 'max' });
    const units = ['cosine()', 'cosine(t_max=2)', 'cosine(t_max=9steps)', 'cosine(warmup=5steps)'].map((schedule) => {
      const { schedule: call } = learning(`schedule = ${schedule}`);
      return call.kind === 'cosine' ? call.unit : undefined;
    });
    expect(units).toEqual(['epoch', 'epoch', 'step', 'step']);
    const cyclic = learning('schedule = cyclic(base=0.1, max=1, up=7steps)').schedule;
    expect(cyclic).toMatchObject({ down: { value: 7, unit: 'steps' } });
  });
});

describe('a rule that a reader follows', () => {
  const trained = (output: string, body: string) => {
    const checked = check(`
model M(image: f32[N, 3, 8, 8]) { return image |> ${output} }
dataset d { format = "synthetic" }
train t for M { data = d  loss = mse()  optimizer = adam()  ${body} }`);
    const [directive, model] = [checked.program.directives.at(-1), checked.models[0]];
    if (!directive || !model?.built?.graph) throw new Error(checked.diagnostics.map(show).join('\n'));
    const { graph } = model.built;
    const source = { program: checked.program, directive, model, built: model.built, graph, preprocess: undefined };
    return draftRecipe(source, {}, []);
  };
  const flat = (scores: number): string => `flatten |> linear(${scores})`;

  it('is the metric of what a model tells: accuracy, or mean_iou of masks', () => {
    expect(defaultText(directives.train.fields.metric)).toBe('accuracy, or mean_iou of masks');
    expect(trained(flat(2), '').metrics).toEqual(['accuracy']);
    expect(trained('conv(2, k=1)', '').metrics).toEqual(['mean_iou']);
  });

  it('is what early_stop watches, else that metric, for the best weights', () => {
    const best = (body: string, output = flat(2)) => trained(output, body).checkpoint.best;
    expect(best('')).toEqual({ monitor: 'val.accuracy', mode: 'max' });
    expect(best('', 'conv(2, k=1)')).toEqual({ monitor: 'val.mean_iou', mode: 'max' });
    expect(best('early_stop { monitor = loss }')).toEqual({ monitor: 'val.loss', mode: 'min' });
    expect(best('early_stop { monitor = loss }  checkpoint { best = dice }')).toMatchObject({ monitor: 'val.dice' });
  });

  it('is the number of scores for classes, and 2 for one', () => {
    expect([3, 1].map((scores) => trained(flat(scores), '').target.classes)).toEqual([3, 2]);
  });

  it('is cross_entropy for a loss, and bce for one score', () => {
    const loss = (scores: number) => {
      const { models } = check(`model M(image: f32[N, 3, 8, 8]) { return image |> ${flat(scores)} }`);
      const graph = models[0]?.built?.graph;
      return graph && defaultLoss(graph);
    };
    expect(defaultText(learningFields.loss)).toBe('cross_entropy, or bce for one score');
    expect(loss(3)).toMatchObject({ kind: 'cross_entropy', factor: 1, labelSmoothing: 0 });
    expect(loss(1)).toEqual({ kind: 'bce', factor: 1, posWeight: 1 });
  });
});

it('int8 has others for weights and for activations', () => {
  const of = (body: string) => read('quantize', ['calibrate { data = d }', body]).settings;
  const own = { kind: 'int8', symmetric: true, per: 'channel' };
  const values = { kind: 'int8', symmetric: false, per: 'tensor' };
  expect(of('')).toMatchObject({ weights: own, activations: values });
  expect(of('weights = int8()  activations = int8()')).toMatchObject({ weights: own, activations: values });
  expect(defaultText(directives.quantize.fields.weights)).toBe('int8(symmetric=true, per=channel)');
  expect(defaultText(directives.quantize.fields.activations)).toBe('int8(symmetric=false, per=tensor)');
});

it('every setting says what holds without it', () => {
  const silent = (fields: Fields, path: string): string[] =>
    Object.entries(fields).flatMap(([key, field]) => {
      const { spec } = field;
      const below = spec.kind === 'group' ? silent(spec.fields, `${path}.${key}`) : [];
      const own =
        field.required || field.default?.kind === 'group' || defaultText(field) !== '' ? [] : [`${path}.${key}`];
      const inside =
        'functions' in spec
          ? Object.entries(spec.functions).flatMap(([name, args]) => silent(args, `${path}.${key}.${name}`))
          : [];
      return [...own, ...below, ...inside];
    });
  expect(Object.entries(directiveSchemas).flatMap(([word, { fields }]) => silent(fields, word))).toEqual([]);
});

describe('readers of settings', () => {
  /** A value looked up by its key, with another one for where it is not given. */
  const second = /(?:settings|args|entries|group|given)\??\.get\('\w+'\)[^;]*\?\? *(?:[\d'"{]|\[\d|true|false)/;
  /** Typed reading of one setting where `complete` reads all. */
  const single = /\.args\.get\(/;
  const readers = sources
    .map(({ path }) => ({ path, text: readText(path) }))
    .filter(({ path }) => /^compiler\/(stages|cli|driver)\//.test(path));

  it('have no default of their own', () => {
    expect("numberOf(call.args.get('gamma')) ?? 0.1").toMatch(second);
    expect(readers.filter(({ text }) => second.test(text)).map(({ path }) => path)).toEqual([]);
  });

  it('take calls with all of their arguments, but for the place of a crop that is written', () => {
    const found = readers.filter(({ text }) => single.test(text)).map(({ path }) => path.replace(/.*\//, ''));
    expect(found).toEqual(['check-crop.ts']);
  });
});
