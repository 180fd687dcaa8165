/** Everything that can be told of stages before the first of them runs, said at once. */
import { costOf, mergeDiagnostics } from '../../analyze/index.ts';
import { warnModels } from '../../analyze/warnings/warn-models.ts';
import type { Diagnostic } from '../../../grammar/diagnostics.ts';
import { RuntimeFault } from '../../../runtime/errors.ts';
import { CommandError, describeFailure, exitCodes, SourceError, type ExitCode } from '../../driver/failure.ts';
import { importWeights } from '../../driver/model-weights.ts';
import type { Reporter } from '../../driver/reporter.ts';
import { judgeStage } from '../run/judge-stage.ts';
import { TrainingFault } from '../../train/training-fault.ts';
import { stageChecks } from './check-registry.ts';
import { checkFolder } from './check-folder.ts';
import { checkSplits } from './check-splits.ts';
import { checkSpace } from './check-space.ts';
import { locatedFault, type DataUse, type FileCheck, type Inquiry } from './stage-checks.ts';
import { chainTo, type StageNode } from '../run/stage-graph.ts';
import { declaredModel, givenWeights, type StageSetup } from '../run/stage-setup.ts';
import { faultDiagnostic } from '../train/from-directive.ts';
import { trainingDirective } from '../train/training-directive.ts';

interface Finding {
  readonly shown: Diagnostic;
  readonly exit: ExitCode;
}

/**
 * Makes every check of the stages, in their order: those of `cnnc check`, `checkBegun` of what earlier runs have left, and
 * those that open files, which take long where there is much data. Throws a SourceError with all faults; its exit code is
 * 1 where the source has one, else that of the first file. Warnings are printed.
 */
export async function preflight(
  setup: StageSetup,
  stages: readonly StageNode[],
  output: Pick<Reporter, 'diagnostics'>,
  checkBegun: FileCheck['run'] = async () => {},
): Promise<void> {
  const findings: Finding[] = checkSplits(setup.program.directives).map((shown) => ({ shown, exit: exitCodes.source }));
  const warnings: Diagnostic[] = [];
  for (const stage of stages) {
    const source = await caught(stage, '', findings, async () => declaredModel(setup, stage));
    if (!source) continue;
    const inquiry = { setup, stage, source };
    warnings.push(...warnModels([stage.directive], new Map([[stage.model, source.built]])));
    const training = { ...source, directive: trainingDirective(stage) };
    const faults = stageChecks[stage.word].source({ stage, program: setup.program, training });
    findings.push(...faults.map((shown) => ({ shown, exit: exitCodes.source })));
    // What the settings do not fit would only be said once more.
    if (faults.some(({ severity }) => severity === 'error')) continue;
    findings.push(...missedBefore(inquiry).map((missed) => ({ shown: missed, exit: exitCodes.assertion })));
    const canBegin = await caught(stage, '', findings, async () => {
      await checkBegun(inquiry);
      return true;
    });
    if (!canBegin) continue;
    const uses = stageChecks[stage.word].data(inquiry).map(dataCheck);
    for (const { setting, run } of [
      startingWeights,
      ...uses,
      ...stageChecks[stage.word].files,
      freeFolder,
      freeSpace,
    ]) {
      await caught(stage, setting, findings, () => run(inquiry));
    }
  }
  const shown = mergeDiagnostics(
    warnings,
    findings.map((each) => each.shown),
  );
  // Several stages with the same data have the same fault.
  const once = shown.filter(
    ({ code, message }, at) => shown.findIndex((each) => each.code === code && each.message === message) === at,
  );
  if (findings.length > 0) throw new SourceError(once, exitAmong(findings));
  output.diagnostics(once);
}

const exitAmong = (findings: readonly Finding[]): ExitCode =>
  findings.some(({ exit }) => exit === exitCodes.source) ? exitCodes.source : (findings[0]?.exit ?? exitCodes.source);

/** Gathers what `work` throws, as far as a user can cause it. */
async function caught<T>(
  stage: StageNode,
  setting: string,
  findings: Finding[],
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SourceError) {
      findings.push(...error.diagnostics.map((shown) => ({ shown, exit: error.exit })));
    } else if (error instanceof TrainingFault) {
      findings.push({ shown: faultDiagnostic(stage.directive, error), exit: exitCodes.source });
    } else if ((error instanceof RuntimeFault && error.code !== 'E0999') || error instanceof CommandError) {
      findings.push({ shown: locatedFault(stage, setting, error), exit: describeFailure(error).exit });
    } else throw error;
    return undefined;
  }
}

/** Lines of budgets that the declared network decides: training changes neither parameters nor operations. */
function missedBefore({ setup, stage, source }: Inquiry): Diagnostic[] {
  const isDeclared = chainTo(stage).every(({ word }) => word === 'train' || word === 'distill');
  if (!isDeclared) return [];
  const { parameters: params, macs } = costOf(source.built);
  const figures = { params, ...(macs === undefined ? {} : { macs }) };
  return [...judgeStage(setup.program, stage.name, figures, () => undefined).missed];
}

/** A stage that trains begins with weights of its own; others need some. */
const startingWeights: FileCheck = {
  setting: 'from',
  run: async ({ setup, stage, source }: Inquiry) => {
    if (stage.from || givenWeights(setup, stage) || stage.word === 'train' || stage.word === 'distill') return;
    await importWeights(source, {}, 0);
  },
};

const dataCheck = (use: DataUse): FileCheck => ({
  setting: use.setting,
  run: async (inquiry) => {
    const { checkData } = await import('./check-data.ts');
    await checkData(inquiry, use);
  },
});

const freeFolder: FileCheck = { setting: '', run: checkFolder };
const freeSpace: FileCheck = { setting: '', run: checkSpace };
