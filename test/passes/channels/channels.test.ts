/** Which channels go together, by networks written out, and that pruning them changes nothing but their absence. */
import { describe, expect, it } from 'vitest';
import { topologicalOrder, type Graph } from '../../../compiler/ir/node.ts';
import { formatType } from '../../../compiler/ir/type.ts';
import { ops } from '../../../compiler/ops/index.ts';
import {
  analyzeChannels,
  channelRules,
  composeRecords,
  keptWeights,
  pruneChannels,
  rebuildPruned,
  withoutChannelRule,
} from '../../../compiler/passes/channels/index.ts';
import { built } from '../../analyze/memory-host.ts';
import { checkPruning, drawRemoved, drawWeights } from './pruned-case.ts';

describe('outputs', () => {
  const through = (body: string): string[][] => classesOf(graphOf(`model M(x: f32[N, 3, 8, 8]) {\n${body}\n}`));

  it('keep all of their channels, whichever comes first', () => {
    const layers =
      'let y = x |> a: conv(4, k=3)\n  let z = y |> relu |> b: conv(5, k=3)\n  let w = z |> relu |> c: conv(2, k=1)';
    const freeOf = (result: string): string[] => [
      ...new Set(through(`${layers}\n  return ${result}`).map(([first = '']) => first.slice(0, 1))),
    ];
    expect(freeOf('w')).toEqual(['a', 'b']);
    expect(freeOf('(w, z)')).toEqual(['a']);
    expect(freeOf('(z, w)')).toEqual(['a']);
    expect(freeOf('(w, y)')).toEqual(['b']);
    expect(freeOf('(y, z, w)')).toEqual([]);
  });

  it('keep the channels of all that they are made of', () => {
    const layers = 'let y = x |> a: conv(4, k=1)\n  let z = x |> b: conv(3, k=1)\n  let w = y |> c: conv(2, k=1)';
    for (const joined of ['concat(y, z)', 'concat(z, y) |> flatten', 'concat(y, z) |> transpose(0, 2, 3, 1)']) {
      expect(through(`${layers}\n  return (w, ${joined})`), joined).toEqual([]);
    }
    expect(through(`${layers}\n  return (w, z)`).length).toBe(4);
  });
});

describe('the tables', () => {
  it('say of every op how channels pass through it, or why they do not', () => {
    const undecided = [...ops.keys()].filter((name) => channelRules.has(name) === withoutChannelRule.has(name));
    expect(undecided).toEqual([]);
    const unknown = [...channelRules.keys(), ...withoutChannelRule.keys()].filter((name) => !ops.has(name));
    expect(unknown).toEqual([]);
  });
});

const model = (body: string, input = 'f32[N, 3, 8, 8]'): string => `model M(x: ${input}) {\n${body}\n}`;
const graphOf = (source: string): Graph => built(source).graph;

/** `parameter.axis[index]` of each class, in order. */
const classesOf = (graph: Graph): string[][] =>
  analyzeChannels(graph).classes.map(({ members }) =>
    members.map(({ parameter, axis, index }) => `${parameter.attrs.name}.${axis}[${index}]`),
  );

/** Number of classes of each group of layers. */
const groupSizes = (graph: Graph): number[] => analyzeChannels(graph).groups.map(({ classes }) => classes.length);

