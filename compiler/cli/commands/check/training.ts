/** What train directives ask of their models, as far as it can be told without weights and without data. */
import type { Diagnostic } from '../../../../grammar/diagnostics.ts';
import type { CheckedDirective, CheckedProgram } from '../../../analyze/index.ts';
import { spanOf } from '../../../analyze/directives/written.ts';
import { checkSplits } from '../../../stages/checks/check-splits.ts';
import { stageChecks } from '../../../stages/checks/check-registry.ts';
import { stagesOf, type StageNode } from '../../../stages/run/stage-graph.ts';
import { trainingDirective } from '../../../stages/train/training-directive.ts';
import { learningOf } from '../../../stages/train/training-settings.ts';

/** Faults of every stage; those that need a model, where it can be built with its defaults. */
export function trainingFaults(checked: CheckedProgram): Diagnostic[] {
  if (checked.diagnostics.some(({ severity }) => severity === 'error')) return [];
  const { directives } = checked.program;
  return [...checkSplits(directives), ...stagesOf(directives).flatMap((stage) => faultsOf(checked, stage))];
}

function faultsOf({ program, models }: CheckedProgram, stage: StageNode): Diagnostic[] {
  const directive = trainingDirective(stage);
  const check = stageChecks[stage.word].source;
  const model = program.models.find(({ name }) => name === directive.target);
  const own = models.find(({ name }) => name === directive.target);
  if (!model || (own && !own.built)) return check({ stage, program, training: undefined });
  const { N: _, ...dims } = learningOf(directive).shape;
  const built = model.build({ dims });
  const { graph } = built;
  if (!graph) return own ? atSizes(built.diagnostics, directive) : [];
  return check({ stage, program, training: { program, directive, model, built, graph, preprocess: undefined } });
}

/** An assertion can fail at the sizes of one training alone. */
function atSizes(diagnostics: readonly Diagnostic[], { declaration }: CheckedDirective): Diagnostic[] {
  const span = spanOf(declaration.entries, 'shape');
  const notes = span ? [{ message: 'at these sizes', span }] : [];
  return diagnostics.map((each) => ({ ...each, notes: [...each.notes, ...notes] }));
}
