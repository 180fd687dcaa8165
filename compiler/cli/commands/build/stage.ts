/** `cnnc build FILE:STAGE`: what a stage made as an artifact, or a stage that needs no training run on given weights. */
import { restored, stageModel, type Made, type StageModel } from '../../../stages/run/stage-result.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RuntimeFault } from '../../../../runtime/errors.ts';
import { asNamed, namedInput } from '../../../stages/run/class-names.ts';
import { preflight } from '../../../stages/checks/preflight.ts';
import { stageFunctions } from '../../../stages/run/registry.ts';
import { declaredStage, rebased } from '../../../stages/run/restore-stage.ts';
import { stageContext } from '../../../stages/run/run-context.ts';
import type { StageNode } from '../../../stages/run/stage-graph.ts';
import { declaredModel, recipeOfStage, type StageSetup } from '../../../stages/run/stage-setup.ts';
import { statusOfChain } from '../../../stages/run/stage-status.ts';
import { tellStageData } from '../../../stages/run/tell-data.ts';
import type { Context } from '../../command.ts';
import { usageError } from '../../../driver/failure.ts';
import { importWeights, type WeightsFlags } from '../../../driver/model-weights.ts';
import { modelOf, type SourceModel } from '../../../driver/project.ts';
import { ownCode, withLazyDevice } from '../../open-session.ts';
import { setupOf } from '../../flagged-setup.ts';
import type { StageFlags } from '../../stage-flags.ts';
import { reporterOf } from '../train/progress.ts';
import { trainCommand } from '../train/end.ts';
import { pickChain, type StagedProject } from '../../../stages/run/pick-stages.ts';

export interface StageBuildFlags extends StageFlags, WeightsFlags {
  readonly shape?: Readonly<Record<string, number>>;
}

/** What a build works on, be it a declared model or the result of a stage. */
export interface BuildSubject extends StageModel {
  /** What messages and budgets call it. */
  readonly name: string;
  /** The stage that would have pruned the network whose whole weights were given in place of what it leads to. */
  readonly unpruned: string | undefined;
}

/**
 * Throws E0725 where the stage has to run first, E0001 where `--weights` is given for a stage that trains, and what
 * reading the stage, or running it, throws.
 */
export async function stageSubject(
  context: Context,
  target: string,
  project: StagedProject,
  flags: StageBuildFlags,
): Promise<BuildSubject> {
  const chain = pickChain(project);
  const stage = chain.at(-1);
  if (!stage) throw new RangeError('a chain has a stage');
  const setup = await setupOf(context, project, flags);
  const declared = modelOf(project.program, stage.model, { arguments: flags.P, dims: flags.shape });
  const made =
    flags.weights === undefined
      ? await cachedOrQuick(context, setup, chain, declared, target, flags)
      : { ...(await runNow(context, setup, [stage], declared, flags)), figures: {} };
  return {
    name: stage.name,
    ...(await stageModel(setup, stage, project.stages, declared, made)),
    unpruned:
      flags.weights === undefined ? undefined : chain.slice(0, -1).findLast(({ word }) => word === 'prune')?.name,
  };
}

/** From its folder, else from published weights where nothing has to be trained. */
async function cachedOrQuick(
  context: Context,
  setup: StageSetup,
  chain: readonly StageNode[],
  declared: SourceModel,
  target: string,
  flags: StageBuildFlags,
): Promise<Made> {
  const [stage] = chain.slice(-1);
  if (!stage) throw new RangeError('a chain has a stage');
  const statuses = await statusOfChain(setup, chain);
  const status = statuses.get(stage);
  if (status?.kind === 'cached') {
    return restored(stage, declared, status.folder);
  }
  if (chain.every(isQuick) && declared.model.weights.length > 0) {
    return { ...(await runNow(context, setup, chain, declared, flags)), figures: {} };
  }
  // The stage that all others wait for is the one whose reason helps.
  const [first = stage, why] = [...statuses].find(([, { kind }]) => kind !== 'cached') ?? [];
  const reasons = why && why.kind !== 'cached' ? why.reasons.join(', ') : 'never run';
  const which = first === stage ? `the stage ${stage.name} has` : `the stages from ${first.name} to ${stage.name} have`;
  const instead = isQuick(stage) ? ', or give the weights that it starts from with --weights FILE' : '';
  const output = chain.length === 1 ? setup.folderOf(stage) : flags.runs;
  const isBegun = why?.kind === 'unfinished';
  const help = `run ${trainCommand(context, target, { ...flags, output, isBegun })}${instead}`;
  throw new RuntimeFault('E0725', 'environment', `${which} to run first: ${reasons}`, help);
}

/** Stages that take no training. */
const isQuick = ({ word, directive }: StageNode): boolean =>
  (word === 'quantize' || word === 'prune') && !directive.settings.has('finetune');

/**
 * Runs stages that take no training, one behind the other, in a folder that is gone afterwards. Weights that are given
 * stand for what the first one starts from.
 */
async function runNow(
  context: Context,
  setup: StageSetup,
  chain: readonly StageNode[],
  declared: SourceModel,
  flags: StageBuildFlags,
): Promise<Omit<Made, 'figures'>> {
  const [first] = chain;
  const training = chain.find((stage) => !isQuick(stage));
  if (training || !first) {
    const help = `run cnnc train, or build the model itself: --weights is for stages that a build can run`;
    throw usageError(`the stage ${training?.name ?? ''} trains, which a build does not`, help);
  }
  const { seed, output } = context;
  const source = declaredModel(setup, first);
  const weights = await importWeights(source, flags, seed);
  const unnamed = {
    model: declaredStage(source, weights.weights),
    weights: weights.source,
    carried: weights.classNames,
  };
  const named = await namedInput(setup, first, source, unnamed);
  const notes = [...weights.notes, ...named.notes.map((each) => `note: ${each}`)];
  const folder = await mkdtemp(join(tmpdir(), 'cnnc-stage-'));
  const own: StageSetup = { ...setup, weights, root: first, folderOf: () => folder };
  try {
    await preflight(own, chain, output);
    const model = await withLazyDevice(context, ownCode, async (device) => {
      const signal = new AbortController().signal;
      const running = { setup: own, reporter: reporterOf(output), resume: false, traceNan: false, signal, device };
      let made = named.model;
      for (const stage of chain) {
        const asDeclared = declaredModel(setup, stage);
        await tellStageData(running, stage.model, recipeOfStage(own, stage, asNamed(asDeclared, made)));
        const within = stageContext(running, stage, asDeclared, undefined);
        made = (await stageFunctions[stage.word](made, stage.directive, within)).model;
      }
      return made;
    });
    const words = chain.map(({ word }) => word).join(' and ');
    // Sizes that the training binds are open again, unless --shape gives them.
    return { model: rebased(declared, model), label: `${words} of ${weights.source}`, notes };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
