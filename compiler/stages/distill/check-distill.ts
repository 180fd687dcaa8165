/** What a `distill` stage checks before it runs. */
import type { Graph } from '../../ir/node.ts';
import { locateFrom } from '../run/stage-setup.ts';
import { checkDistillStage, teacherWeights } from './distill.ts';
import { modelOf } from '../../driver/project.ts';
import type { StageChecks, Written } from '../checks/stage-checks.ts';
import { trainChecks } from '../train/check-train.ts';
import { trainingDirective } from '../train/training-directive.ts';

export const distillChecks: StageChecks = {
  source: (written) => {
    const teacher = teacherGraph(written);
    return written.training && teacher ? checkDistillStage(written.training, teacher) : [];
  },
  data: trainChecks.data,
  files: [
    {
      setting: 'teacher',
      run: async ({ setup: { program }, stage }) => {
        const directive = trainingDirective(stage);
        const named = directive.settings.get('teacher');
        // The network of a stage is there once the stage has run.
        if (named?.kind !== 'model') return;
        const model = modelOf(program, named.name, { arguments: named.args });
        const path = named.file === undefined ? undefined : locateFrom(program)(named.file);
        await teacherWeights(model, path, directive);
      },
    },
  ],
};

/** The network of a teacher as it is declared; pruning changes neither its image nor its scores. */
function teacherGraph({ program, stage: { directive, teacher } }: Written): Graph | undefined {
  const setting = directive.settings.get('teacher');
  const named = setting?.kind === 'model' ? setting : { name: teacher?.model, args: {} };
  return program.models.find(({ name }) => name === named.name)?.build({ arguments: named.args }).graph;
}
