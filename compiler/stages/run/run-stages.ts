/** Runs a chain of stages: what is cached is passed over, what is stale or missing is made. */
import { resolve } from 'node:path';
import { lockFolder, type FolderLock } from '../../../runtime/node/folder-lock.ts';
import { NotFiniteFault } from '../../../runtime/train/trace-nan.ts';
import { exitCodes, SourceError } from '../../driver/failure.ts';
import { notFiniteDiagnostic } from './not-finite.ts';
import { importWeights } from '../../driver/model-weights.ts';
import type { SourceModel } from '../../driver/project.ts';
import { weightWarnings } from '../../driver/weight-warnings.ts';
import { initialWeights } from '../../driver/load-weights.ts';
import { checkBegun } from '../checks/check-begun.ts';
import { asNamed, namedInput } from './class-names.ts';
import { compileStage } from './compile-stage.ts';
import { latencyFigures, staticFigures, validationFigures } from './measure-stage.ts';
import { preflight } from '../checks/preflight.ts';
import { stageFunctions } from './registry.ts';
import { declaredStage, restoreStage } from './restore-stage.ts';
import { stageContext, type StageRunning } from './run-context.ts';
import { complete } from '../../analyze/directives/complete.ts';
import { directives } from '../../analyze/directives/directive-schema.ts';
import { learningOf } from '../train/training-settings.ts';
import type { StageFigures, StageResult } from './stage-context.ts';
import { dataContents, writeDataList } from './data-identity.ts';
import { setAside, writeStageFolder, type StageFolder } from './stage-folder.ts';
import type { StageNode } from './stage-graph.ts';
import { identityHash, sourceText } from './stage-identity.ts';
import { declaredModel, givenWeights, recipeOfStage, type StageSetup } from './stage-setup.ts';
import {
  neededBy,
  stageIdentity,
  statusOf,
  statusOfChain,
  upstreamOf,
  weightsDigest,
  type Needed,
  type StageStatus,
} from './stage-status.ts';
import type { StagedModel } from './staged-model.ts';
import { tellStageData } from './tell-data.ts';
import { trainingDirective } from '../train/training-directive.ts';

/** What became of one stage. */
export interface StageOutcome {
  readonly stage: StageNode;
  readonly folder: StageFolder;
  readonly isCached: boolean;
  readonly figures: StageFigures;
}

export interface ChainOptions {
  /** A single training, whose finished run goes on with `--resume` where it may, as with more epochs. */
  readonly alone: boolean;
  readonly onOutcome: (outcome: StageOutcome) => void;
}

/**
 * Runs the stages in their order; each is written before the next begins. Everything is checked, and the folders of
 * those that have to run are locked, before the first. Throws a StageInterrupted after Ctrl-C, what `preflight` and
 * `lockFolder` throw, and what the stages throw; stages that are done stay done.
 */
export async function runChain(
  running: StageRunning,
  chain: readonly StageNode[],
  { alone, onOutcome }: ChainOptions,
): Promise<void> {
  const { setup } = running;
  const first = await statusOfChain(setup, chain);
  const toRun = chain.filter((stage) => first.get(stage)?.kind !== 'cached');
  const locks: FolderLock[] = [];
  try {
    await preflight(setup, toRun, running.reporter, (inquiry) =>
      checkBegun(inquiry, first.get(inquiry.stage), { resume: running.resume, alone }),
    );
    for (const stage of toRun) locks.push(await lockFolder(setup.folderOf(stage)));
    const statuses = new Map<StageNode, StageStatus>();
    const said = new Set<string>();
    for (const stage of chain) {
      running.signal.throwIfAborted();
      const needed = neededBy(stage, statuses);
      const status = await statusOf(setup, stage, needed);
      if (status.kind === 'cached') {
        statuses.set(stage, status);
        onOutcome({ stage, folder: status.folder, isCached: true, figures: status.folder.record.figures });
        continue;
      }
      if (status.kind === 'stale') await makeRoom(running, stage, status, alone);
      const folder = await runStage(running, stage, needed, said);
      statuses.set(stage, { kind: 'cached', folder, identity: folder.record.identity });
      onOutcome({ stage, folder, isCached: false, figures: folder.record.figures });
    }
  } finally {
    for (const lock of locks) await lock.release();
  }
}

type Stale = Extract<StageStatus, { kind: 'stale' }>;

/** A finished run that is no longer true is kept beside the new one; one that was cut off is the user's to decide on. */
async function makeRoom(
  { setup, reporter, resume }: StageRunning,
  stage: StageNode,
  status: Stale,
  alone: boolean,
): Promise<void> {
  const { source } = status.folder.record;
  if (alone && resume) return;
  const aside = await setAside(status.folder);
  const { path: own } = setup.program.file;
  const earlier = resolve(source) === resolve(own) ? 'the earlier run' : `the earlier run, of ${source},`;
  reporter.note(`${stage.name} runs again: ${status.reasons.join(', ')}; ${earlier} is kept in ${aside}`);
}

