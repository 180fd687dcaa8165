/** From a train directive and what the command line overrides to the recipe of a run. */
import { isAbsolute } from 'node:path';
import type { CheckedDirective } from '../../analyze/directives.ts';
import type { Settings } from '../../analyze/directive-values.ts';
import type { DataSpec, EarlyStopSettings, Recipe } from '../../../runtime/train/recipe.ts';
import { augmentsOf } from './augment.ts';
import { directionOf, metricPath, scheduleOf } from './schedule.ts';
import {
  boolOf,
  callOf,
  groupOf,
  numberOf,
  numbersOf,
  sizeOf,
  textOf,
  timeOf,
  type CallSetting,
} from '../run/settings.ts';

/** What the command line says of a run besides the settings of its directive. */
export interface RecipeOverrides {
  readonly seed?: number | undefined;
  /** At most so many batches of each epoch. */
  readonly limitBatches?: number | undefined;
  readonly data?: { readonly format: string; readonly path: string } | undefined;
}

/** What the model and its directives say of the task. */
export interface Task {
  readonly directive: CheckedDirective;
  readonly directives: readonly CheckedDirective[];
  readonly target: Recipe['target'];
  readonly scalars: Recipe['scalars'];
  /** Folder of the source file, which relative paths of data start from. */
  readonly resolve: (path: string) => string;
}

export function recipeOf(task: Task, overrides: RecipeOverrides): Recipe {
  const { directive, target } = task;
  const { settings } = directive;
  const optimizer = callOf(settings.get('optimizer'));
  const epochs = numberOf(settings.get('epochs')) ?? 1;
  const augment = settings.get('augment');
  const early = groupOf(settings.get('early_stop'));
  const earlyStop = early && earlyStopOf(early);
  return {
    name: directive.name ?? '',
    seed: overrides.seed ?? numberOf(settings.get('seed')) ?? 0,
    epochs,
    batch: batchOf(settings),
    ...(overrides.limitBatches === undefined ? {} : { limitBatches: overrides.limitBatches }),
    data: dataOf(task, overrides.data),
    target,
    augment: augment?.kind === 'group' ? augmentsOf(augment.items) : [],
    lr: rateOf(optimizer),
    momentum: numberOf(optimizer?.args.get('momentum')),
    schedule: scheduleOf(callOf(settings.get('schedule')), epochs),
    scalars: task.scalars,
    metrics: metricsOf(settings, target.kind),
    ...(earlyStop ? { earlyStop } : {}),
    checkpoint: checkpointOf(settings, earlyStop, target.kind),
    onNan: onNanOf(settings),
  };
}

/** A training step has a fixed batch: `N` of `shape`, else `batch`. */
export const batchOf = (settings: Settings): number =>
  numberOf(groupOf(settings.get('shape'))?.get('N')) ?? numberOf(settings.get('batch')) ?? 32;

/** Rates of optimizers that may be written without one, as the schema documents them. */
const defaultRates: Readonly<Record<string, number>> = { adam: 1e-3, adamw: 1e-3, rmsprop: 1e-2, lion: 1e-4 };

const rateOf = (optimizer: CallSetting | undefined): number =>
  numberOf(optimizer?.args.get('lr')) ?? defaultRates[optimizer?.name ?? ''] ?? 1e-3;

const defaultMetric = { class: 'accuracy', mask: 'mean_iou' } as const;

function metricsOf(settings: Settings, kind: Recipe['target']['kind']): string[] {
  const listed = settings.get('metric');
  const names = listed?.kind === 'list' ? listed.elements.flatMap((each) => textOf(each) ?? []) : [];
  const plain = names.map((name) => name.replace(/^(train|val|test)\./, '')).filter((name) => name !== 'loss');
  return plain.length > 0 ? [...new Set(plain)] : [defaultMetric[kind]];
}

function earlyStopOf(group: Settings): EarlyStopSettings {
  const monitor = metricPath(textOf(group.get('monitor')) ?? 'val.loss');
  const baseline = numberOf(group.get('baseline'));
  return {
    monitor,
    mode: directionOf(monitor, textOf(group.get('mode'))),
    patience: numberOf(group.get('patience')) ?? 10,
    minDelta: numberOf(group.get('min_delta')) ?? 0,
    ...(baseline === undefined ? {} : { baseline }),
    startFromEpoch: numberOf(group.get('start_from_epoch')) ?? 0,
    restoreBest: boolOf(group.get('restore_best')) ?? true,
  };
}

