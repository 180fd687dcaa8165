/** Every code of the analyzer: where it points and what it says. */
import { describe, expect, it } from 'vitest';
import { check, faultsOf } from './memory-host.ts';

/** Model `M` with a body from line 2 on (or below the lines of `before`). */
const model = (body: string, before = '', signature = 'x: f32[N, 4, 8, 8]'): string =>
  `${before}model M(${signature}) {\n${body}\n}\n`;

type Case = readonly [source: string, ...faults: string[]];

const names: readonly Case[] = [
  [model('  return x |> convv(3, k=1)'), 'E0201 2:15 unknown name `convv`'],
  [model('  let stem = relu(x)\n  return stme'), 'E0201 3:10 unknown name `stme`'],
  [model('  assert 1 == 1, "bad {foo}"\n  return x'), 'E0201 2:18 unknown name `foo`'],
  ['block unused(x: f32[N, C]) {\n  return x |> linear(K)\n}', 'E0201 2:22 unknown name `K`'],
  ['const a = 1\nconst a = 2\n', 'E0202 2:7 `a` is declared twice'],
  [model('  return x', '', 'x: f32[N, 4], x: int = 3'), 'E0202 1:23 `x` is declared twice'],
  [model('  let y = relu(x)\n  let y = relu(x)\n  return y'), 'E0202 3:7 `y` is declared twice'],
  [model('  let c = relu(x)\n  return c', 'const c = 1\n'), 'E0205 3:7 `c` shadows another name'],
  [model('  return x |> seq { for x in 0..2 { relu } }'), 'E0205 2:25 `x` shadows another name'],
  [model('  let exp = relu(x)\n  return exp')],
  ['block b(x: f33[N]) { return x }', 'E0206 1:12 unknown type `f33`'],
  ['block b(x: int[3]) { return x }', 'E0206 1:12 `int` has no dimensions'],
  ['fn f(x: f32[N]) -> int { return 1 }', 'E0206 1:9 `f` is a `fn`, which computes no tensors'],
  ['const a = b + 1\nconst b = a\n', 'E0207 1:7 `a` depends on itself'],
  [model('  let y = relu(x)\n  return x'), 'W0002 2:7 the value `y` is never used'],
  [model('  let _y = relu(x)\n  return x')],
];

