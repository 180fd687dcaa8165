/** Help lines: what a fault is mended with, for faults whose mend is known. */
import { describe, expect, it } from 'vitest';
import { check } from './memory-host.ts';

/** The help lines of all errors. */
const helpOf = (source: string): (string | undefined)[] =>
  check(source)
    .diagnostics.filter(({ severity }) => severity === 'error')
    .map(({ help }) => help);

const model = (body: string, declarations = ''): string =>
  `${declarations}\nmodel M(x: f32[N, 4, 8, 8]) {\n  return ${body}\n}`;

const helped = (cases: readonly (readonly [string, string])[]): void => {
  it.each(cases)('%s', (source, help) => {
    expect(helpOf(source)).toEqual([help]);
  });
};

describe('values of the wrong kind', () => {
  const f =
    'fn f(n: int = 0, v: float = 0, b: bool = true, s: string = "", l: list = [], t: tuple = (1, 2)) -> int { return n }';
  const call = (argument: string): string => model(`conv(x, max(4, f(${argument})), k=1)`, f);
  helped([
    [model('conv(x, "16", k=3)'), 'write it without quotes: `16`'],
    [model('conv(x, 16.0, k=3)'), 'write `16`'],
    [model('conv(x, 16.5, k=3)'), '`floor`, `ceil` and `round` make an int of it; `//` divides without a fraction'],
    [model('conv(x, 16px, k=3)'), 'write it without a unit: `16`'],
    [model('conv(x, true, k=3)'), 'write `if ... then 1 else 0`'],
    [model('conv(x, 16, k=3, bias=1)'), 'write `true`'],
    [model('conv(x, 16, k=3, bias="false")'), 'write it without quotes: `false`'],
    [model('conv(x, 16, k=3, pad="same")'), 'write it without quotes: `same`'],
    [
      model('conv(x, 16, k=3, pad=(1, 1, 0, 0))'),
      'put `pad(top, left, bottom, right)` in front for four different borders',
    ],
    [model('if 4 then x else relu(x)'), 'compare it, as in `n > 0`'],
    [model('resize(x, 16, 16, mode="bilinear")'), 'write it without quotes: `bilinear`'],
    [model('concat(x, x, 1)'), 'name the axis: `axis=1`'],
    [model('x |> seq { for i in 3 { relu } }'), 'write a range: `0..3`'],
    [model('max(x, [2, 3])'), 'axes are given by name: `axes=[2, 3]`'],
    [model('max(x)'), 'name them, as in `axes=[2, 3]`'],
    [model('x |> clip'), 'write `clip(min=0)`, `clip(max=6)` or `clip(min=0, max=6)`'],
    [model('x |> clip(6, 0)'), 'exchange the two'],
    [model('tanh(relu)'), 'call it: `relu(...)`'],
    [call('n="3"'), 'write it without quotes: `3`'],
    [call('v="1e-3"'), 'write it without quotes: `1e-3`'],
    [call('v=50%'), 'write `0.5`'],
    [call('b=0'), 'write `false`'],
    [call('s=3'), 'put it into quotes: `"3"`'],
    [call('l=3'), 'write `[3]`'],
    [call('l=(1, 2)'), 'write it in brackets'],
    [call('t=[1, 2]'), 'write it in parentheses'],
  ]);
});

