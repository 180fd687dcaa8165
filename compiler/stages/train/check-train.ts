/** What a `train` stage checks before it runs. */
import type { StageChecks } from '../checks/stage-checks.ts';
import { checkTrainStage } from './from-directive.ts';
import { trainingDirective } from './training-directive.ts';

export const trainChecks: StageChecks = {
  source: ({ training }) => (training ? checkTrainStage(training) : []),
  data: ({ stage }) => [{ setting: 'data', directive: trainingDirective(stage) }],
  files: [],
};
