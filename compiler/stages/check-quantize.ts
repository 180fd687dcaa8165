/** What a `quantize` stage checks before it runs. */
import { checkQuantizeStage, quantizeSettings } from './quantize-settings.ts';
import type { StageChecks } from './stage-checks.ts';
import { checkTrainStage } from './train.ts';
import { trainingDirective } from './training-directive.ts';

export const quantizeChecks: StageChecks = {
  source: ({ stage, training }) => {
    const faults = checkQuantizeStage(stage.directive);
    const isTrained = stage.directive.settings.has('finetune');
    if (!training || faults.length > 0 || !isTrained) return faults;
    return checkTrainStage({ ...training, directive: trainingDirective(stage, 'finetune') });
  },
  files: [
    {
      setting: 'calibrate',
      run: async (inquiry) => {
        const { stage, setup } = inquiry;
        const { dataset: name, split } = quantizeSettings(stage.directive.settings);
        const { checkMeasuredData } = await import('./check-data.ts');
        const given = setup.overrides.data ? 'train' : split;
        await checkMeasuredData(inquiry, trainingDirective(stage), { name, split: given });
      },
    },
    {
      setting: 'finetune',
      run: async (inquiry) => {
        if (!inquiry.stage.directive.settings.has('finetune')) return;
        const { checkTrainingData } = await import('./check-data.ts');
        await checkTrainingData(inquiry, trainingDirective(inquiry.stage, 'finetune'));
      },
    },
  ],
};
