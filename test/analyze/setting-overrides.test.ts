/** Settings of the command line: what they replace and add, and that every fault shows where it was written. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyze, OverrideError } from '../../compiler/analyze/index.ts';
import type { Setting, Settings } from '../../compiler/analyze/directives/directive-values.ts';
import type { Span } from '../../grammar/source.ts';
import { renderDiagnostics } from '../../grammar/render.ts';
import { memoryHost, show } from './memory-host.ts';

const source = `
model M(image: f32[N, 1, 4, 4]) -> f32[N, 2] {
  return image |> flatten |> fc: linear(2)
}
dataset shapes {
  format = "synthetic"
  split  { train = 40  val = 8 }
}
train base for M {
  data       = shapes
  epochs     = 4
  loss       = 0.5 * cross_entropy() + 0.5 * mse()
  optimizer  = sgd(0.1, momentum=0.9)
  regularize = weight_decay(5e-4, except=[bias])
  early_stop { monitor = val.loss  patience = 2epochs }
}
train fine for M {
  shape     = { N = 16 }
  data      = shapes
  epochs    = 5
  loss      = cross_entropy()
  optimizer = adamw
}
`;

/** Each as a line of one text, as the command line has them. */
function spansOf(lines: readonly string[]): Span[] {
  const file = { path: '--set', text: lines.join('\n') };
  return lines.map((line, at) => {
    const start = lines.slice(0, at).reduce((sum, { length }) => sum + length + 1, 0);
    return { file, start, end: start + line.length };
  });
}

const overridden = (lines: readonly string[], chosen?: string, text = source) =>
  analyze('main.cnn', memoryHost({ 'main.cnn': text }), { settings: spansOf(lines), chosen });

/** Settings of a directive as JSON has them, without their places. */
function settingsOf(lines: readonly string[], name = 'base', chosen?: string): unknown {
  const { directives, diagnostics } = overridden(lines, chosen);
  expect(diagnostics.map(show)).toEqual([]);
  const plainMap = (settings: Settings): unknown =>
    Object.fromEntries([...settings].map(([key, value]) => [key, plain(value)]));
  const plain = (setting: Setting): unknown => {
    if (setting.kind === 'call') return { [setting.name]: plainMap(setting.args) };
    if (setting.kind === 'group') return plainMap(setting.entries);
    if (setting.kind === 'list') return setting.elements.map(plain);
    if (setting.kind === 'sum') return setting.terms.map(({ weight, loss }) => [weight, plain(loss)]);
    return setting.kind === 'model' ? setting.name : setting.value;
  };
  return plainMap(directives.find((each) => each.name === name)?.settings ?? new Map());
}

const faultOf = (...lines: readonly string[]): string => {
  try {
    return overridden(lines).diagnostics.map(show).join('\n');
  } catch (error) {
    if (error instanceof OverrideError) return `${error.message}; ${error.help}`;
    throw error;
  }
};

describe('a setting', () => {
  it.each<[string, object]>([
    ['base.epochs=7', { epochs: 7 }],
    ['base.epochs = 2 * 3', { epochs: 6 }],
    ['base.batch=8', { batch: 8 }],
    ['base.lr=0.5', { optimizer: { sgd: { lr: 0.5, momentum: 0.9 } } }],
    ['base.optimizer.lr=1e-2', { optimizer: { sgd: { lr: 0.01, momentum: 0.9 } } }],
    ['base.optimizer.momentum=80%', { optimizer: { sgd: { lr: 0.1, momentum: 0.8 } } }],
    ['base.optimizer.nesterov=true', { optimizer: { sgd: { lr: 0.1, momentum: 0.9, nesterov: true } } }],
    ['base.optimizer=adam(lr=1e-3)', { optimizer: { adam: { lr: 0.001 } } }],
    ['base.regularize.value=0.5', { regularize: { weight_decay: { value: 0.5, except: ['bias'] } } }],
    ['base.early_stop.patience=3', { early_stop: { monitor: 'val.loss', patience: 3 } }],
    ['base.early_stop.min_delta=1%', { early_stop: { monitor: 'val.loss', patience: 2, min_delta: 0.01 } }],
    ['base.checkpoint.keep=3', { checkpoint: { keep: 3 } }],
    ['base.schedule=step(every=2epochs)', { schedule: { step: { every: 2 } } }],
    ['base.metric=[accuracy, loss]', { metric: ['accuracy', 'loss'] }],
    ['base.loss=dice(smooth=2)', { loss: [[1, { dice: { smooth: 2 } }]] }],
    ['base.epochs=7 # as a comment says', { epochs: 7 }],
  ])('%s', (line, expected) => {
    expect(settingsOf([line])).toEqual({ ...(settingsOf([]) as object), ...expected });
  });

  it('of another directive leaves this one alone', () => {
    expect(settingsOf(['fine.epochs=9', 'shapes.split.train=30'])).toEqual(settingsOf([]));
    expect(settingsOf(['dataset.limit=20'], 'shapes')).toMatchObject({ limit: 20, split: { train: 40, val: 8 } });
  });

  it('goes into a call that was written without arguments, and into a loss that is one call', () => {
    expect(settingsOf(['fine.lr=2', 'fine.loss.label_smoothing=0.1'], 'fine')).toMatchObject({
      optimizer: { adamw: { lr: 2 } },
      loss: [[1, { cross_entropy: { label_smoothing: 0.1 } }]],
    });
  });

  it('of the batch is the N of a shape that has one', () => {
    expect(settingsOf(['fine.batch=8'], 'fine')).toMatchObject({ shape: { N: 8 } });
    expect(settingsOf(['fine.shape.H=8'], 'fine')).toMatchObject({ shape: { N: 16, H: 8 } });
    expect(settingsOf(['base.shape.H=8'])).toMatchObject({ shape: { H: 8 } });
  });

  it('may be given several times: the last one counts', () => {
    expect(settingsOf(['base.epochs=7', 'base.lr=0.5', 'base.epochs=8'])).toMatchObject({
      epochs: 8,
      optimizer: { sgd: { lr: 0.5 } },
    });
  });

  it('of a word goes to the chosen directive', () => {
    expect(settingsOf(['train.epochs=7'], 'base', 'base')).toMatchObject({ epochs: 7 });
    expect(settingsOf(['train.epochs=7'], 'fine', 'fine')).toMatchObject({ epochs: 7 });
  });
});

