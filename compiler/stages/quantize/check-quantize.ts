/** What a `quantize` stage checks before it runs. */
import { checkQuantizeStage, quantizeSettings } from './quantize-settings.ts';
import { validationOf, withData, type StageChecks } from '../checks/stage-checks.ts';
import { checkTrainStage } from '../train/from-directive.ts';
import { trainingDirective } from '../train/training-directive.ts';

export const quantizeChecks: StageChecks = {
  source: ({ stage, training }) => {
    const faults = checkQuantizeStage(stage.directive);
    const isTrained = stage.directive.settings.has('finetune');
    if (!training || faults.length > 0 || !isTrained) return faults;
    return checkTrainStage({ ...training, directive: trainingDirective(stage, 'finetune') });
  },
  data: ({ stage, setup }) => {
    const { dataset, split } = quantizeSettings(stage.directive.settings);
    const measured = { split: setup.overrides.data ? 'train' : split, isWhole: false, isOptional: false } as const;
    const calibration = { setting: 'calibrate', directive: withData(trainingDirective(stage), dataset), measured };
    const finetune = { setting: 'finetune', directive: trainingDirective(stage, 'finetune') };
    return [calibration, ...(stage.directive.settings.has('finetune') ? [finetune] : []), ...validationOf(stage)];
  },
  files: [],
};