/** Stages share their data, and what is to be said of it. */
function tellOnce({ reporter }: StageRunning, notes: readonly string[], said: Set<string>): void {
  for (const note of notes.filter((each) => !said.has(each))) reporter.note(`note: ${note}`);
  for (const note of notes) said.add(note);
}

async function runStage(
  running: StageRunning,
  stage: StageNode,
  needed: Needed,
  said: Set<string>,
): Promise<StageFolder> {
  const { setup } = running;
  const run = stageFunctions[stage.word];
  const source = declaredModel(setup, stage);
  const input = await inputOf(running, stage, source, needed.from);
  const { model, notes } = await namedInput(setup, stage, source, { ...input, weights: input.origin.file });
  for (const note of input.origin.notes) running.reporter.note(note);
  tellOnce(running, notes, said);
  if (!running.allowNonFinite) {
    running.reporter.diagnostics(weightWarnings(model.graph, model.weights, input.origin.file));
  }
  const identity = await stageIdentity(setup, stage, source, { from: input.upstream, teacher: needed.teacher });
  const recipe = recipeOfStage(setup, stage, asNamed(source, model));
  const data = recipe?.data;
  await tellStageData(running, stage.model, recipe);
  const contents = data && (await dataContents(data));
  const path = setup.folderOf(stage);
  const started = performance.now();
  const context = stageContext(running, stage, source, needed.teacher);
  const result = await run(model, stage.directive, context).catch((error: unknown) => {
    if (!(error instanceof NotFiniteFault)) throw error;
    const found = notFiniteDiagnostic(error, { ...source, directive: stage.directive });
    throw new SourceError([found], exitCodes.runtime);
  });
  const seconds = (performance.now() - started) / 1000;
  const figures = { ...result.figures, ...(await measuredFigures(running, stage, source, result)), seconds };
  const { name, word, from } = stage;
  const origin = { ...(from ? { from: from.name } : {}), ...(contents === undefined ? {} : { contents }) };
  const isSparse =
    word === 'prune' && complete(directives.prune.fields, stage.directive.settings).structure === 'weight';
  const written = { name, word, ...origin, hash: identityHash(identity), identity, figures, isSparse };
  const record = await writeStageFolder(path, result.model, sourceText(source.graph), written);
  await writeDataList(path, data);
  if (isSparse) {
    const what = 'bitmaps and values of what is mostly zero';
    running.reporter.note(`${name}: ${path}/best.safetensors holds ${what}, which cnnc alone reads`);
  }
  return { path, record, graph: sourceText(source.graph) };
}

interface StageInput {
  readonly model: StagedModel;
  /** Names of classes that the weights have. */
  readonly carried: readonly string[] | undefined;
  /** Where its weights come from, and what was passed over in reading them. */
  readonly origin: { readonly file: string; readonly notes: readonly string[] };
  /** What the stage starts from, for its identity. */
  readonly upstream: string;
}

/** What the stage before made; the first stage starts from given weights, published ones, or none. */
async function inputOf(
  { setup }: StageRunning,
  stage: StageNode,
  source: SourceModel,
  before: StageStatus | undefined,
): Promise<StageInput> {
  if (before?.kind === 'cached') {
    const { path, record } = before.folder;
    const origin = { file: path, notes: [] };
    const model = await restoreStage(source, before.folder);
    return { model, carried: record.classNames, upstream: record.result, origin };
  }
  return firstInput(setup, stage, source);
}

export async function firstInput(setup: StageSetup, stage: StageNode, source: SourceModel): Promise<StageInput> {
  const given = givenWeights(setup, stage);
  if (given) {
    // What was passed over in reading them was said then.
    const origin = { file: given.source, notes: [] };
    const upstream = upstreamOf(setup, stage, undefined);
    return { model: declaredStage(source, given.weights), carried: given.classNames, upstream, origin };
  }
  if (stage.word === 'train' || stage.word === 'distill') {
    const seed = setup.overrides.seed ?? learningOf(trainingDirective(stage)).seed;
    const origin = { file: `the seed ${seed}`, notes: [] };
    const model = declaredStage(source, initialWeights(source.built.parameters, seed));
    return { model, carried: undefined, upstream: '', origin };
  }
  const published = await importWeights(source, {}, 0);
  const origin = { file: published.source, notes: published.notes };
  const model = declaredStage(source, published.weights);
  return { model, carried: published.classNames, upstream: weightsDigest(published), origin };
}

/** Measured alike for every kind of stage, so that stages can be compared. */
async function measuredFigures(
  { setup, device, signal, reporter }: StageRunning,
  stage: StageNode,
  source: SourceModel,
  { model }: StageResult,
): Promise<StageFigures> {
  const { artifact } = compileStage(model, stage.directive.declaration.word.span);
  const recipe = recipeOfStage(setup, stage, asNamed(source, model));
  reporter.progress(`${stage.name}: measuring`);
  const opened = await device();
  const validation = recipe ? await validationFigures(opened, artifact, recipe, signal) : {};
  const latency = await latencyFigures(opened, artifact);
  reporter.progress('');
  return { ...staticFigures(artifact), ...validation, ...latency };
}
