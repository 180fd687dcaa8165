/** W0008: times of a schedule, of early stopping, checkpoints or pruning that the run never reaches. */
import type { Entry } from '../../../grammar/ast.ts';
import { diagnostic, type Diagnostic } from '../../../grammar/diagnostics.ts';
import type { Span } from '../../../grammar/source.ts';
import { valueIn } from '../directives/complete.ts';
import { schedules } from '../tables/schedules.ts';
import {
  checkpointFields,
  earlyStopFields,
  graduallyFields,
  learningFields,
  trainingFields,
  type Fields,
  type Functions,
} from '../directives/directive-schema.ts';
import type { Limit } from '../directives/directive-spec.ts';
import type { Setting, Settings } from '../directives/settings.ts';
import type { CheckedDirective } from '../directives/directives.ts';
import { argumentOf, groupOf, spanOf } from '../directives/written.ts';

/** Training of some epochs: a `train` or `distill`, or the `finetune` of a `prune`. */
interface Run {
  readonly word: string;
  readonly settings: Settings;
  readonly entries: readonly Entry[];
  readonly epochs: number;
  /** Steps of one epoch; undefined where the number of samples is not written. */
  readonly steps: number | undefined;
}

const groupIn = (settings: Settings | undefined, key: string): Settings | undefined => {
  const setting = settings?.get(key);
  return setting?.kind === 'group' ? setting.entries : undefined;
};

export function warnRunLength(directives: readonly CheckedDirective[]): Diagnostic[] {
  return directives.flatMap((directive) => {
    const { word, settings, declaration } = directive;
    const { entries } = declaration;
    if (word === 'train' || word === 'distill') return warnRun(runOf(word, settings, entries, directives));
    const finetune = groupIn(settings, 'finetune');
    if (word !== 'prune' || !finetune) return [];
    const run = runOf(word, new Map([...settings, ...finetune]), groupOf(entries, 'finetune'), directives);
    return [...warnRun(run), ...warnPruning(settings, entries, run)];
  });
}

function runOf(
  word: string,
  settings: Settings,
  entries: readonly Entry[],
  directives: readonly CheckedDirective[],
): Run {
  const data = settings.get('data');
  const dataset = directives.find(
    (each) => each.word === 'dataset' && data?.kind === 'name' && each.name === data.value,
  );
  const samples = groupIn(dataset?.settings, 'split')?.get('train');
  const isCount = samples?.kind === 'number' && samples.quantity === undefined && samples.value > 1;
  const { N: batch = valueIn(trainingFields, 'batch', settings) } = valueIn(learningFields, 'shape', settings);
  // A length that was refused is no reason to warn.
  const isRefused = spanOf(entries, 'epochs') && !settings.has('epochs');
  const epochs = isRefused ? Infinity : valueIn(trainingFields, 'epochs', settings);
  // An incomplete last batch is left out.
  const steps = isCount ? Math.max(1, Math.floor(samples.value / batch)) : undefined;
  return { word, settings, entries, epochs, steps };
}

function warnRun(run: Run): Diagnostic[] {
  const schedule = run.settings.get('schedule');
  const fields = schedule?.kind === 'call' ? fieldsOf(schedule.name) : {};
  const ofSchedule = Object.entries(fields).flatMap(([argument, { within: limit }]) => {
    const written = argumentOf('train', run.entries, 'schedule', argument);
    const setting = schedule?.kind === 'call' ? schedule.args.get(argument) : undefined;
    if (!limit || !written || !setting) return [];
    if (setting.kind !== 'list') return warnTime(run, setting, written.span, limit);
    const elements = written.kind === 'list' ? written.elements : [];
    return setting.elements.flatMap((each, at) => warnTime(run, each, elements[at]?.span ?? written.span, limit));
  });
  return [...ofSchedule, ...warnEarlyStop(run), ...warnCheckpoint(run)];
}

const byName: Functions = schedules;
const fieldsOf = (schedule: string): Fields => byName[schedule] ?? {};

/** In epochs; undefined where the length of a step is not known. */
function inEpochs(setting: Setting, { steps }: Run): number | undefined {
  if (setting.kind !== 'number') return undefined;
  if (setting.quantity !== 'steps') return setting.value;
  return steps === undefined ? undefined : setting.value / steps;
}

function warnTime(run: Run, setting: Setting, span: Span, { consequence, mayEqual }: Limit): Diagnostic[] {
  const time = inEpochs(setting, run);
  if (time === undefined || time < run.epochs || (mayEqual && time === run.epochs)) return [];
  return [beyond(run, span, `after ${timeText(setting)}`, consequence)];
}

const counted = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`;

const timeText = (setting: Setting): string =>
  setting.kind === 'number' ? counted(setting.value, setting.quantity === 'steps' ? 'step' : 'epoch') : '';

/** `moment` is what the run does not get to. */
function beyond({ entries, epochs, steps }: Run, span: Span, moment: string, label: string): Diagnostic {
  const written = spanOf(entries, 'epochs');
  const size = moment.includes('step') && steps !== undefined ? ` of ${counted(steps, 'step')}` : '';
  const detail = written
    ? { label, notes: [{ message: 'the length of the run', span: written }], help: 'lengthen the run, or shorten this' }
    : { label, help: 'give the run a length, as in `epochs = 100`: without it there is one epoch' };
  return diagnostic('W0008', span, `a run of ${counted(epochs, 'epoch')}${size} is over ${moment}`, detail);
}

function warnEarlyStop(run: Run): Diagnostic[] {
  const group = groupIn(run.settings, 'early_stop');
  const entries = groupOf(run.entries, 'early_stop');
  const span = spanOf(entries, 'patience') ?? spanOf(run.entries, 'early_stop');
  if (!group || !span) return [];
  const patience = valueIn(earlyStopFields, 'patience', group);
  const from = valueIn(earlyStopFields, 'start_from_epoch', group);
  if (from + patience < run.epochs) return [];
  const start = from > 0 ? ` from epoch ${from} on` : '';
  const moment = `before a patience of ${counted(patience, 'epoch')}${start}`;
  return [beyond(run, span, moment, 'the run never stops early')];
}

function warnCheckpoint(run: Run): Diagnostic[] {
  const every = groupIn(run.settings, 'checkpoint')?.get('every');
  const span = spanOf(groupOf(run.entries, 'checkpoint'), 'every');
  const limit = checkpointFields.every.within;
  return every && span && limit ? warnTime(run, every, span, limit) : [];
}

/** Gradual pruning goes on during the finetuning; what is removed at its end has no training to recover in. */
function warnPruning(settings: Settings, entries: readonly Entry[], run: Run): Diagnostic[] {
  const schedule = settings.get('schedule');
  const end = schedule?.kind === 'call' ? schedule.args.get('end') : undefined;
  const written = argumentOf('prune', entries, 'schedule', 'end');
  const limit = graduallyFields.end.within;
  return end && written && limit ? warnTime(run, end, written.span, limit) : [];
}