describe('a fault', () => {
  it.each([
    ['epochs=3', "'epochs=3' is not KEY=VALUE; write --set train.epochs=3"],
    ['base.epochs', "'base.epochs' is not KEY=VALUE; write --set train.epochs=3"],
    ['bsae.epochs=3', 'no directive is called `bsae`; did you mean `base`?'],
    ['train.epochs=3', '`train` means several directives; begin with a name: base, fine'],
    ['base.epohs=3', '`train` has no key `epohs`; did you mean `epochs`?'],
    ['base.optimizer.momentun=0.5', '`sgd` has no `momentun`; did you mean `momentum`?'],
    ['base.early_stop.pateince=1', '`early_stop` has no key `pateince`; did you mean `patience`?'],
    ['base.epochs.x=3', '`epochs` has no parts; write --set base.epochs=VALUE'],
    ['base.optimizer.lr.x=3', '`lr` has no parts; write --set base.optimizer.lr=VALUE'],
    ['base.augment.p=3', '`augment` has no parts; write --set base.augment=VALUE'],
    [
      'base.schedule.gamma=3',
      'there is no `schedule` whose settings could be changed; write it as a whole, as in --set "base.schedule=constant(...)"',
    ],
    [
      'base.loss.label_smoothing=3',
      '`0.5 * cross_entropy() + 0.5 * mse()` is more than one call; write it as a whole, as in --set "base.loss=cross_entropy(...)"',
    ],
    [
      'base.epochs=3 4',
      '\'3 4\' is not one value; quote it from the shell, as in --set "train.schedule=step(every=2epochs)"',
    ],
    [
      'base.epochs=3} train x {',
      '\'3} train x {\' is not one value; quote it from the shell, as in --set "train.schedule=step(every=2epochs)"',
    ],
  ])('in the key of %s', (line, expected) => {
    expect(faultOf(line)).toBe(expected);
  });

  it.each([
    ['base.epochs=0', 'E0605 --set:1:13 `epochs` must be at least 1, not 0'],
    ['base.epochs=3px', 'E0604 --set:1:13 `epochs` cannot be 3px'],
    ['base.optimizer=sgdd()', 'E0604 --set:1:16 `optimizer` cannot be `sgdd`'],
    ['base.checkpoint.best=3', 'E0604 --set:1:22 `best` must be a metric, not `3`'],
    ['fine.early_stop.patience=3', 'E0603 --set:1:6 `early_stop` needs `monitor`: what must improve'],
    ['base.lr=', 'E0113 --set:1:8 no value after `=`'],
    ['base.lr=(1', 'E0111 --set:1:9 `(` is never closed'],
    ['base.lr=1..2..', 'E0113 --set:1:13 no value after `..`'],
    ['base.lr=width', 'E0201 --set:1:9 unknown name `width`'],
  ])('in the value of %s', (line, expected) => {
    expect(faultOf(line)).toBe(expected);
  });

  it('shows its own line', () => {
    const { diagnostics } = overridden(['base.epochs=5', 'base.lr=-1']);
    expect(renderDiagnostics(diagnostics, { color: false })).toBe(
      [
        'error[E0605]: `lr` of `sgd` must be at least 0, not -1',
        ' --> --set:2:9',
        '  |',
        '2 | base.lr=-1',
        '  |         ^^',
        'help: the least is 0',
        '  = more: cnnc explain E0605',
      ].join('\n'),
    );
  });

  it('of one setting does not hide that of another', () => {
    expect(faultOf('base.epochs=0', 'fine.epochs=0').split('\n')).toHaveLength(2);
    expect(faultOf('base.epochs=', 'fine.epochs=').split('\n')).toHaveLength(2);
  });

  it('is never an exception of another kind, whatever is written', () => {
    const value = fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9(){}=.,*"#\n -]{0,12}$/));
    const key = fc.constantFrom('base.lr', 'base.early_stop.patience', 'fine.shape.N', 'base.loss', 'dataset.limit');
    fc.assert(
      fc.property(key, value, (path, text) => {
        const fault = faultOf(`${path}=${text}`);
        expect(typeof fault).toBe('string');
      }),
    );
  });
});