const values: readonly Case[] = [
  [model('  return x |> conv(7 / 2, k=1)'), 'E0311 2:20 7 / 2 is not an integer'],
  [model('  return x |> conv("a", k=1)'), 'E0320 2:20 `out` of `conv` must be an int of at least 1, not "a"'],
  [model('  return if 1 then x else x'), 'E0320 2:13 a condition must be true or false, not an int'],
  [model('  return 3 |> relu'), 'E0320 2:15 `x` of `relu` must be a tensor, not 3'],
  [model('  return x |> seq { for i in 3 { relu } }'), 'E0320 2:30 `for` runs over a list or a range, not an int'],
  [model('  const _y = relu(x)\n  return x'), 'E0320 2:14 a `const` holds what is known while compiling, not a tensor'],
  [model('  return { a = 3 }'), 'E0320 2:10 a record has a meaning in directives only'],
  [model('  return x @ "file"'), 'E0320 2:10 weights are attached to a model in directives only'],
  [model('  return 3'), 'E0320 2:10 a model must return a tensor, or a tuple of differently named tensors'],
  [model('  return (x, x)'), 'E0320 2:10 a model must return a tensor, or a tuple of differently named tensors'],
  [
    'block b(x: f32[N, C], n: int) { return x }\n' + model('  return b(x |> flatten, "a")'),
    'E0320 3:26 `n` of `b` must be an int, not a string',
  ],
  [model('  return x < 3'), 'E0321 2:10 `<` is not defined for f32[N, 4, 8, 8] and an int'],
  [model('  return x |> conv("a" + 1, k=1)'), 'E0321 2:20 `+` is not defined for a string and an int'],
  [model('  return x |> conv(x.shape, k=1)'), 'E0321 2:22 values have no member `shape`'],
  [model('  return x |> conv(3[0], k=1)'), 'E0321 2:20 only lists and tuples have elements, not an int'],
  [model('  return x |> conv(8, k=3, strid=2)'), 'E0322 2:28 `conv` has no parameter `strid`'],
  [model('  return x |> conv(k=3)'), 'E0323 2:15 `conv` needs a value for `out`'],
  [model('  return x', '', 'x: f32'), 'E0323 1:12 the shape of the input `x` must be declared'],
  [model('  return x |> relu(3)'), 'E0324 2:20 `relu` takes one argument at most'],
  [model('  return x |> conv(8, 3, k=3)'), 'E0324 2:26 `k` is given twice'],
  [model('  const a = 3\n  return a(x)'), 'E0327 3:10 an int cannot be called'],
  [
    'block b(x: f32[N, C]) { let _y = relu(x) }\n' + model('  return b(x |> flatten)'),
    'E0328 1:7 `b` ends without a `return`',
  ],
  [model('  const a = [1, 2]\n  return x |> conv(a[2], k=1)'), 'E0329 3:20 index 2 lies outside a list of 2'],
  [model('  let (a, b) = split(x, parts=4)\n  return a + b'), 'E0332 2:16 cannot take 2 names apart from a tuple of 4'],
  [model('  return x |> conv(3 // 0, k=1)'), 'E0333 2:20 3 // 0 divides by zero'],
  [
    model('  return x |> conv(9007199254740991 + 1, k=1)'),
    'E0333 2:20 9007199254740991 + 1 is not a number that can be held exactly',
  ],
  [
    'block b(x: f32[N, C]) { return b(x) }\n' + model('  return b(x |> flatten)'),
    'E0334 1:32 calls are nested deeper than 64',
  ],
  [
    'fn f(n: int) -> int { return f(n) + f(n) }\n' + model('  return x |> conv(f(1), k=1)'),
    'E0334 1:30 calls are nested deeper than 64',
  ],
  [
    'fn f(n: int) -> int { return if n == 0 then 1 else f(n - 1) + f(n - 1) }\n' +
      model('  return x |> conv(f(40), k=1)'),
    'E0334 1:52 the model makes more than 200000 calls',
  ],
  [model('  return x |> seq { for i in 0..20000 { relu } }'), 'E0334 2:21 the model takes more than 10000 loop turns'],
  [
    'block wide(x: f32[N, C, H, W]) { return x |> seq { for i in 0..90 { relu } } }\n' +
      'block wider(x: f32[N, C, H, W]) { return x |> seq { for i in 0..80 { wide } } }\n' +
      model('  return x |> wider |> wider'),
    'E0334 1:52 the model takes more than 10000 loop turns',
  ],
  [model('  return split(x, parts=3)[0]'), 'E0336 2:25 axis 1 of f32[N, 4, 8, 8] cannot be split into 3 equal parts'],
  [
    model('  return split(x, sizes=[1, 2])[0]'),
    'E0336 2:25 the sizes [1, 2] do not add up to axis 1 of f32[N, 4, 8, 8]',
  ],
  [
    model('  assert 3 % 2 == 0, "even, not {k}"\n  return x', '', 'x: f32[N, 4, 8, 8], k: int = 3'),
    'E0501 2:3 even, not 3',
  ],
  [model('  assert 1 > 2\n  return x'), 'E0501 2:3 the assertion does not hold'],
];

