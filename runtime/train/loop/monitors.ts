/** Which metrics a run measures, and that every monitored one is among them. */
import { RuntimeFault } from '../../errors.ts';
import { metricsOf } from './metric-names.ts';
import type { Recipe } from '../recipe.ts';

/** Metrics of the validation split: those asked for and those that something monitors. */
export function measuredMetrics(recipe: Recipe): readonly string[] {
  const monitored = monitorsOf(recipe).flatMap(([, name]) => (name.startsWith('val.') ? [name.slice(4)] : []));
  return [...new Set([...recipe.metrics, ...monitored])].filter((name) => name !== 'loss');
}

/** Throws E0910 where a setting monitors what the run does not measure. */
export function checkMonitors(recipe: Recipe, hasValidation: boolean): void {
  const ofValidation = hasValidation ? metricsOf(recipe.target.kind).map((name) => `val.${name}`) : [];
  const known = ['train.loss', 'train.accuracy', ...ofValidation];
  for (const [setting, name] of monitorsOf(recipe)) {
    if (known.includes(name)) continue;
    const reason = name.startsWith('val.') && !hasValidation ? ', and there is no validation split' : '';
    const message = `${setting} monitors ${name}, which is not measured${reason}`;
    throw new RuntimeFault('E0910', 'source', message, `there are ${known.join(', ')}`);
  }
}

/** What the settings monitor, with the name of the setting. */
function monitorsOf({ earlyStop, checkpoint, schedule: { base } }: Recipe): readonly (readonly [string, string])[] {
  return [
    ['checkpoint', checkpoint.best.monitor],
    ...(earlyStop ? [['early_stop', earlyStop.monitor] as const] : []),
    ...(base.kind === 'plateau' ? [['schedule', base.monitor] as const] : []),
  ];
}
