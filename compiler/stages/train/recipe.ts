/** From a train directive and what the command line overrides to the recipe of a run. */
import { isAbsolute } from 'node:path';
import type { CheckedDirective } from '../../analyze/directives/directives.ts';
import { complete } from '../../analyze/directives/complete.ts';
import { directionOf } from '../../analyze/tables/schedules.ts';
import { directives } from '../../analyze/directives/directive-schema.ts';
import type { DataSpec, Recipe } from '../../../runtime/train/recipe.ts';
import { scheduleOf } from './schedule.ts';
import { learningOf, type LearningSettings } from './training-settings.ts';

/** What the command line says of a run besides the settings of its directive. */
export interface RecipeOverrides {
  readonly seed?: number | undefined;
  /** At most so many batches of each epoch. */
  readonly limitBatches?: number | undefined;
  readonly data?: { readonly format: DataSpec['format']; readonly path: string } | undefined;
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
  const learning = learningOf(directive);
  const { optimizer, earlyStop } = learning;
  const momentum = optimizer && 'momentum' in optimizer ? optimizer.momentum : 0;
  return {
    name: directive.name ?? '',
    seed: overrides.seed ?? learning.seed,
    epochs: learning.epochs,
    batch: batchOf(learning),
    ...(overrides.limitBatches === undefined ? {} : { limitBatches: overrides.limitBatches }),
    data: dataOf(task, overrides.data),
    target,
    augment: learning.augment,
    // What is only measured has no rate.
    lr: optimizer ? optimizer.lr : 0,
    ...(momentum > 0 ? { momentum } : {}),
    schedule: scheduleOf(learning.schedule),
    scalars: task.scalars,
    metrics: metricsOf(learning, target.kind),
    ...(earlyStop ? { earlyStop } : {}),
    checkpoint: checkpointOf(learning, target.kind),
    onNan: learning.onNan,
  };
}

/** A training step has a fixed batch: `N` of `shape`, else `batch`. */
export const batchOf = ({ shape, batch }: LearningSettings): number => shape['N'] ?? batch;

const mainMetric = { class: 'accuracy', mask: 'mean_iou' } as const;

function metricsOf({ metric = [] }: LearningSettings, kind: Recipe['target']['kind']): string[] {
  const plain = metric.map((name) => name.replace(/^(train|val|test)\./, '')).filter((name) => name !== 'loss');
  return plain.length > 0 ? [...new Set(plain)] : [mainMetric[kind]];
}

function checkpointOf(
  { checkpoint, earlyStop }: LearningSettings,
  kind: Recipe['target']['kind'],
): Recipe['checkpoint'] {
  const { every, keep, best } = checkpoint;
  const monitor = best ?? earlyStop?.monitor ?? `val.${mainMetric[kind]}`;
  const mode = monitor === earlyStop?.monitor ? earlyStop.mode : directionOf(monitor);
  return { every, keep, best: { monitor, mode } };
}

/** The dataset that the directive names; `--data` takes the place of its files, its split stays. */
function dataOf({ directive, directives: declared, resolve }: Task, given: RecipeOverrides['data']): DataSpec {
  const { data: name = '' } = learningOf(directive);
  const dataset = declared.find((each) => each.word === 'dataset' && each.name === name);
  return { ...dataSpecOf(dataset ?? { settings: new Map() }, resolve, given), name };
}

/** What a dataset directive says; `given` takes the place of its files. */
export function dataSpecOf(
  dataset: Pick<CheckedDirective, 'settings' | 'name'>,
  resolve: (path: string) => string,
  given?: RecipeOverrides['data'],
): DataSpec {
  const { name = '', settings } = dataset;
  const { seed, ...declared } = complete(directives.dataset.fields, settings);
  const spec = { ...declared, name, generatorSeed: seed };
  if (given) {
    const { format, path } = given;
    return { ...spec, format, path, images: undefined, masks: undefined, labels: undefined, maskValues: undefined };
  }
  const located = (path: string | undefined) => (path === undefined ? undefined : resolve(path));
  const pattern = (text: string | undefined) => (text === undefined ? undefined : locatePattern(text, resolve));
  return {
    ...spec,
    path: located(spec.path),
    images: pattern(spec.images),
    masks: pattern(spec.masks),
    labels: located(spec.labels),
  };
}

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
