/** What train directives ask of their models, as far as it can be told without weights and without data. */
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import type { CheckedDirective, CheckedProgram } from '../analyze/index.ts';
import { spanOf } from '../analyze/written.ts';
import { checkTrainStage, sizesOf } from '../stages/train.ts';

/** Faults of every train directive whose model can be built with its defaults. */
export function trainingFaults(checked: CheckedProgram): Diagnostic[] {
  if (checked.diagnostics.some(({ severity }) => severity === 'error')) return [];
  return checked.program.directives.filter(({ word }) => word === 'train').flatMap((each) => faultsOf(checked, each));
}

function faultsOf({ program, models }: CheckedProgram, directive: CheckedDirective): Diagnostic[] {
  const model = program.models.find(({ name }) => name === directive.target);
  const own = models.find(({ name }) => name === directive.target);
  if (!model || (own && !own.built)) return [];
  const { N: _, ...dims } = sizesOf(directive.settings.get('shape'));
  const built = model.build({ dims });
  const { graph } = built;
  if (!graph) return own ? atSizes(built.diagnostics, directive) : [];
  return checkTrainStage({ program, directive, model, built, graph, preprocess: undefined });
}

/** An assertion can fail at the sizes of one training alone. */
function atSizes(diagnostics: readonly Diagnostic[], { declaration }: CheckedDirective): Diagnostic[] {
  const span = spanOf(declaration.entries, 'shape');
  const notes = span ? [{ message: 'at these sizes', span }] : [];
  return diagnostics.map((each) => ({ ...each, notes: [...each.notes, ...notes] }));
}
