/** What a prune directive asks of its model, found without weights and without data. */
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import type { CheckedDirective } from '../analyze/index.ts';
import { channelImportance } from '../passes/channels/index.ts';
import { planChannels, solve } from './prune-channels.ts';
import { pruneDiagnostic, PruneFault, pruneSettings, type PruneSettings } from './prune-settings.ts';
import { planWeights } from './prune-weights.ts';
import { groupOf } from './settings.ts';
import type { StagedModel } from './staged-model.ts';
import type { StageNode } from './stage-graph.ts';
import { checkTrainStage, type TrainingSource } from './train.ts';
import { trainingDirective } from './training-directive.ts';

/** The settings of the training; the stage's own `schedule` says when it removes, not how the rate goes. */
export function finetuneDirective(stage: StageNode): CheckedDirective {
  const directive = trainingDirective(stage, 'finetune');
  const settings = new Map(directive.settings);
  if (!groupOf(stage.directive.settings.get('finetune'))?.has('schedule')) settings.delete('schedule');
  return { ...directive, settings };
}

/** What a directive asks for that its model cannot do, found without weights: settings, and targets out of reach. */
export function checkPruneStage(source: Omit<TrainingSource, 'weights'>, stage: StageNode): Diagnostic[] {
  const { directive } = stage;
  const { graph, built } = source;
  try {
    const settings = pruneSettings(directive.settings);
    checkSettings({ graph, parameters: built.parameters }, settings);
    return settings.hasFinetune ? checkTrainStage({ ...source, directive: finetuneDirective(stage) }) : [];
  } catch (error) {
    if (error instanceof PruneFault) return [pruneDiagnostic(directive, error)];
    throw error;
  }
}

/** All channels count alike where nothing is known of their weights. */
function checkSettings(model: Pick<StagedModel, 'graph' | 'parameters'>, settings: PruneSettings): void {
  if (settings.structure === 'weight') {
    planWeights(model, settings);
    return;
  }
  const plan = planChannels(model, settings);
  const { classes } = plan.analysis;
  const importance =
    settings.criterion === 'bn_scale'
      ? channelImportance(plan.analysis, { kind: 'bn_scale' }, { weights: onesOf(model) })
      : new Float64Array(classes.length).fill(1);
  solve(plan, settings, importance, plan.wanted);
}

/** Scales of norms, which have one axis. */
const onesOf = ({ parameters }: Pick<StagedModel, 'parameters'>): StagedModel['weights'] =>
  new Map(
    parameters.flatMap(({ name, shape: [count, ...more] }) =>
      count === undefined || more.length > 0
        ? []
        : [[name, { dtype: 'f32' as const, shape: [count], data: new Float32Array(count).fill(1) }]],
    ),
  );
