/** The metrics that a training can measure, and which way each improves. */
import type { Direction } from '../recipe.ts';

/** A metric of the validation split: `class` needs one label a sample, `mask` one a pixel. */
const metrics: ReadonlyMap<string, { readonly direction: Direction; readonly targets: readonly Target[] }> = new Map([
  ['loss', { direction: 'min', targets: ['class', 'mask'] }],
  ['accuracy', { direction: 'max', targets: ['class', 'mask'] }],
  ['top5_accuracy', { direction: 'max', targets: ['class'] }],
  ['pixel_accuracy', { direction: 'max', targets: ['mask'] }],
  ['mean_iou', { direction: 'max', targets: ['class', 'mask'] }],
  ['dice', { direction: 'max', targets: ['class', 'mask'] }],
]);

type Target = 'class' | 'mask';

/** Names of the metrics that a target has. */
export const metricsOf = (target: Target): readonly string[] =>
  [...metrics].filter(([, { targets }]) => targets.includes(target)).map(([name]) => name);

/**
 * Whether a metric such as `val.accuracy` or `loss` improves downwards or upwards; undefined for a name that does not
 * tell. Keras guesses from names as well, and raises an error where it cannot.
 */
export function directionOf(monitor: string): Direction | undefined {
  return metrics.get(monitor.replace(/^(train|val)\./, ''))?.direction;
}