describe('arguments that would stand where other frameworks have something else', () => {
  const flat = (stage: string): string => model(`x |> flatten |> ${stage}`);
  helped([
    [model('x |> bn(4)'), '4 is left out, as it follows from the input: write `bn`'],
    [model('bn(x, 4, eps=1e-3)'), '4 is left out, as it follows from the input: write `bn(x, eps=1e-3)`'],
    [model('x |> bn(1e-3)'), 'write `bn(eps=1e-3)`'],
    [model('x |> conv(4, 15, 3)'), '4 is left out, as it follows from the input: write `conv(15, 3)`'],
    [model('x |> conv(3, 5, 3)'), 'write `conv(3, 5, stride=3)`'],
    [
      model('x |> conv(4, 6, 3, 2, 1)'),
      '4 is left out, as it follows from the input: write `conv(6, 3, stride=2, pad=1)`',
    ],
    [model('x |> conv(4, 6, k=3)'), '4 is left out, as it follows from the input: write `conv(6, k=3)`'],
    [
      model('conv_transpose(x, 4, 6, 2, 2)'),
      '4 is left out, as it follows from the input: write `conv_transpose(x, 6, 2, stride=2)`',
    ],
    [flat('linear(256, 10)'), '256 is left out, as it follows from the input: write `linear(10)`'],
    [flat('linear(256, 10, false)'), '256 is left out, as it follows from the input: write `linear(10, bias=false)`'],
    [model('x |> group_norm(2, 4)'), '4 is left out, as it follows from the input: write `group_norm(groups=2)`'],
    [model('x |> instance_norm(4)'), '4 is left out, as it follows from the input: write `instance_norm`'],
    [flat('layer_norm(256)'), '256 is left out, as it follows from the input: write `layer_norm`'],
    [model('x |> prelu(4)'), '4 is left out, as it follows from the input: write `prelu`'],
    [model('x |> max_pool(2, 2)'), 'write `max_pool(2, stride=2)`'],
    [model('let (a, _) = split(x, 2)\n  return a').replace('return let', 'let'), 'write `split(x, parts=2)`'],
    [model('x |> slice(1, 0, 2)'), 'write `slice(axis=1, from=0, to=2)`'],
    [model('mean(x, [2, 3])'), 'write `mean(x, axes=[2, 3])`'],
    [model('x |> sum(1, true)'), 'write `sum(axes=1, keep=true)`'],
  ]);
});

describe('numbers out of range', () => {
  helped([
    [model('dropout(x, 1.5)'), 'it is a share of one, as in `p=0.5`'],
    [model('dropout(x, 20)'), 'write `20%` or `0.2`'],
    [model('bn(x, momentum=2.5)'), 'it is a share of one, as in `momentum=0.1`'],
    [model('bn(x, eps=-1.0)'), 'leave it out for 0.00001'],
    [model('conv(x, 16 // 0, k=1)'), 'look at the divisor first, as in `if d > 0 then n // d else 0`'],
    [model('conv(x, 9007199254740991 + 1, k=1)'), 'integers go up to 2^53 - 1, floats to 1.8e308'],
  ]);
});

describe('shapes that a signature does not allow', () => {
  const same = 'block same(x: f32[N, C, H, W], y: f32[N, C, H, W]) { return x + y }';
  const flat = 'block flat(x: f32[N, K]) { return x |> linear(3) }';
  const body = (text: string, type = 'f32[N, C, H, W]'): string =>
    model(
      'x |> part(16)',
      `block part(x: f32[N, C, H, W], out: int, stride: int = 2) -> ${type} {\n  return ${text}\n}`,
    );
  helped([
    [model('same(resize(x, 16, 16), x)', same), 'bring it to that shape: `x |> resize(16, 16)`'],
    [model('same(max_pool(x, k=2), x)', same), 'bring it to that shape: `x |> max_pool(k=2)`'],
    [model('same(conv(x, 6, k=1), x)', same), 'bring it to that shape: `x |> conv(6, k=1)`'],
    [model('x |> flat', flat), 'bring it to that shape: `x |> flatten`'],
    [
      body('x |> conv(out, k=3, stride=stride)'),
      'declare what the body gives: `-> f32[N, out, H / stride, W / stride]`',
    ],
    [
      body('x |> conv(out, k=3)', 'f32[N, C, H / stride, W / stride]'),
      'the type depends on `stride`, which the body does not use',
    ],
    [
      body('x |> conv(out + 1, k=stride, pad=0)', 'f32[N, out, H, W]'),
      'declare what the body gives: `-> f32[N, 17, 7, 7]`',
    ],
    [body('x |> conv(out, k=3)'), 'declare what the body gives: `-> f32[N, out, H, W]`'],
    [
      body('x |> linear(out)', 'f32[N, out]'),
      'put `flatten` in front of the `linear`, which computes along the last axis alone',
    ],
  ]);

  it('says no more than the fault', () => {
    const open = 'model M(x: f32[N, 4, H, W]) {\n  return same(max_pool(x, k=3, stride=1), x)\n}';
    expect(helpOf(`${same}\n${open}`)).toEqual(['bring it to that shape, or declare another']);
  });
});

