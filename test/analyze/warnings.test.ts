/** Warnings: what they find, and the look-alikes that they leave alone. */
import { describe, expect, it } from 'vitest';
import { check, faultsOf } from './memory-host.ts';

const model = (body: string, parameters = ''): string => `model M(x: f32[N, 4, 8, 8]${parameters}) {\n${body}\n}`;
const warned = (cases: readonly (readonly [string, ...string[]])[]): void => {
  it.each(cases.map(([source, ...wanted]) => [source, wanted] as const))('%s', (source, wanted) => {
    expect(faultsOf(source)).toEqual(wanted);
  });
};
const body = (text: string, ...wanted: string[]): [string, ...string[]] => [model(text), ...wanted];

describe('unused names', () => {
  const use = `\n${model('  return x |> part')}`;
  const part = 'block part(x: f32[N, C, H, W]) { return x }';
  warned([
    [model('  return x', ', k: int = 3'), 'W0002 1:29 the parameter `k` is never used'],
    [model('  return x', ', y: f32[N, 4]'), 'W0002 1:29 the parameter `y` is never used'],
    [model('  return x', ', _y: f32[N, 4]')],
    // A parameter that only a type or a default names is used.
    ['model M(x: f32[N, 4], k: int = 4) -> f32[N, k] { return x }'],
    ['model M(x: f32[N, 4], k: int = 4, j: int = k) { return x |> linear(j) }'],
    [`const width = 3\n${part}${use}`, 'W0003 1:7 the constant `width` is never used'],
    [`const _width = 3\n${part}${use}`],
    [`fn twice(v: int) -> int { return v + v }\n${part}${use}`, 'W0003 1:4 the function `twice` is never used'],
    [`block lone(x: f32[N, C]) { return x |> lone }\n${part}${use}`, 'W0003 1:7 the block `lone` is never used'],
    // A library: what nobody uses here, others import.
    [`const width = 3\n${part}`],
    ['const rate = 0.5\nmodel M(x: f32[N, 4]) { return x }\nbudget for M { params <= rate }'],
  ]);

  it('are not looked for in imported files', () => {
    const library = `const width = 3\n${model('  return x').replace(' M', ' L')}`;
    expect(
      faultsOf('import { L } from "lib"\nmodel M(x: f32[N, 4, 8, 8]) { return L(x) }', { 'lib.cnn': library }),
    ).toEqual([]);
  });
});

describe('code that never runs', () => {
  warned([
    body('  return x\n  return x', 'W0005 3:3 this statement is never reached'),
    body('  return x\n  let y = x\n  return y', 'W0005 3:3 this statement is never reached'),
    [
      model('  if k > 1 { return x } else { return relu(x) }\n  return x', ', k: int = 1'),
      'W0005 3:3 this statement is never reached',
    ],
    [model('  if k > 1 { return x }\n  return relu(x)', ', k: int = 1')],
    body(
      '  if true { return x }\n  return relu(x)',
      'W0006 2:6 this condition is always true',
      'W0005 3:3 this statement is never reached',
    ),
    body('  if false { return x }\n  return relu(x)', 'W0006 2:6 this condition is always false'),
    body('  return if 1 > 2 then x else relu(x)', 'W0006 2:13 this condition is always false'),
    body('  return x |> seq { if !(1 == 1) { relu } }', 'W0006 2:24 this condition is always false'),
    [
      model('  return if k == 1 || true then x else relu(x)', ', k: int = 1'),
      'W0006 2:13 this condition is always true',
    ],
    [model('  return if k == 1 && true then x else relu(x)', ', k: int = 1')],
    [model('  return if k != k then x else relu(x)', ', k: int = 1'), 'W0006 2:13 this condition is always false'],
    // A switch has a name.
    [`const debug = false\n${model('  return if debug then x else relu(x)')}`],
    body(
      '  return x |> seq { for i in 0..0 { conv(i, k=1) } }',
      'W0005 2:30 this loop has no turns, so its stages never run',
    ),
    body(
      '  return x |> seq { for i in 3..1 { conv(i, k=1) } }',
      'W0005 2:30 this loop has no turns, so its stages never run',
    ),
    body(
      '  return x |> seq { for i in [] { conv(i, k=1) } }',
      'W0005 2:30 this loop has no turns, so its stages never run',
    ),
    [model('  return x |> seq { for i in 0..n { conv(i + 1, k=1) } }', ', n: int = 0')],
  ]);
});