/** Networks, the sizes of their groups, and sizes for their symbols. */
const networks: readonly (readonly [string, string, readonly number[], Record<string, number>?])[] = [
  ['a chain', model('return x |> a: conv(4, k=3) |> n: bn |> relu |> b: conv(2, k=1)'), [4]],
  [
    'a residual block',
    model(`let y = x |> a: conv(6, k=3)
  let z = y |> b: conv(5, k=3) |> m: bn |> relu |> c: conv(6, k=3) |> n: bn
  return relu(y + z) |> d: conv(2, k=1)`),
    [6, 5],
  ],
  [
    'an option-A shortcut',
    model(`let y = x |> a: conv(4, k=3) |> relu
  let z = y |> b: conv(8, k=3, stride=2) |> n: bn
  return relu(z + (y |> subsample(2) |> pad_channels(to=8))) |> global_avg_pool |> flatten |> d: linear(3)`),
    [4, 4],
  ],
  [
    'a concatenation',
    model(`let y = x |> a: conv(4, k=1)
  let z = x |> b: conv(3, k=3)
  return concat(y, z, y) |> relu |> c: conv(2, k=1)`),
    [4, 3],
  ],
  ['a value beside itself', model('let y = x |> a: conv(4, k=1)\n  return concat(y, y) |> c: conv(2, k=1)'), [4]],
  [
    'an input beside features',
    model('let y = x |> a: conv(4, k=1)\n  return concat(x, y) |> n: bn |> c: conv(2, k=1)'),
    [4],
  ],
  [
    'a split',
    model(`let (p, q) = x |> a: conv(8, k=1) |> split(parts=2)
  return concat(p |> b: conv(3, k=3), sigmoid(q)) |> c: conv(2, k=1)`),
    [8, 3],
  ],
  [
    'halves that multiply',
    model('let (p, q) = x |> a: conv(8, k=1) |> split(parts=2)\n  return p * sigmoid(q) |> c: conv(2, k=1)'),
    [4],
  ],
  [
    'a depthwise convolution',
    model('return x |> a: conv(6, k=1) |> relu6 |> b: conv(6, k=3, groups=6) |> n: bn |> c: conv(2, k=1)'),
    [6],
  ],
  ['a depthwise multiplier', model('return x |> a: conv(4, k=1) |> b: conv(8, k=3, groups=4) |> c: conv(2, k=1)'), [4]],
  [
    'a grouped convolution',
    model('return x |> a: conv(8, k=1) |> b: conv(12, k=3, groups=4) |> relu |> c: conv(2, k=1)'),
    [2, 3],
  ],
  [
    'squeeze and excitation',
    model(`let y = x |> a: conv(6, k=3) |> silu
  let gate = y |> global_avg_pool |> b: conv(3, k=1) |> relu |> c: conv(6, k=1) |> sigmoid
  return y * gate |> d: conv(2, k=1)`),
    [6, 3],
  ],
  [
    'a channel shuffle',
    model(`let (p, q) = x |> a: conv(8, k=1) |> channel_shuffle(groups=2) |> split(parts=2)
  return concat(p, q |> b: conv(4, k=3)) |> channel_shuffle(groups=2) |> c: conv(2, k=1)`),
    [8, 4],
  ],
  [
    'a shuffle by reshape and transpose',
    model(
      `return x |> a: conv(12, k=1) |> reshape(N, 2, 6, 8, 8) |> transpose(0, 2, 1, 3, 4) |> reshape(N, 12, 8, 8)
    |> c: conv(2, k=1)`,
    ),
    [6],
  ],
  ['maps to features', model('return x |> a: conv(5, k=3) |> max_pool(2) |> flatten |> d: linear(4)'), [5]],
  [
    'features to maps',
    model('return x |> flatten |> d: linear(48) |> reshape(N, 12, 2, 2) |> a: conv(2, k=1)', 'f32[N, 1, 2, 3]'),
    [12],
  ],
  [
    'layers of features',
    model('return x |> flatten |> d: linear(7) |> n: bn |> gelu |> e: linear(5) |> f: linear(3)'),
    [7, 5],
  ],
  [
    'a transposed convolution',
    model('return x |> a: conv(6, k=1) |> b: conv_transpose(4, k=2, stride=2) |> c: conv(2, k=1)'),
    [6, 4],
  ],
  [
    'grouped transposed convolutions',
    model(`return x |> a: conv(6, k=1) |> b: conv_transpose(9, k=2, stride=2, groups=3) |> c: conv(4, k=1)
    |> d: conv_transpose(8, k=2, groups=4) |> e: conv(2, k=1)`),
    [2, 3, 4],
  ],
  ['a pixel shuffle', model('return x |> a: conv(12, k=3) |> pixel_shuffle(2) |> relu |> c: conv(2, k=1)'), [3]],
  [
    'an open image',
    model(
      `let y = x |> a: conv(4, k=3) |> relu
  let z = y |> max_pool(2) |> b: conv(8, k=3) |> resize(H, W) |> c: conv(4, k=1)
  return concat(y + z, y) |> d: conv(2, k=1)`,
      'f32[N, 3, H, W]',
    ).replace('{\n', '{\n  assert H % 2 == 0\n  assert W % 2 == 0\n'),
    [4, 8],
    { H_2: 4, W_2: 3 },
  ],
];

const cases = networks.map(([name, source, sizes, symbols = {}]) => ({ name, source, sizes, symbols }));

describe.each(cases)('$name', ({ source, sizes, symbols }) => {
  const graph = graphOf(source);
  it('has groups of these sizes', () => expect(groupSizes(graph)).toEqual(sizes));
  it('computes the same without what it does not read', () => {
    for (let seed = 0; seed < 12; seed++) {
      const network = drawWeights(graph, seed);
      const share = [0.2, 0.5, 0.9][seed % 3] ?? 0.5;
      const { fault, removed } = checkPruning(network, (analysis) => drawRemoved(analysis, seed, share), symbols);
      expect(fault, `seed ${seed}`).toBeUndefined();
      if (share > 0.8) expect(removed).toBeGreaterThan(0);
    }
  });
});

