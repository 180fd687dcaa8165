/** What a prune directive asks of its model, found without weights and without data. */
import type { Diagnostic } from '../../../grammar/diagnostics.ts';
import type { CheckedDirective } from '../../analyze/index.ts';
import type { SplitName } from '../../../runtime/train/splits.ts';
import { normalisationsOf } from '../../train/training-form.ts';
import { batchOf } from '../train/recipe.ts';
import { validationOf, withData, type DataUse, type StageChecks } from '../checks/stage-checks.ts';
import { channelImportance } from '../../passes/channels/index.ts';
import { planChannels, solve } from './prune-channels.ts';
import { pruneDiagnostic, PruneFault, pruneSettings, type PruneSettings } from './prune-settings.ts';
import { planWeights } from './prune-weights.ts';
import type { StagedModel } from '../run/staged-model.ts';
import type { StageNode } from '../run/stage-graph.ts';
import { checkTrainStage, type TrainingSource } from '../train/from-directive.ts';
import { trainingDirective } from '../train/training-directive.ts';
import { learningOf } from '../train/training-settings.ts';

/** The settings of the training that goes along. */
export const finetuneDirective = (stage: StageNode): CheckedDirective => trainingDirective(stage, 'finetune');

/** What a directive asks for that its model cannot do, found without weights: settings, and targets out of reach. */
export function checkPruneStage(source: Omit<TrainingSource, 'weights'>, stage: StageNode): Diagnostic[] {
  const { directive } = stage;
  const { graph, built } = source;
  try {
    const settings = pruneSettings(directive.settings);
    checkSamples(settings, finetuneDirective(stage));
    checkSettings({ graph, parameters: built.parameters }, settings);
    return settings.hasFinetune ? checkTrainStage({ ...source, directive: finetuneDirective(stage) }) : [];
  } catch (error) {
    if (error instanceof PruneFault) return [pruneDiagnostic(directive, error)];
    throw error;
  }
}

export const pruneChecks: StageChecks = {
  source: ({ stage, training }) => (training ? checkPruneStage(training, stage) : []),
  data: ({ stage, source }) => {
    const directive = finetuneDirective(stage);
    const { criterion, reestimate } = pruneSettings(stage.directive.settings);
    const uses: DataUse[] = stage.directive.settings.has('finetune') ? [{ setting: 'finetune', directive }] : [];
    const measure = (setting: string, named: string | undefined): void => {
      const { name, split } = partOf(named, directive);
      const measured = { split, isWhole: true, isOptional: false };
      uses.push({ setting, directive: withData(directive, name), measured });
    };
    if (criterion.kind === 'taylor') measure('criterion', undefined);
    const isMeasured = reestimate.samples > 0 && partOf(reestimate.split, directive).name !== undefined;
    if (isMeasured && normalisationsOf(source.graph).length > 0) measure('bn_reestimate', reestimate.split);
    return [...uses, ...validationOf(stage)];
  },
  files: [],
};

/** `cifar.val` as a dataset and one of its parts; the training data unless told. */
export function partOf(
  named: string | undefined,
  directive: CheckedDirective,
): { readonly name: string | undefined; readonly split: SplitName } {
  const [name = learningOf(directive).data, part] = named?.split('.') ?? [];
  return { name, split: part === 'val' || part === 'test' ? part : 'train' };
}

/** Both measure whole batches: fewer samples than one are none. */
function checkSamples(settings: PruneSettings, directive: CheckedDirective): void {
  const learning = learningOf(directive);
  const batch = batchOf(learning);
  const refuse = (setting: string, what: string, samples: number, argument?: string): void => {
    if (samples === 0 || samples >= batch) return;
    const message = `${what} on ${samples} samples, which are fewer than a batch of ${batch}`;
    throw new PruneFault(setting, message, `write \`samples=${batch}\` or more, or \`batch = ${samples}\``, argument);
  };
  const { criterion } = settings;
  if (criterion.kind === 'taylor') refuse('criterion', '`taylor` measures gradients', criterion.samples, 'samples');
  if (learning.data !== undefined) refuse('bn_reestimate', 'batch norms are measured', settings.reestimate.samples);
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
    settings.criterion.kind === 'bn_scale'
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