describe('labels', () => {
  const join = (label: string): string =>
    `block join(x: f32[N, C, H, W], skip: f32[N, C, H, W], wide: int) {\n  return (x |> ${label}: conv(C, k=3)) + skip * wide\n}`;
  warned([
    [join('skip'), 'W0007 2:16 the label `skip` has the name of a parameter'],
    // Quotes say that it is meant; a width is no value to be mistaken for; a name of the prelude is none of the block.
    [join('"skip"')],
    [join('wide')],
    [join('conv')],
    body('  let y = relu(x)\n  return y |> y: conv(4, k=1)', 'W0007 3:15 the label `y` has the name of a value'),
    body('  let y = x |> y: conv(4, k=1)\n  return y'),
    body(
      '  return x |> seq { for i in 1..2 { i: conv(i, k=1) } }',
      'W0007 2:37 the label `i` has the name of a loop variable',
    ),
  ]);
});

const net = model('  return x |> flatten |> head: linear(10)');
const dataset = (name: string, split = ''): string => `dataset ${name} { format = idx  path = "data" ${split} }`;
const train = (entries: string): string =>
  `${net}\n${dataset('d', 'split { train = 1000 }')}\ntrain base for M {\n  data = d  batch = 100  loss = cross_entropy()\n${entries}\n}`;
const sgd = '  optimizer = sgd(lr=0.1)';

describe('datasets', () => {
  const calibrated = `${net}\n${dataset('d')}\nquantize q for M { calibrate { data = d.train } }`;
  warned([
    [`${train(sgd)}\n${dataset('e')}`, 'W0004 9:9 the dataset `e` is never used'],
    [`${train(sgd)}\n${dataset('_e')}`],
    // Without stages it may be there for others; with an error it may be the one that is meant.
    [`${net}\n${dataset('e')}`],
    [`${train(sgd).replace('data = d ', 'data = f ')}\n${dataset('e')}`, 'E0607 6:10 no dataset is called `f`'],
    [calibrated],
  ]);
});

describe('times beyond the end', () => {
  const run = (entries: string, epochs = 'epochs = 20'): string => train(`${sgd}\n  ${epochs}\n  ${entries}`);
  const over = (place: string, moment: string, size = ''): string =>
    `W0008 ${place} a run of 20 epochs${size} is over ${moment}`;
  warned([
    [
      run('schedule = multi_step(at=[10epochs, 20epochs, 30epochs])'),
      over('9:39', 'after 20 epochs'),
      over('9:49', 'after 30 epochs'),
    ],
    [run('schedule = multi_step([10epochs, 19epochs])')],
    [run('schedule = multi_step([200steps])'), over('9:26', 'after 200 steps', ' of 10 steps')],
    [run('schedule = multi_step([199steps])')],
    [run('schedule = step(every=20epochs)'), over('9:25', 'after 20 epochs')],
    [run('schedule = cosine(warmup=20epochs)'), over('9:28', 'after 20 epochs')],
    [run('schedule = cosine(t_max=20epochs, warmup=5epochs)')],
    [run('schedule = cosine(t_max=21epochs)'), over('9:27', 'after 21 epochs')],
    [run('schedule = one_cycle(max=1, total=201steps)'), over('9:37', 'after 201 steps', ' of 10 steps')],
    [run('schedule = linear(total=201steps)'), over('9:27', 'after 201 steps', ' of 10 steps')],
    [run('schedule = cosine_restarts(period=20epochs)')],
    [run('schedule = cosine_restarts(21epochs)'), over('9:30', 'after 21 epochs')],
    [run('schedule = plateau(patience=20epochs)'), over('9:31', 'after 20 epochs')],
    [run('early_stop { monitor = val.loss  patience = 20epochs }'), over('9:47', 'before a patience of 20 epochs')],
    [
      run('early_stop { monitor = val.loss  patience = 10epochs  start_from_epoch = 10 }'),
      over('9:47', 'before a patience of 10 epochs from epoch 10 on'),
    ],
    [run('early_stop { monitor = val.loss  patience = 19epochs }')],
    [run('checkpoint { every = 21epochs }'), over('9:24', 'after 21 epochs')],
    [run('checkpoint { every = 20epochs }')],
    [run('schedule = step(every=1epochs)', ''), 'W0008 9:25 a run of 1 epoch is over after 1 epoch'],
    [run('schedule = step(every=1epochs)', 'epochs = 0'), 'E0605 8:12 `epochs` must be at least 1, not 0'],
    [run('schedule = multi_step([399steps])\n  shape = { N = 50 }')],
  ]);

  it('takes the default patience into account', () => {
    const short = run('early_stop { monitor = val.loss }', 'epochs = 5');
    expect(faultsOf(short)).toEqual(['W0008 9:3 a run of 5 epochs is over before a patience of 10 epochs']);
  });

  it('knows the length of the training behind pruning', () => {
    const pruned = (end: string): string =>
      `${train(sgd)}\nprune slim for M {\n  from = base  target = ratio(0.5)  schedule = cubic(end=${end})\n  finetune { epochs = 20 }\n}`;
    expect(faultsOf(pruned('20epochs'))).toEqual([]);
    expect(faultsOf(pruned('21epochs'))).toEqual([over('10:58', 'after 21 epochs')]);
  });

  it('does not guess the steps of an epoch', () => {
    const unknown = run('schedule = step(every=100000steps)').replace('split { train = 1000 }', '');
    expect(faultsOf(unknown)).toEqual([]);
  });
});

