/** Warnings that follow from the directives of a file alone: about datasets, lengths of runs, settings and budgets. */
import { diagnostic, type Diagnostic } from '../../../grammar/diagnostics.ts';
import type { Constraint } from '../directives/budget.ts';
import { stageWords } from '../directives/directive-schema.ts';
import type { Setting, Settings } from '../directives/settings.ts';
import type { CheckedDirective } from '../directives/directives.ts';
import { meansBeyondOne } from './warn-habits.ts';
import { warnRunLength } from './warn-run-length.ts';
import { settingsWithoutEffect } from './warn-settings.ts';

/** `hasErrors`: a dataset that seems unused may be the one that a wrong value means. */
export function warnDirectives(directives: readonly CheckedDirective[], hasErrors: boolean): Diagnostic[] {
  return [
    ...(hasErrors ? [] : unusedDatasets(directives)),
    ...warnRunLength(directives),
    ...directives.flatMap(settingsWithoutEffect),
    ...directives.flatMap(meansBeyondOne),
    ...directives.flatMap(({ constraints }) => constraints.flatMap(undecided)),
  ];
}

/** W0004: a dataset that no stage reads, where there are stages. */
function unusedDatasets(directives: readonly CheckedDirective[]): Diagnostic[] {
  const words: readonly string[] = stageWords;
  const stages = directives.filter(({ word }) => words.includes(word));
  if (stages.length === 0) return [];
  const used = new Set(stages.flatMap(({ settings }) => namesIn(settings)));
  return directives.flatMap(({ word, declaration: { name } }) => {
    if (word !== 'dataset' || !name || used.has(name.name) || name.name.startsWith('_')) return [];
    const help = `remove it, or give it to a stage: \`data = ${name.name}\``;
    return [diagnostic('W0004', name.span, `the dataset \`${name.name}\` is never used`, { help })];
  });
}

/** Names that settings refer to, without the part behind a point. */
const namesIn = (settings: Settings): string[] => [...settings.values()].flatMap(namesInSetting);

function namesInSetting(setting: Setting): string[] {
  if (setting.kind === 'name') return [setting.value.split('.')[0] ?? ''];
  return setting.kind === 'group' ? namesIn(setting.entries) : [];
}

/** The values that a figure can have; all others have no upper end. */
const ranges: Readonly<Record<string, readonly [number, number]>> = {
  drop: [-1, 1],
  accuracy: [0, 1],
  top5_accuracy: [0, 1],
  mean_iou: [0, 1],
  pixel_accuracy: [0, 1],
  dice: [0, 1],
};

const holds: Readonly<Record<Constraint['operator'], (figure: number, limit: number) => boolean>> = {
  '<': (figure, limit) => figure < limit,
  '<=': (figure, limit) => figure <= limit,
  '>': (figure, limit) => figure > limit,
  '>=': (figure, limit) => figure >= limit,
};

/** W0011: a comparison that holds, or fails, whatever the model is like. */
function undecided({ metric, operator, limit, text, span }: Constraint): Diagnostic[] {
  const [least, most] = ranges[metric.split('.').at(-1) ?? ''] ?? [0, Infinity];
  // A comparison with a limit changes at most once between the ends.
  const [atLeast, atMost] = [holds[operator](least, limit), holds[operator](most, limit)];
  if (atLeast !== atMost) return [];
  const isShare = most === 1 && limit >= 1 && !text.endsWith('%');
  const help = isShare ? `a number without a unit is a share of one: write \`${limit}%\`` : 'give it another limit';
  const message = `this line ${atLeast ? 'always' : 'never'} holds, whatever the model is like`;
  const range = most === 1 ? `\`${metric}\` lies between ${least * 100}% and 100%` : `\`${metric}\` is at least 0`;
  return [diagnostic('W0011', span, message, { label: range, help })];
}
