/** W0009: settings that another one takes the effect from, or that nothing reads beside the others. */
import type { Entry } from '../../../grammar/ast.ts';
import { diagnostic, type Diagnostic, type Note } from '../../../grammar/diagnostics.ts';
import type { Span } from '../../../grammar/source.ts';
import type { Setting, Settings } from '../directives/settings.ts';
import type { CheckedDirective } from '../directives/directives.ts';
import { argumentOf, groupOf, spanOf } from '../directives/written.ts';

export function settingsWithoutEffect(directive: CheckedDirective): Diagnostic[] {
  const { word, settings, declaration } = directive;
  const { entries } = declaration;
  const finetune = settings.get('finetune');
  const groups: (readonly [Settings, readonly Entry[]])[] = [[settings, entries]];
  if (finetune?.kind === 'group') groups.push([finetune.entries, groupOf(entries, 'finetune')]);
  return [
    ...groups.flatMap(([each, written]) => [...withoutMomentum(each, written), ...decaysTwice(each, written)]),
    ...groups.flatMap(([each, written]) => wrongMode(each, written)),
    ...(word === 'distill' ? [...untaught(settings, entries), ...hintless(settings, entries)] : []),
    ...(word === 'prune' ? [...outsideFinetune(directive), ...notMeasured(settings, entries)] : []),
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

function hintless(settings: Settings, entries: readonly Entry[]): Diagnostic[] {
  const hints = settings.get('hints');
  if (hints?.kind === 'list' && hints.elements.length > 0) return [];
  const help = 'remove it, or give `hints = [("LAYER", "LAYER")]`';
  return warn(spanOf(entries, 'hint_weight'), '`hint_weight` has no effect without `hints`', help);
}

/** Settings that only a training reads, and that no later stage takes over. */
const onlyTrained = ['epochs', 'ema', 'early_stop', 'checkpoint', 'recompute', 'on_nan'];
/** Of those that later stages take over: what `finetune` gives goes before, there as here. */
const trained = [...onlyTrained, 'seed', 'optimizer', 'regularize', 'clip', 'augment'];

/** The training of a prune is its `finetune`, whose settings go before those around it. */
function outsideFinetune({ name = 'prune', settings, declaration: { entries } }: CheckedDirective): Diagnostic[] {
  if (!settings.has('finetune')) {
    return onlyTrained.flatMap((key) => {
      const help = `remove it, or train what is left: write \`finetune { ${key} ... }\``;
      return warn(spanOf(entries, key), `\`${key}\` has no effect without \`finetune\``, help);
    });
  }
  const inner = groupOf(entries, 'finetune');
  return trained.flatMap((key) => {
    const own = spanOf(inner, key);
    if (!own) return [];
    const message = `\`${key}\` has no effect: \`finetune\` has its own`;
    const help = `remove it, and change that one: \`${name}.finetune.${key}\` for --set`;
    return warn(spanOf(entries, key), message, help, [{ message: 'this one counts', span: own }]);
  });
}

/** Batch norms are measured on nothing where no samples are asked for. */
function notMeasured(settings: Settings, entries: readonly Entry[]): Diagnostic[] {
  const group = settings.get('bn_reestimate');
  const samples = group?.kind === 'group' ? group.entries.get('samples') : undefined;
  if (samples?.kind !== 'number' || samples.value !== 0) return [];
  const span = spanOf(groupOf(entries, 'bn_reestimate'), 'data');
  return warn(span, '`data` has no effect with `samples = 0`', 'remove it, or give `samples`');
}