describe('settings without effect', () => {
  const decay = 'sgd(lr=0.1, weight_decay=1e-4)';
  warned([
    [train('  optimizer = sgd(lr=0.1, nesterov=true)')],
    [train('  optimizer = sgd(lr=0.1, dampening=0.1)'), 'W0009 7:37 `dampening` has no effect without momentum'],
    [train('  optimizer = sgd(lr=0.1, momentum=0.9, nesterov=true)')],
    [train('  optimizer = sgd(lr=0.1, nesterov=false)')],
    [train(`  optimizer = ${decay}\n  regularize = l2(1e-4)`), 'W0009 8:16 the weights decay twice'],
    [train(`  optimizer = ${decay}\n  regularize = l1(1e-4)`)],
    [train(`  optimizer = ${decay}\n  regularize = l2(0)`)],
    [
      train(`${sgd}\n  epochs = 20\n  schedule = cyclic(base=0.1, max=1, up=1epochs, gamma=0.9)`),
      'W0009 9:56 `gamma` has no effect in this mode',
    ],
    [train(`${sgd}\n  epochs = 20\n  schedule = cyclic(base=0.1, max=1, up=1epochs, gamma=0.9, mode=exp_range)`)],
  ]);

  const stage = (text: string): string => `${train(sgd)}\n${text}`;
  const prune = (text: string): string => stage(`prune slim for M { from = base  target = macs(-40%)  ${text} }`);
  const nothing = (key: string, at: number): string => `W0009 9:${at} \`${key}\` has no effect without \`finetune\``;
  const shadowed = (key: string, at: number): string =>
    `W0009 9:${at} \`${key}\` has no effect: \`finetune\` has its own`;
  warned([
    [prune('epochs = 2  finetune { epochs = 3 }'), shadowed('epochs', 63)],
    [prune('seed = 2  ema = 0.9  finetune { seed = 3  ema = 0.5 }'), shadowed('seed', 61), shadowed('ema', 70)],
    // The stage's own are those of its training where `finetune` has none; its schedule is that of the removals.
    [prune('epochs = 2  finetune { batch = 3 }')],
    [prune('schedule = once  finetune { epochs = 3  schedule = cosine() }')],
    // Others measure with them, and later stages take them over.
    [prune('batch = 16  data = d  finetune { batch = 8  data = d }')],
    [prune('epochs = 2'), nothing('epochs', 63)],
    [prune('early_stop { monitor = val.loss }'), nothing('early_stop', 54)],
    [prune('batch = 16  seed = 3  optimizer = sgd(lr=0.1)')],
    [prune('bn_reestimate { samples = 0  data = d.val }'), 'W0009 9:90 `data` has no effect with `samples = 0`'],
    [prune('bn_reestimate { samples = 64  data = d.val }')],
    [
      stage('distill u for M { teacher = base  epochs = 1  hint_weight = 2 }'),
      'W0009 9:61 `hint_weight` has no effect without `hints`',
    ],
  ]);

  it('tells which key counts', () => {
    const { diagnostics } = check(prune('epochs = 2  finetune { epochs = 3 }'));
    const [found] = diagnostics.filter(({ code }) => code === 'W0009');
    expect(found?.help).toBe('remove it, and change that one: `slim.finetune.epochs` for --set');
  });

  it('finds a teacher that is not listened to', () => {
    const distill = `\ndistill t for M { data = d  teacher = M @ "w.safetensors"  alpha = 0  optimizer = sgd(lr=0.1) }`;
    expect(faultsOf(train(sgd) + distill)).toEqual(['W0009 9:68 the teacher has no weight in the loss']);
  });
});