describe('classes', () => {
  it('hold every index that a channel has in weights', () => {
    expect(classesOf(graphOf(networks[0]?.[1] ?? ''))[1]).toEqual([
      'a.weight.0[1]',
      'a.bias.0[1]',
      'n.weight.0[1]',
      'n.bias.0[1]',
      'n.running_mean.0[1]',
      'n.running_var.0[1]',
      'b.weight.1[1]',
    ]);
  });

  it('repeat a channel for each pixel of flattened maps', () => {
    const graph = graphOf(model('return x |> a: conv(2, k=1) |> max_pool(4) |> flatten |> d: linear(1)'));
    const flat = [0, 1, 2, 3].map((pixel) => `d.weight.1[${4 + pixel}]`);
    expect(classesOf(graph)[1]).toEqual(['a.weight.0[1]', 'a.bias.0[1]', ...flat]);
  });

  it('leave the channels of outputs, softmax, layer norm and means over channels alone', () => {
    const held = [
      'return x |> a: conv(4, k=1)',
      'return x |> a: conv(4, k=1) |> softmax(axis=1) |> b: conv(2, k=1)',
      'return x |> a: conv(4, k=1) |> layer_norm(dims=3) |> b: conv(2, k=1)',
      'return x |> a: conv(4, k=1) |> mean(axes=[1])',
    ];
    for (const body of held) expect(classesOf(graphOf(model(body)))).toEqual([]);
  });

  it('of a group norm are its groups', () => {
    const graph = graphOf(model('return x |> a: conv(6, k=1) |> n: group_norm(groups=3) |> b: conv(2, k=1)'));
    expect(groupSizes(graph)).toEqual([3]);
    const { fault } = checkPruning(drawWeights(graph, 1), () => new Set([1]));
    expect(fault).toBeUndefined();
  });
});

describe('pruned graphs', () => {
  const shuffled = graphOf(networks.find(([name]) => name === 'a channel shuffle')?.[1] ?? '');
  const opsOf = (graph: Graph): string[] => topologicalOrder(graph).map(({ op }) => op.name);

  it('select channels where a shuffle has become irregular, and shuffle where it has not', () => {
    const analysis = analyzeChannels(shuffled);
    const [first] = analysis.groups;
    const ids = first?.classes.map(({ id }) => id) ?? [];
    const uneven = pruneChannels(analysis, new Set(ids.slice(0, 1))).graph;
    expect(opsOf(uneven)).toContain('selectChannels');
    const even = pruneChannels(analysis, new Set([ids[1] ?? 0, ids[5] ?? 0])).graph;
    expect(opsOf(even).filter((name) => name === 'channelShuffle').length).toBeGreaterThan(0);
  });

  it('keep the open sizes of their source', () => {
    const source = networks.find(([name]) => name === 'an open image')?.[1] ?? '';
    const graph = graphOf(source);
    const { graph: pruned } = pruneChannels(analyzeChannels(graph), new Set([0, 5]));
    const output = (of: Graph): string[] => Object.values(of.outputs).map(({ type }) => formatType(type));
    expect(output(pruned)).toEqual(output(graph));
  });

  it('are the same objects where nothing goes', () => {
    const pruned = pruneChannels(analyzeChannels(shuffled), new Set());
    expect(pruned.graph.outputs).toEqual(shuffled.outputs);
    expect(pruned.kept).toEqual({});
  });

  it('lose no more than all but one channel of a value', () => {
    const graph = graphOf(networks[0]?.[1] ?? '');
    expect(() => pruneChannels(analyzeChannels(graph), new Set([0, 1, 2, 3]))).toThrow(RangeError);
  });

  it('compose: two prunings are one of the source', () => {
    const { weights } = drawWeights(shuffled, 5);
    const first = pruneChannels(analyzeChannels(shuffled), new Set([1, 6]));
    const second = pruneChannels(analyzeChannels(first.graph), new Set([0, 4]));
    const both = composeRecords(first.kept, second.kept);
    const twice = keptWeights(keptWeights(weights, first.kept), second.kept);
    expect(keptWeights(weights, both)).toEqual(twice);
    expect(rebuildPruned(shuffled, both).kept).toEqual(both);
  });

  it('are refused where a record is of another graph', () => {
    const record = { 'a.weight': { 0: [0, 1, 2, 3, 4, 6, 7] } };
    expect(() => rebuildPruned(shuffled, record)).toThrow(/does not fit the graph: it differs at/);
    expect(() => rebuildPruned(shuffled, { nowhere: { 0: [1] } })).toThrow(/differs at nowhere/);
  });
});
