/** A prune directive with every setting resolved, and what is wrong with it. */
import { diagnostic, type Diagnostic } from '../../../grammar/diagnostics.ts';
import type { Time } from '../../../runtime/train/recipe.ts';
import type { CheckedDirective } from '../../analyze/index.ts';
import type { Settings } from '../../analyze/directives/directive-values.ts';
import { argumentOf, spanOf } from '../../analyze/directives/written.ts';
import { complete } from '../../analyze/directives/complete.ts';
import { directives } from '../../analyze/directives/directive-schema.ts';
import type { Values } from '../../analyze/directives/directive-spec.ts';

type Given = Values<typeof directives.prune.fields>;

export interface PruneTarget {
  readonly figure: 'macs' | 'params' | 'share';
  /** `change`: the part that goes, from 0 to 1; `absolute`: the figure to reach. */
  readonly kind: 'change' | 'absolute';
  readonly value: number;
}

/** When channels or weights go. Times count from the start of the finetuning. */
export type PruneSchedule =
  | { readonly kind: 'once' }
  | { readonly kind: 'linear' | 'cubic'; readonly begin: Time; readonly end: Time; readonly every: Time };

export interface PruneSettings {
  readonly structure: 'channel' | 'weight';
  readonly criterion: Given['criterion'];
  readonly target: PruneTarget;
  readonly skip: readonly string[];
  readonly roundTo: number;
  readonly maxRatio: number;
  readonly schedule: PruneSchedule;
  readonly hasFinetune: boolean;
  /** Samples that batch norms are measured on again; 0 for none. `split` names a dataset and one of its parts. */
  readonly reestimate: { readonly samples: number; readonly split: string | undefined };
}

/** Whether one ranking goes over all layers. */
export const isGlobal = ({ criterion }: PruneSettings): boolean => 'global' in criterion && criterion.global;

/** A setting that cannot be followed; found with or without weights. */
export class PruneFault extends Error {
  readonly setting: string;
  readonly help: string;
  readonly argument: string | undefined;

  constructor(setting: string, message: string, help: string, argument?: string) {
    super(message);
    this.name = 'PruneFault';
    this.setting = setting;
    this.help = help;
    this.argument = argument;
  }
}

export function pruneDiagnostic({ declaration }: CheckedDirective, fault: PruneFault): Diagnostic {
  const { setting, argument, message, help } = fault;
  const { word, entries } = declaration;
  const inCall = argument === undefined ? undefined : argumentOf(word.name, entries, setting, argument)?.span;
  return diagnostic('E0605', inCall ?? spanOf(entries, setting) ?? word.span, message, { help });
}

/** Throws a PruneFault where settings do not fit each other. */
export function pruneSettings(settings: Settings): PruneSettings {
  const { criterion, target, bnReestimate, schedule, finetune, ...given } = complete(directives.prune.fields, settings);
  const resolved: PruneSettings = {
    structure: given.structure,
    criterion,
    target: targetOf(target),
    skip: given.skip,
    roundTo: given.roundTo,
    maxRatio: given.maxRatio,
    schedule: scheduleOf(schedule),
    hasFinetune: finetune !== undefined,
    reestimate: { samples: bnReestimate.samples, split: bnReestimate.data },
  };
  checkStructure(resolved);
  if (resolved.schedule.kind !== 'once' && !resolved.hasFinetune) {
    const help = 'add `finetune { epochs = ... }`, which trains between the removals and after the last';
    throw new PruneFault('schedule', 'a gradual schedule needs a training to go along with', help);
  }
  return resolved;
}

function checkStructure({ structure, criterion, target, roundTo }: PruneSettings): void {
  if (structure === 'channel') return;
  if (criterion.kind === 'bn_scale') {
    const message = '`bn_scale` ranks channels, not single weights';
    throw new PruneFault('criterion', message, 'write `l1_norm`, `taylor` or `random`');
  }
  if (target.figure === 'macs') {
    const message = 'weights that are zero are multiplied all the same, so that no multiply-accumulates go';
    throw new PruneFault('target', message, 'write `ratio(90%)` or `params(-90%)`, or `structure = channel`');
  }
  if (roundTo > 1) {
    throw new PruneFault('round_to', '`round_to` counts channels, and single weights are removed', 'leave it out');
  }
}

function targetOf(target: Given['target']): PruneTarget {
  if (target.kind === 'ratio') {
    if (target.value < 1) return { figure: 'share', kind: 'change', value: target.value };
    throw new PruneFault('target', 'not everything can go', 'give a share below 1, as in `ratio(50%)`', 'value');
  }
  const { value, quantity } = target.value;
  const figure = target.kind;
  const isChange = quantity === 'ratio' || (quantity === undefined && value < 0);
  if (!isChange && value > 0) return { figure, kind: 'absolute', value };
  if (isChange && value > -1 && value <= 0) return { figure, kind: 'change', value: -value };
  const example = figure === 'macs' ? '`macs(-50%)` or `macs(20MMACs)`' : '`params(-50%)` or `params(1.5M)`';
  throw new PruneFault(
    'target',
    'a target is a change between -100% and 0, or a figure above 0',
    `write ${example}`,
    'value',
  );
}

function scheduleOf(schedule: Given['schedule']): PruneSchedule {
  if (schedule.kind === 'once') return schedule;
  const { begin, end, every } = schedule;
  if (every.value <= 0) {
    throw new PruneFault('schedule', 'the time between removals must be above 0', 'write `every=1epochs`', 'every');
  }
  if (begin.unit === end.unit && begin.value > end.value) {
    throw new PruneFault('schedule', 'the last removal comes before the first', 'let `end` follow `begin`', 'end');
  }
  return schedule;
}

/**
 * How much of what goes in the end is gone after a part of the time: all at once, evenly, or
 * `1 - (1 - t)^3` (Zhu and Gupta 2017).
 */
export const removedShare = (kind: PruneSchedule['kind'], time: number): number =>
  kind === 'cubic' ? 1 - (1 - time) ** 3 : kind === 'linear' ? time : 1;
