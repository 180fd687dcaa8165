/** W0009: settings that another one takes the effect from. */
import type { Entry } from '../../grammar/ast.ts';
import { diagnostic, type Diagnostic, type Note } from '../../grammar/diagnostics.ts';
import type { Span } from '../../grammar/source.ts';
import type { Setting, Settings } from './settings.ts';
import type { CheckedDirective } from './directives.ts';
import { argumentOf, groupOf, spanOf } from './written.ts';

export function settingsWithoutEffect({ word, settings, declaration }: CheckedDirective): Diagnostic[] {
  const { entries } = declaration;
  const finetune = settings.get('finetune');
  const groups: (readonly [Settings, readonly Entry[]])[] = [[settings, entries]];
  if (finetune?.kind === 'group') groups.push([finetune.entries, groupOf(entries, 'finetune')]);
  return [
    ...groups.flatMap(([each, written]) => [...withoutMomentum(each, written), ...decaysTwice(each, written)]),
    ...groups.flatMap(([each, written]) => wrongMode(each, written)),
    ...(word === 'distill' ? untaught(settings, entries) : []),
  ];
}

const warn = (span: Span | undefined, message: string, help: string, notes: readonly Note[] = []): Diagnostic[] =>
  span ? [diagnostic('W0009', span, message, { help, notes })] : [];

const callIn = (settings: Settings, key: string): Extract<Setting, { kind: 'call' }> | undefined => {
  const setting = settings.get(key);
  return setting?.kind === 'call' ? setting : undefined;
};

const isPositive = (setting: Setting | undefined): boolean => setting?.kind === 'number' && setting.value > 0;

/** Dampening changes what momentum does; Nesterov's step without one is refused as an error. */
function withoutMomentum(settings: Settings, entries: readonly Entry[]): Diagnostic[] {
  const optimizer = callIn(settings, 'optimizer');
  if (optimizer?.name !== 'sgd' || isPositive(optimizer.args.get('momentum'))) return [];
  // A schedule may bring the momentum.
  if (callIn(settings, 'schedule')?.args.has('momentum')) return [];
  if (!isPositive(optimizer.args.get('dampening'))) return [];
  const span = argumentOf('train', entries, 'optimizer', 'dampening')?.span;
  return warn(span, '`dampening` has no effect without momentum', 'remove it, or give `momentum=0.9`');
}

/** An optimizer's own decay and that of `regularize` add up. */
function decaysTwice(settings: Settings, entries: readonly Entry[]): Diagnostic[] {
  const regularize = callIn(settings, 'regularize');
  const isDecay = regularize?.name === 'weight_decay' || regularize?.name === 'l2';
  const own = argumentOf('train', entries, 'optimizer', 'weight_decay');
  const isTwice = isPositive(callIn(settings, 'optimizer')?.args.get('weight_decay')) && isDecay && own;
  if (!isTwice || !isPositive(regularize.args.get('value'))) return [];
  const notes = [{ message: 'the optimizer decays them too', span: own.span }];
  return warn(regularize.span, 'the weights decay twice', 'keep one of the two', notes);
}

function wrongMode(settings: Settings, entries: readonly Entry[]): Diagnostic[] {
  const schedule = callIn(settings, 'schedule');
  const mode = schedule?.args.get('mode');
  if (schedule?.name !== 'cyclic' || (mode?.kind === 'name' && mode.value === 'exp_range')) return [];
  const span = argumentOf('train', entries, 'schedule', 'gamma')?.span;
  return warn(span, '`gamma` has no effect in this mode', 'remove it, or give `mode=exp_range`');
}

function untaught(settings: Settings, entries: readonly Entry[]): Diagnostic[] {
  const alpha = settings.get('alpha');
  if (alpha?.kind !== 'number' || alpha.value !== 0) return [];
  return warn(spanOf(entries, 'alpha'), 'the teacher has no weight in the loss', 'use `train` without a teacher');
}