function checkpointOf(
  settings: Settings,
  earlyStop: EarlyStopSettings | undefined,
  kind: Recipe['target']['kind'],
): Recipe['checkpoint'] {
  const group = groupOf(settings.get('checkpoint'));
  const given = textOf(group?.get('best'));
  const monitor = given ? metricPath(given) : (earlyStop?.monitor ?? metricPath(defaultMetric[kind]));
  const mode = monitor === earlyStop?.monitor ? earlyStop.mode : directionOf(monitor, undefined);
  return {
    every: timeOf(group?.get('every')) ?? { value: 1, unit: 'epochs' },
    keep: numberOf(group?.get('keep')) ?? 1,
    best: { monitor, mode },
  };
}

function onNanOf(settings: Settings): Recipe['onNan'] {
  const call = callOf(settings.get('on_nan'));
  if (call?.name !== 'rollback') return { kind: 'stop' };
  return {
    kind: 'rollback',
    lrScale: numberOf(call.args.get('lr_scale')) ?? 0.5,
    max: numberOf(call.args.get('max')) ?? 3,
  };
}

/** The dataset that the directive names; `--data` takes the place of its files, its split stays. */
function dataOf({ directive, directives, resolve }: Task, given: RecipeOverrides['data']): DataSpec {
  const name = textOf(directive.settings.get('data')) ?? '';
  const dataset = directives.find((each) => each.word === 'dataset' && each.name === name) ?? directive;
  return { ...dataSpecOf(dataset, resolve, given), name };
}

/** What a dataset directive says; `given` takes the place of its files. */
export function dataSpecOf(
  { settings, name = '' }: Pick<CheckedDirective, 'settings' | 'name'>,
  resolve: (path: string) => string,
  given?: RecipeOverrides['data'],
): DataSpec {
  const path = (key: string): string | undefined => {
    const text = given ? undefined : textOf(settings.get(key));
    return text === undefined ? undefined : resolve(text);
  };
  const pattern = (key: string) => {
    const text = given ? undefined : textOf(settings.get(key));
    return text === undefined ? undefined : locatePattern(text, resolve);
  };
  const number = (key: string): number | undefined => numberOf(settings.get(key));
  const split = groupOf(settings.get('split'));
  return {
    name,
    format: formatOf(given?.format ?? textOf(settings.get('format'))),
    path: given?.path ?? path('path'),
    images: pattern('images'),
    masks: pattern('masks'),
    labels: path('labels'),
    classes: number('classes'),
    ignore: number('ignore'),
    maskValues: given ? undefined : numbersOf(settings.get('mask_values')),
    limit: number('limit'),
    samples: number('samples'),
    size: number('size'),
    generatorSeed: number('seed'),
    split: {
      train: sizeOf(split?.get('train')),
      val: sizeOf(split?.get('val')),
      test: sizeOf(split?.get('test')),
      seed: numberOf(split?.get('seed')) ?? 0,
    },
  };
}

const formats = ['cifar-binary', 'idx', 'image-folder', 'image-mask-folder', 'npy', 'npz', 'synthetic'] as const;

const formatOf = (name: string | undefined): DataSpec['format'] => {
  const found = formats.find((format) => format === name);
  if (found) return found;
  throw new RangeError(`the dataset has the unchecked format ${name ?? 'none'}`);
};

/**
 * The folder that a pattern starts from, and the pattern as it is written. `resolve` looks for the files beside the source
 * and in the folder of data: for the folders of the pattern that come before its first wildcard.
 */
function locatePattern(text: string, resolve: (path: string) => string): { folder: string; pattern: string } {
  const segments = text.replaceAll('\\', '/').split('/');
  const wild = segments.findIndex((segment) => /[*?{[]/.test(segment));
  const fixed = segments.slice(0, wild < 0 ? segments.length - 1 : wild).join('/');
  if (fixed === '' || isAbsolute(fixed)) return { folder: resolve('.'), pattern: text };
  const found = resolve(fixed);
  const folder = found.endsWith(`/${fixed}`) ? found.slice(0, -fixed.length - 1) || '/' : resolve('.');
  return { folder, pattern: text };
}
