/** Whether the classes of data are those of the models that learn from it, wherever the data lies on this machine. */
import { RuntimeFault } from '../../runtime/errors.ts';
import { scoresFor } from '../../runtime/node/align-classes.ts';
import { checkClasses } from '../../runtime/node/training-data.ts';
import type { Recipe } from '../../runtime/train/recipe.ts';
import { diagnostic, type Diagnostic } from '../../grammar/diagnostics.ts';
import type { CheckedProgram } from '../analyze/index.ts';
import { spanOf } from '../analyze/written.ts';
import { stagesOf, type StageNode } from '../stages/stage-graph.ts';
import { declaredModel, recipeOfStage, type StageSetup } from '../stages/stage-setup.ts';
import { TrainingFault } from '../train/training-fault.ts';
import { SourceError } from './failure.ts';

/** E0605 at the data of each stage whose classes differ from those of its model; each fault once. */
export async function dataFaults({ program, diagnostics }: CheckedProgram): Promise<Diagnostic[]> {
  if (diagnostics.some(({ severity }) => severity === 'error')) return [];
  const setup = { program, arguments: undefined, overrides: {}, weights: undefined, folderOf: () => '' };
  const found = new Map<string, Diagnostic>();
  for (const stage of stagesOf(program.directives)) {
    const recipe = recipeFor(setup, stage);
    const fault = recipe && (await faultOf(recipe, stage.model));
    if (!fault || found.has(fault.message)) continue;
    const { declaration } = stage.directive;
    const span = spanOf(declaration.entries, 'data') ?? declaration.word.span;
    found.set(
      fault.message,
      diagnostic('E0605', span, fault.message, fault.help === undefined ? {} : { help: fault.help }),
    );
  }
  return [...found.values()];
}

/** Undefined where the model cannot be built, which is said elsewhere, and where no data is named. */
function recipeFor(setup: StageSetup, stage: StageNode): Recipe | undefined {
  try {
    return recipeOfStage(setup, stage, declaredModel(setup, stage));
  } catch (error) {
    if (error instanceof SourceError || error instanceof TrainingFault) return undefined;
    throw error;
  }
}

async function faultOf({ data, target }: Recipe, model: string): Promise<RuntimeFault | undefined> {
  try {
    await checkClasses(data, '.', { target: target.kind, scores: scoresFor(target, model) });
    return undefined;
  } catch (error) {
    if (error instanceof RuntimeFault) return error;
    throw error;
  }
}
