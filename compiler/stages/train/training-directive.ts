/** The training settings of any stage: its own, then those of the stages that it starts from. */
import type { CheckedDirective } from '../../analyze/index.ts';
import type { Settings } from '../../analyze/directives/directive-values.ts';
import { groupOf } from '../run/settings.ts';
import { chainTo, type StageNode } from '../run/stage-graph.ts';

/**
 * What a stage takes over from the one that it starts from, where it does not say it itself: what is learned, on what,
 * and how it is measured. Lengths, schedules, early stopping and checkpoints are each stage's own; so is the optimizer
 * wherever one is given.
 */
const inherited: readonly string[] = [
  'data',
  'shape',
  'batch',
  'seed',
  'loss',
  'augment',
  'metric',
  'optimizer',
  'regularize',
  'clip',
];

/**
 * The stage's directive with the settings of a training run: those of `group` (as `finetune` of a prune) before its own
 * before those that it inherits.
 */
export function trainingDirective(stage: StageNode, group?: string): CheckedDirective {
  const settings = new Map(stageSettings(stage));
  // The schedule of a prune says when it removes, not how the rate goes.
  if (stage.word === 'prune') settings.delete('schedule');
  const inner = group === undefined ? undefined : groupOf(stage.directive.settings.get(group));
  for (const [key, value] of inner ?? []) settings.set(key, value);
  return { ...stage.directive, settings };
}

/** What a stage says itself, and what it takes over. */
export const stageSettings = (stage: StageNode): Settings =>
  new Map([...inheritedSettings(stage), ...stage.directive.settings]);

function inheritedSettings({ from }: StageNode): Settings {
  const settings = new Map<string, NonNullable<ReturnType<Settings['get']>>>();
  for (const { directive } of from ? chainTo(from) : []) {
    // How a stage is tuned afterwards says more of what follows than how it was begun.
    for (const entries of [directive.settings, groupOf(directive.settings.get('finetune'))]) {
      for (const [key, value] of entries ?? []) if (inherited.includes(key)) settings.set(key, value);
    }
  }
  return settings;
}
