/** A quantize directive with every setting resolved, and what is wrong with it. */
import { diagnostic, type Diagnostic } from '../../../grammar/diagnostics.ts';
import type { SplitName } from '../../../runtime/train/splits.ts';
import type { CheckedDirective } from '../../analyze/index.ts';
import type { Settings } from '../../analyze/directive-values.ts';
import { argumentOf, spanOf } from '../../analyze/written.ts';
import type { CalibrationMethod } from './calibrate.ts';
import { boolOf, callOf, groupOf, numberOf, textOf } from '../run/settings.ts';

export interface QuantizeSettings {
  /** Name of the dataset; undefined where the directive has no `calibrate`. */
  readonly dataset: string | undefined;
  readonly split: SplitName;
  readonly samples: number;
  readonly method: CalibrationMethod;
  /** Globs over parameter paths. */
  readonly keepFloat: readonly string[];
  readonly symmetric: boolean;
  readonly perTensorWeights: boolean;
  readonly equalize: boolean;
  readonly correctBias: boolean;
  readonly accuracyDrop: number | undefined;
  readonly hasFinetune: boolean;
}

function methodOf(settings: Settings | undefined): CalibrationMethod {
  const call = callOf(settings?.get('method'));
  const [kind] = (['percentile', 'entropy', 'mse'] as const).filter((name) => name === call?.name);
  if (kind !== 'percentile') return { kind: kind ?? 'min_max' };
  return { kind, share: numberOf(call?.args.get('value')) ?? 1 };
}

export function quantizeSettings(settings: Settings): QuantizeSettings {
  const calibrate = groupOf(settings.get('calibrate'));
  const [dataset, part = 'train'] = textOf(calibrate?.get('data'))?.split('.') ?? [];
  const [weights, activations] = [callOf(settings.get('weights')), callOf(settings.get('activations'))];
  const globs = settings.get('keep_float');
  return {
    dataset,
    split: part === 'val' || part === 'test' ? part : 'train',
    samples: numberOf(calibrate?.get('samples')) ?? 512,
    method: methodOf(calibrate),
    keepFloat: (globs?.kind === 'list' ? globs.elements : []).flatMap((each) => textOf(each) ?? []),
    // Each has its own default: `int8()` alone means what the whole setting means without it.
    symmetric: boolOf(activations?.args.get('symmetric')) ?? false,
    perTensorWeights: textOf(weights?.args.get('per')) === 'tensor',
    equalize: boolOf(settings.get('equalize')) ?? false,
    correctBias: boolOf(settings.get('correct_bias')) ?? false,
    accuracyDrop: numberOf(settings.get('accuracy_drop')),
    hasFinetune: settings.has('finetune'),
  };
}

/** What a directive asks for that int8 does not have, found without weights and data. */
export function checkQuantizeStage({ declaration, settings }: CheckedDirective): Diagnostic[] {
  const { entries, word } = declaration;
  const faults: Diagnostic[] = [];
  const complain = (setting: string, argument: string | undefined, message: string, help: string): void => {
    const inCall = argument === undefined ? undefined : argumentOf(word.name, entries, setting, argument)?.span;
    faults.push(diagnostic('E0605', inCall ?? spanOf(entries, setting) ?? word.span, message, { help }));
  };
  const [weights, activations] = [callOf(settings.get('weights')), callOf(settings.get('activations'))];
  if (boolOf(weights?.args.get('symmetric')) === false)
    complain('weights', 'symmetric', 'weights are always symmetric', 'leave `symmetric` out');
  if (textOf(activations?.args.get('per')) === 'channel')
    complain('activations', 'per', 'values have one scale a tensor', 'write `per=tensor`, or leave it out');
  if (boolOf(settings.get('fold_bn')) === false)
    complain('fold_bn', undefined, 'int8 needs folded batch norms', 'leave `fold_bn` out');
  if (!settings.has('calibrate'))
    complain('calibrate', undefined, 'int8 needs samples to measure on', 'add `calibrate { data = NAME.train }`');
  for (const setting of ['equalize', 'correct_bias']) {
    if (!settings.has('finetune') || boolOf(settings.get(setting)) !== true) continue;
    const help = `leave out \`${setting}\` or \`finetune\``;
    complain(setting, undefined, `\`${setting}\` is for int8 without training: \`finetune\` learns what it does`, help);
  }
  return faults;
}
