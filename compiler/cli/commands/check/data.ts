/** Whether the data of each stage fits the model that learns from it, wherever the data lies on this machine. */
import { namedTwice } from '../../../../runtime/class-names.ts';
import { RuntimeFault } from '../../../../runtime/errors.ts';
import { scoresFor } from '../../../../runtime/node/align-classes.ts';
import { isThere } from '../../../../runtime/node/datasets/open-parts.ts';
import { checkClasses } from '../../../../runtime/node/training-data.ts';
import type { Diagnostic } from '../../../../grammar/diagnostics.ts';
import type { CheckedProgram } from '../../../analyze/index.ts';
import { twiceNamed } from '../../../analyze/directives/model-directives.ts';
import { checkData, recipeFor } from '../../../stages/checks/check-data.ts';
import { stageChecks } from '../../../stages/checks/check-registry.ts';
import { missingPath } from '../../../stages/checks/missing-path.ts';
import { locatedFault, settingSpan, type DataUse, type Inquiry } from '../../../stages/checks/stage-checks.ts';
import { stagesOf, type StageNode } from '../../../stages/run/stage-graph.ts';
import { declaredModel, recipeOfStage, type StageSetup } from '../../../stages/run/stage-setup.ts';
import { TrainingFault } from '../../../train/training-fault.ts';
import { SourceError } from '../../../driver/failure.ts';

/**
 * Faults at the data of each stage, each once: E0605 where its classes differ from those of the model, W0019 where it calls
 * two alike; where the stages have no other fault, what a preflight would say of data that is there.
 */
export async function dataFaults(
  { program, diagnostics }: CheckedProgram,
  others: readonly Diagnostic[],
): Promise<Diagnostic[]> {
  const hasErrors = (list: readonly Diagnostic[]): boolean => list.some(({ severity }) => severity === 'error');
  if (hasErrors(diagnostics)) return [];
  const setup = { program, arguments: undefined, overrides: {}, weights: undefined, folderOf: () => '' };
  const found = new Map<string, Diagnostic>();
  for (const stage of stagesOf(program.directives)) {
    const inquiry = inquiryOf(setup, stage);
    if (!inquiry) continue;
    const uses = hasErrors(others) ? [] : stageChecks[stage.word].data(inquiry);
    const faults = await classFaults(inquiry);
    for (const use of uses) faults.push(...(await faultsOf(inquiry, use)));
    for (const fault of faults) if (!found.has(fault.message)) found.set(fault.message, fault);
  }
  return [...found.values()];
}

/** Undefined where the model cannot be built, which is said elsewhere. */
function inquiryOf(setup: StageSetup, stage: StageNode): Inquiry | undefined {
  return unlessSaid(() => ({ setup, stage, source: declaredModel(setup, stage) }));
}

function unlessSaid<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof SourceError || error instanceof TrainingFault) return undefined;
    throw error;
  }
}

async function classFaults({ setup, stage, source }: Inquiry): Promise<Diagnostic[]> {
  const recipe = unlessSaid(() => recipeOfStage(setup, stage, source));
  if (!recipe) return [];
  const { data, target } = recipe;
  let names: readonly string[] = [];
  const fault = await thrown(async () => {
    names = (await checkClasses(data, '.', { target: target.kind, scores: scoresFor(target, stage.model) })) ?? [];
  });
  if (fault) return [{ ...locatedFault(stage, 'data', fault), code: 'E0605' }];
  const twice = namedTwice({ who: `the data ${data.name}`, names });
  return twice === undefined ? [] : [twiceNamed(settingSpan(stage, 'data'), twice)];
}

async function faultsOf(inquiry: Inquiry, use: DataUse): Promise<Diagnostic[]> {
  const recipe = unlessSaid(() => recipeFor(inquiry, use));
  if (!recipe) return [];
  if (!(await isThere(recipe.data, '.'))) {
    const missing = await missingPath(inquiry.setup, recipe.data);
    return missing?.isNear ? [missing.shown] : [];
  }
  const fault = await thrown(() => checkData(inquiry, use));
  // A part of it may be elsewhere.
  return fault && fault.code !== 'E0710' ? [locatedFault(inquiry.stage, use.setting, fault)] : [];
}

async function thrown(work: () => Promise<void>): Promise<RuntimeFault | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof RuntimeFault) return error;
    throw error;
  }
}