const shapes: readonly Case[] = [
  [model('  return x + (x |> conv(3, k=1))'), 'E0305 2:10 cannot add f32[N, 4, 8, 8] and f32[N, 3, 8, 8]'],
  [model('  return x |> flatten |> conv(3, k=1)'), 'E0301 2:26 cannot convolve f32[N, 256]: its rank is 2, not 4'],
  [model('  return x |> conv(6, k=3, groups=4)'), 'E0304 2:15 groups=4 does not divide the 6 output channels'],
  [
    model('  return x |> max_pool(k=9)'),
    'E0306 2:15 cannot pool f32[N, 4, 8, 8] with a kernel of height 9: the padded height is 8',
  ],
  [model('  return x |> softmax(axis=4)'), 'E0307 2:28 a tensor of rank 4 has no axis 4'],
  [
    model('  return x |> reshape(N, 3, -1)'),
    'E0308 2:15 cannot reshape f32[N, 4, 8, 8]: 3*N does not divide its elements',
  ],
  [
    model('  return concat(x, x |> max_pool(k=2))'),
    'E0312 2:10 cannot concatenate f32[N, 4, 8, 8] and f32[N, 4, 4, 4] along axis 1',
  ],
  [
    'block up(x: f32[N, C, H, W], skip: f32[N, D, 2 * H, 2 * W]) {\n  return x\n}\n' + model('  return up(x, x)'),
    'E0325 5:16 `skip` of `up` is f32[N, 4, 8, 8], not f32[N, D, 2 * H, 2 * W]: axis 2 is 8, not 16',
  ],
  [
    'block b(x: f32[N, C]) {\n  return x\n}\n' + model('  return b(x)'),
    'E0325 5:12 `x` of `b` is f32[N, 4, 8, 8], not f32[N, C]: its rank is 4, not 2',
  ],
  [
    'block b(x: f32[N, C, H, W]) -> f32[N, C, H / 2, W / 2] {\n  return x\n}\n' + model('  return b(x)'),
    'E0326 2:10 the result of `b` is f32[N, 4, 8, 8], not f32[N, C, H / 2, W / 2]: axis 2 is 8, not 4',
  ],
  [
    'fn f(a: int) -> int { return 0.5 }\n' + model('  return x |> conv(f(3), k=1)'),
    'E0326 1:30 the result of `f` must be an int, not a float',
  ],
  [model('  return x |> conv(3, k=2)'), 'E0331 2:15 `same` padding needs an odd kernel, not 2'],
  [
    model('  return x |> conv(3, k=3, pad="x")'),
    'E0331 2:32 `pad` must be an int of at least 0, a pair, `same` or `same_upper`, not a string',
  ],
  [model('  return x |> pad_channels(to=2)'), 'E0331 2:31 f32[N, 4, 8, 8] already has more channels than 2'],
];

const symbolic: readonly Case[] = [
  [model('  assert N > 3\n  return x'), 'E0309 2:10 cannot decide `N > 3` while N is symbolic'],
  [model('  assert N >= 1\n  return x')],
  [
    model('  return x |> conv(3, k=1)', '', 'x: f32[N, C, 8, 8]'),
    'E0309 2:15 the number of channels must be known while compiling, not the symbolic size C',
  ],
  [
    model('  return x |> conv(ceil(H * W / 2), k=1)', '', 'x: f32[N, 3, H, W]'),
    'E0309 2:20 cannot compute ceil(H*W / 2) while the size is symbolic',
  ],
  [
    model('  return x |> conv(H * W / 2, k=1)', '', 'x: f32[N, 3, H, W]'),
    'E0309 2:20 cannot prove that H*W / 2 is an integer',
  ],
  [
    model('  return x |> conv(H / 2, k=1)', '', 'x: f32[N, 3, H, W]'),
    'E0309 2:20 out must be known while compiling, not the symbolic size H/2',
  ],
];

describe.each([
  ['names', names],
  ['values and calls', values],
  ['shapes', shapes],
  ['symbolic sizes', symbolic],
])('%s', (_, cases) => {
  it.each(cases.map((each) => [each[1] ?? 'nothing', each] as const))('%s', (_title, [source, ...faults]) => {
    // Programs as small as these leave parameters unused.
    expect(faultsOf(source).filter((fault) => !/^W0002 .* the parameter/.test(fault))).toEqual(faults);
  });
});