describe('patterns', () => {
  const except = (list: string): string => train(`${sgd}\n  regularize = weight_decay(1e-4, except=${list})`);
  warned([
    [except('[bias, bn, "head.*", "*.weight", "h*d", "ead"]')],
    [except('["haed.*"]'), 'W0010 8:43 no parameter of `M` matches `haed.*`'],
    [except('["h*z"]'), 'W0010 8:43 no parameter of `M` matches `h*z`'],
    [`${net}\nquantize q for M { keep_float = ["haed"] }`, 'W0010 4:34 no parameter of `M` matches `haed`'],
  ]);
});

describe('budgets', () => {
  const budget = (line: string): string => `${train(sgd)}\nbudget for base { ${line} }`;
  const always = 'W0011 9:19 this line always holds, whatever the model is like';
  const never = 'W0011 9:19 this line never holds, whatever the model is like';
  warned([
    [budget('val.accuracy >= 91'), never],
    [budget('val.accuracy > 100%'), never],
    [budget('val.accuracy >= 100%')],
    [budget('val.accuracy >= 0%'), always],
    [budget('drop(base) <= 1.0'), always],
    [budget('drop(base) <= 1.0%')],
    [budget('val.loss <= 2')],
    [budget('params >= 0'), always],
    [budget('params > 0')],
    [budget('size < 0'), never],
    [budget('latency(p50) <= 2ms')],
  ]);
});

describe('a softmax in front of its loss', () => {
  const ends = (end: string, loss: string): string =>
    train(sgd).replace('linear(10)', `linear(10)${end}`).replace('cross_entropy()', loss);
  warned([
    [
      ends(' |> softmax', 'cross_entropy()'),
      'W0012 6:33 `cross_entropy` computes the softmax itself, and `M` ends with one',
    ],
    [
      ends(' |> softmax', '0.5 * cross_entropy() + 0.5 * dice()'),
      'W0012 6:33 `cross_entropy` computes the softmax itself, and `M` ends with one',
    ],
    [ends(' |> softmax', 'mse()')],
    [ends('', 'cross_entropy()')],
  ]);
});

describe('regression of classes', () => {
  const regressed = (loss: string, end = 'linear(10)'): string =>
    train(sgd).replace('linear(10)', end).replace('cross_entropy()', loss);
  const said = (name: string): string =>
    `W0020 6:33 \`${name}\` takes a class as a vector that is 1 at its number and 0 elsewhere, not as the number`;
  warned([
    [regressed('mse()'), said('mse')],
    [regressed('l1()'), said('l1')],
    [regressed('huber(delta=0.5) + 0.1 * mse()'), said('huber')],
    // Deliberate: the Brier score, a score that learns the label itself, and what is added to a loss of classes.
    [regressed('mse()', 'linear(10) |> softmax')],
    [regressed('mse()', 'linear(10) |> sigmoid')],
    [regressed('mse()', 'linear(1)')],
    [regressed('cross_entropy() + 0.1 * mse()')],
  ]);
});

describe('habits of other frameworks', () => {
  const input = (dims: string): string => `model M(x: f32[${dims}]) { return x |> relu }`;
  const last = (channels: string): string =>
    `W0013 1:12 this input looks like [N, H, W, C], and ${channels} is taken for its channels`;
  const scaled = (steps: string): string => `${input('N, 3, 8, 8')}\npreprocess for M { ${steps} }`;
  const deep = (stage: string): string => `model M(x: f32[N, 3, 32, 32]) {\n  return x |> ${stage}\n}`;
  warned([
    [input('N, 224, 224, 3'), last('224')],
    [input('1, 240, 320, 4'), last('240')],
    [input('N, 28, 28, 1'), last('28')],
    [input('N, H, W, 3'), last('H')],
    [input('N, 3, 224, 224')],
    [input('N, 512, 4, 4')],
    // A column of samples.
    [input('N, 64, 128, 1')],
    [input('N, C, H, W')],
    [deep('conv(3, 15)'), 'W0014 2:23 a kernel of 15 by 15 pixels is unusual'],
    [deep('conv(8, k=(13, 15))'), 'W0014 2:25 a kernel of 13 by 15 pixels is unusual'],
    [deep('conv(8, k=11)')],
    [deep('conv(8, k=(1, 15))')],
    // A linear layer over all pixels.
    [deep('conv(8, k=32, pad=0)')],
    [deep('linear(10)'), 'W0016 2:15 `linear` works along the last axis, which is the width of f32[N, 3, 32, 32]'],
    [deep('flatten |> linear(10)')],
    [
      scaled('normalize(mean=[123.7, 116.3, 103.5], std=[58.4, 57.1, 57.4])'),
      'W0015 2:20 a mean lies beyond 0..1, the range of the numbers of a picture',
    ],
    [scaled('normalize(mean=[0.5, 1, 0], std=[1, 1, 1])')],
  ]);
});
