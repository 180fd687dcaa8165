/** A quantize directive with every setting resolved, and what is wrong with it. */
import { diagnostic, type Diagnostic } from '../../../grammar/diagnostics.ts';
import type { SplitName } from '../../../runtime/train/splits.ts';
import type { CheckedDirective } from '../../analyze/index.ts';
import type { Settings } from '../../analyze/directives/directive-values.ts';
import { argumentOf, spanOf } from '../../analyze/directives/written.ts';
import type { CalibrationMethod } from './calibrate.ts';
import { complete } from '../../analyze/directives/complete.ts';
import { directives } from '../../analyze/directives/directive-schema.ts';
import type { Values } from '../../analyze/directives/directive-spec.ts';

export interface QuantizeSettings {
  /** Name of the dataset. */
  readonly dataset: string;
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

type Calibrate = NonNullable<Values<typeof directives.quantize.fields>['calibrate']>;

function methodOf(method: Calibrate['method']): CalibrationMethod {
  return method.kind === 'percentile' ? { kind: method.kind, share: method.value } : method;
}

/** Of a directive that `checkQuantizeStage` finds nothing at. */
export function quantizeSettings(settings: Settings): QuantizeSettings {
  const { calibrate, weights, activations, finetune, ...given } = complete(directives.quantize.fields, settings);
  if (!calibrate) throw new RangeError('a quantize directive passed the checks without samples to measure on');
  const [dataset = '', part] = calibrate.data.split('.');
  return {
    dataset,
    split: part === 'val' || part === 'test' ? part : 'train',
    samples: calibrate.samples,
    method: methodOf(calibrate.method),
    keepFloat: given.keepFloat,
    symmetric: activations.symmetric,
    perTensorWeights: weights.per === 'tensor',
    equalize: given.equalize,
    correctBias: given.correctBias,
    accuracyDrop: given.accuracyDrop,
    hasFinetune: finetune !== undefined,
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
  const given = complete(directives.quantize.fields, settings);
  if (!given.weights.symmetric)
    complain('weights', 'symmetric', 'weights are always symmetric', 'leave `symmetric` out');
  if (given.activations.per === 'channel')
    complain('activations', 'per', 'values have one scale a tensor', 'write `per=tensor`, or leave it out');
  if (!given.foldBn) complain('fold_bn', undefined, 'int8 needs folded batch norms', 'leave `fold_bn` out');
  if (!given.calibrate)
    complain('calibrate', undefined, 'int8 needs samples to measure on', 'add `calibrate { data = NAME.train }`');
  const asked = { equalize: given.equalize, correct_bias: given.correctBias };
  for (const [setting, isAsked] of Object.entries(asked)) {
    if (!given.finetune || !isAsked) continue;
    const help = `leave out \`${setting}\` or \`finetune\``;
    complain(setting, undefined, `\`${setting}\` is for int8 without training: \`finetune\` learns what it does`, help);
  }
  return faults;
}