describe('the whole diagnostic', () => {
  it('of shapes that do not broadcast names the axis, the operands, a fix and the calls', () => {
    const block = `block basic_block(x: f32[N, C, H, W], out: int, stride: int = 1) {
  let y = x |> conv(out, k=3, stride=stride)
  let skip = x |> subsample(stride)
  return relu(y + skip)
}
`;
    const { diagnostics } = check(block + model('  return x |> layer2: seq { basic_block(8, stride=2) }'));
    const [only, ...others] = diagnostics;
    expect(others).toEqual([]);
    expect(only).toMatchObject({
      code: 'E0305',
      severity: 'error',
      message: 'cannot add f32[N, 8, 4, 4] and f32[N, 4, 4, 4]',
      label: 'axis 1 (channels): 8 and 4',
      help: "bring `skip` to the other's shape: `skip |> pad_channels(to=8)`",
      notes: [{ message: 'f32[N, 8, 4, 4]' }, { message: 'f32[N, 4, 4, 4]' }],
      calls: [{ callee: 'basic_block(out=8, stride=2)', path: 'layer2.0' }],
    });
    expect(only?.notes.map(({ span }) => span.file.text.slice(span.start, span.end))).toEqual(['y', 'skip']);
    expect(only?.calls?.map(({ span }) => span.file.text.slice(span.start, span.end))).toEqual([
      'basic_block(8, stride=2)',
    ]);
  });

  it('of one fault in a loop appears once', () => {
    expect(faultsOf(model('  return x |> seq { for i in 0..5 { conv(3, k=3 + i, strid=1) } }'))).toEqual([
      'E0322 2:54 `conv` has no parameter `strid`',
    ]);
  });

  it('of one row of a table is at the row', () => {
    const stages = '|> seq { for (k, s) in rows { conv(3, k=k, stride=s) } }';
    expect(faultsOf(`const rows = [\n  (1, 1),\n  (1),\n  (3, 1),\n]\n${model(`  return x ${stages}`)}`)).toEqual([
      'E0332 3:3 cannot take 2 names apart from an int',
    ]);
    const inPlace = stages.replace('rows', '[(1, 1), (1, 2, 3)]');
    expect(faultsOf(model(`  return x ${inPlace}`))).toEqual([
      'E0332 2:44 cannot take 2 names apart from a tuple of 3',
    ]);
  });

  it('in an entry is not also a missing key', () => {
    const net = `${model('  return x |> flatten |> linear(3)')}\ndataset d { format = idx  path = "data" }\n`;
    const train = (entries: string): string[] =>
      faultsOf(`${net}train t for M { data = d  loss = bce()\n${entries}\n}`);
    expect(train('optimiser = sgd(lr=0.1)')).toEqual(['E0602 7:1 `train` has no key `optimiser`']);
    expect(train('optimizer sgd(lr=0.1)')).toEqual(['E0604 7:1 an entry of `train` must be `key = value`']);
    expect(train('seed = 1')).toEqual(['E0603 6:1 `train` needs `optimizer`: how gradients change weights']);
  });

  it('silences what depends on a reported fault, and reports the independent ones', () => {
    const body = '  let y = x |> conv("a", k=1)\n  let z = y + 3 |> relu\n  let w = x |> linear("b")\n  return (z, w)';
    expect(faultsOf(model(body))).toEqual([
      'E0320 2:21 `out` of `conv` must be an int of at least 1, not "a"',
      'W0016 4:16 `linear` works along the last axis, which is the width of f32[N, 4, 8, 8]',
      'E0320 4:23 `out` of `linear` must be an int of at least 1, not "b"',
    ]);
  });

  it('writes sizes with the symbols of the source behind a divisibility fact', () => {
    const body = '  assert H % 4 == 0\n  let y = x |> max_pool(k=4)\n  return x + y';
    expect(faultsOf(model(body, '', 'x: f32[N, 3, H, H]'))).toEqual([
      'E0305 4:10 cannot add f32[N, 3, H, H] and f32[N, 3, H/4, H/4]',
    ]);
  });
});
