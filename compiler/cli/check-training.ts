/** What train directives ask of their models, as far as it can be told without weights and without data. */
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import type { CheckedDirective, CheckedProgram } from '../analyze/index.ts';
import { spanOf } from '../analyze/written.ts';
import type { Graph } from '../ir/node.ts';
import { checkDistillStage } from '../stages/distill.ts';
import { checkPruneStage } from '../stages/check-prune.ts';
import { checkSplits } from '../stages/check-splits.ts';
import { checkQuantizeStage } from '../stages/quantize-settings.ts';
import { stagesOf, type StageNode } from '../stages/stage-graph.ts';
import { checkTrainStage, sizesOf, type TrainingSource } from '../stages/train.ts';
import { trainingDirective } from '../stages/training-directive.ts';

/** Faults of every training and distillation whose models can be built with their defaults. */
export function trainingFaults(checked: CheckedProgram): Diagnostic[] {
  if (checked.diagnostics.some(({ severity }) => severity === 'error')) return [];
  const { directives } = checked.program;
  const faults = stagesOf(directives).flatMap((stage) => {
    if (stage.word === 'train') return faultsOf(checked, stage.directive, checkTrainStage);
    if (stage.word === 'prune') {
      return faultsOf(checked, trainingDirective(stage), (source) => checkPruneStage(source, stage));
    }
    if (stage.word === 'quantize') return checkQuantizeStage(stage.directive);
    if (stage.word !== 'distill') return [];
    const teacher = teacherGraph(checked, stage);
    if (!teacher) return [];
    return faultsOf(checked, trainingDirective(stage), (source) => checkDistillStage(source, teacher));
  });
  return [...checkSplits(directives), ...faults];
}

/** The network of a teacher as it is declared; pruning changes neither its image nor its scores. */
function teacherGraph({ program }: CheckedProgram, { directive, teacher }: StageNode): Graph | undefined {
  const setting = directive.settings.get('teacher');
  const named = setting?.kind === 'model' ? setting : { name: teacher?.model, args: {} };
  return program.models.find(({ name }) => name === named.name)?.build({ arguments: named.args }).graph;
}

function faultsOf(
  { program, models }: CheckedProgram,
  directive: CheckedDirective,
  check: (source: Omit<TrainingSource, 'weights'>) => Diagnostic[],
): Diagnostic[] {
  const model = program.models.find(({ name }) => name === directive.target);
  const own = models.find(({ name }) => name === directive.target);
  if (!model || (own && !own.built)) return [];
  const { N: _, ...dims } = sizesOf(directive.settings.get('shape'));
  const built = model.build({ dims });
  const { graph } = built;
  if (!graph) return own ? atSizes(built.diagnostics, directive) : [];
  return check({ program, directive, model, built, graph, preprocess: undefined });
}

/** An assertion can fail at the sizes of one training alone. */
function atSizes(diagnostics: readonly Diagnostic[], { declaration }: CheckedDirective): Diagnostic[] {
  const span = spanOf(declaration.entries, 'shape');
  const notes = span ? [{ message: 'at these sizes', span }] : [];
  return diagnostics.map((each) => ({ ...each, notes: [...each.notes, ...notes] }));
}