describe('names', () => {
  helped([
    [
      model('x |> Conv2d(16, k=3)'),
      'here it is called `conv`, as in `conv(16, k=3)`; the channels of the input follow from it, and padding keeps the size: `pad=0` for none',
    ],
    [model('x |> batch_norm'), 'here it is called `bn`'],
    [model('x |> MaxPooling2D(k=2)'), 'here it is called `max_pool`, as in `max_pool(k=2)`'],
    [model('conv(x, 4, k=2, pad=valid)'), 'here it is written `0`; no padding'],
    [model('rleu(x)'), 'did you mean `relu`?'],
    [model('x + nothing_like_it'), 'declare it in front of this, or import it'],
  ]);
});

describe('directives', () => {
  const net = `${model('x |> flatten |> linear(3)')}\ndataset d { format = idx  path = "data" }\n`;
  const train = (entries: string): string =>
    `${net}train t for M { data = d  loss = mse()  optimizer = sgd(lr=0.1)\n${entries}\n}`;
  helped([
    [train('batch = 0'), 'leave it out for 32'],
    [train('batch = 1.5'), 'write `2`'],
    [train('batch = "64"'), 'write it without quotes: `64`'],
    [train('epochs 10').replace('10', ''), 'write `epochs = ...`'],
    [train('epochs = 10 20'), 'give it a key, or remove it'],
    [train('schedule = multi_step(at=1epochs)'), 'write `[1epochs]`'],
    [train('augment { horizontal_flip(50) }'), 'a number without a unit is a share of one: write `50%`'],
    [train('augment { horizontal_flip(1.5) }'), 'leave it out for 0.5'],
    [train('augment { horizontal_flip(0.5, 0.5) }'), 'it has p'],
    [train('augment { random_crop(32px, 4px) }'), 'write `pad=4px`'],
    [train('seed = 1  seed = 2'), 'remove one of them'],
    [net.replace('idx', 'image-folder'), 'put it into quotes: `"image-folder"`'],
    [net.replace('"data"', 'data'), 'put it into quotes: `"data"`'],
    [`${net}weights w for N { file = "w" }`, 'there is M'],
    [`${net}budget b for M { params <= 1M }`, 'write `budget for M { ... }`'],
    [`${net}dataset e for M { format = idx  path = "data" }`, 'remove `for M`'],
    [`${net}budget for M { params <= 1M }\nbudget for M { params <= 2M }`, 'put all entries into one of them'],
    [`${net}dataset d { format = idx  path = "data" }`, 'give it a name of its own'],
  ]);
});

describe('syntax', () => {
  helped([
    [model('conv(x, 16 3)'), 'separate them by `,`'],
    [model('conv(x, 16,, 3)'), 'write a value, or remove the `,`'],
    ['model M(x: f32[N, 4]) {\n  let 3 = x\n  return x\n}', 'names begin with a letter or `_`'],
    [model('if x else y'), 'an `if` that gives a value is written `if c then a else b`'],
    [model('x |> seq { for i of 0..3 { relu } }'), 'a loop is written `for i in 0..n { ... }`'],
    ['block b(x: f32[N, 4]) return x }', 'open it with `{`'],
  ]);
});
