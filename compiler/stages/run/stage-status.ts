/** Whether a stage has to run: what its folder holds against what the source now says. */
import { fromFloat32 } from '../../../runtime/files/stored-tensor.ts';
import { formatLocation } from '../../../grammar/source.ts';
import type { ModelWeights } from '../../driver/model-weights.ts';
import type { SourceModel } from '../../driver/project.ts';
import { topologicalOrder, type Graph } from '../../ir/node.ts';
import { begunRun } from '../checks/begun-run.ts';
import { settingText } from './setting-text.ts';
import { dataChanges, dataContents, dataIdentity, filesIdentity } from './data-identity.ts';
import { readStageFolder, type StageFolder } from './stage-folder.ts';
import type { StageNode } from './stage-graph.ts';
import { digest, identityChanges, identityOf, modelsOf, sourceText, type StageIdentity } from './stage-identity.ts';
import { declaredModel, givenWeights, locateFrom, recipeOfStage, type StageSetup } from './stage-setup.ts';
import { trainingDirective } from '../train/training-directive.ts';

/** `cached`: the folder holds what a run would make. `unfinished`: a run was begun there and is not over. */
export type StageStatus =
  | { readonly kind: 'cached'; readonly folder: StageFolder; readonly identity: StageIdentity }
  | { readonly kind: 'stale'; readonly folder: StageFolder; readonly reasons: readonly string[] }
  | { readonly kind: 'unfinished' | 'missing'; readonly reasons: readonly string[] };

/** The status of each stage of a chain, from its root on. Throws as `readStageFolder` does. */
export async function statusOfChain(
  setup: StageSetup,
  chain: readonly StageNode[],
): Promise<Map<StageNode, StageStatus>> {
  const statuses = new Map<StageNode, StageStatus>();
  for (const stage of chain) {
    statuses.set(stage, await statusOf(setup, stage, neededBy(stage, statuses)));
  }
  return statuses;
}

/** What became of the stages that one needs; undefined where it needs none. */
export interface Needed {
  readonly from: StageStatus | undefined;
  readonly teacher: StageStatus | undefined;
}

export const neededBy = ({ from, teacher }: StageNode, statuses: ReadonlyMap<StageNode, StageStatus>): Needed => ({
  from: from && statuses.get(from),
  teacher: teacher && statuses.get(teacher),
});

export async function statusOf(setup: StageSetup, stage: StageNode, needed: Needed): Promise<StageStatus> {
  const { from: before, teacher } = needed;
  const path = setup.folderOf(stage);
  const folder = await readStageFolder(path);
  if (!folder) {
    const begun = await begunRun(path);
    return begun === undefined
      ? { kind: 'missing', reasons: ['never run'] }
      : { kind: 'unfinished', reasons: [`a run in ${begun} is not over`] };
  }
  const { record } = folder;
  if (record.name !== stage.name || record.word !== stage.word) {
    return { kind: 'stale', folder, reasons: [`${path} holds ${record.word} ${record.name}`] };
  }
  if (before && before.kind !== 'cached') {
    return { kind: 'stale', folder, reasons: [`it starts from ${stage.from?.name ?? ''}, which has to run`] };
  }
  if (teacher && teacher.kind !== 'cached') {
    return { kind: 'stale', folder, reasons: [`its teacher is ${stage.teacher?.name ?? ''}, which has to run`] };
  }
  const source = declaredModel(setup, stage);
  // Weights that were once given by hand are not asked for again.
  const kept = before === undefined && givenWeights(setup, stage) === undefined ? record.identity.upstream : undefined;
  const found = await stageIdentity(setup, stage, source, {
    from: kept ?? upstreamOf(setup, stage, before),
    teacher,
  });
  const isCopy = found.data !== record.identity.data && (await holdsSameData(setup, stage, source, record.contents));
  const identity = isCopy ? { ...found, data: record.identity.data } : found;
  const reasons = identityChanges(identity, record.identity);
  if (reasons.length === 0) return { kind: 'cached', folder, identity };
  const named = await Promise.all(
    reasons.map(async (each) => {
      if (each === 'the model changed') return modelChange(source.graph, folder);
      return each === 'the data changed' ? dataChanges(path, recipeOfStage(setup, stage, source)?.data) : each;
    }),
  );
  return { kind: 'stale', folder, reasons: named };
}

/** Whether files with other times hold what the stage has seen. */
async function holdsSameData(setup: StageSetup, stage: StageNode, source: SourceModel, contents: string | undefined) {
  const data = recipeOfStage(setup, stage, source)?.data;
  return data !== undefined && contents !== undefined && (await dataContents(data)) === contents;
}

export function upstreamOf(setup: StageSetup, stage: StageNode, before: StageStatus | undefined): string {
  const weights = givenWeights(setup, stage);
  if (before?.kind === 'cached') return before.folder.record.result;
  return weights === undefined ? '' : weightsDigest(weights);
}

export const weightsDigest = ({ weights }: Pick<ModelWeights, 'weights'>): string =>
  digest(
    ...[...weights].flatMap(([name, { shape, data }]) => [
      `${name} ${shape.join()}`,
      fromFloat32(Float32Array.from(data), shape).bytes,
    ]),
  );

export async function stageIdentity(
  setup: StageSetup,
  stage: StageNode,
  source: SourceModel,
  upstream: { readonly from: string; readonly teacher: StageStatus | undefined },
): Promise<StageIdentity> {
  const taught = upstream.teacher?.kind === 'cached' ? [upstream.teacher.folder.record.result] : [];
  const { program, overrides } = setup;
  const data = recipeOfStage(setup, stage, source)?.data;
  const locate = locateFrom(program);
  const models = modelsOf(trainingDirective(stage).settings);
  const teachers = models.map(async (model) => {
    const built = program.models.find(({ name }) => name === model.name)?.build({ arguments: model.args });
    const files = model.file === undefined ? '' : await filesIdentity(locate(model.file));
    return `${settingText(model)}\n${built?.graph ? sourceText(built.graph) : ''}\n${files}`;
  });
  const { seed, limitBatches } = overrides;
  return identityOf({
    stage,
    graph: source.graph,
    preprocess: source.preprocess,
    directives: program.directives,
    flags: {
      ...(seed === undefined ? {} : { seed: String(seed) }),
      ...(limitBatches === undefined ? {} : { limit_batches: String(limitBatches) }),
    },
    files: data ? [await dataIdentity(data)] : [],
    upstream: upstream.from,
    teachers: [...(await Promise.all(teachers)), ...taught],
  });
}

/** Where the declared graph first differs from the one of the folder. */
function modelChange(graph: Graph, { graph: before }: StageFolder): string {
  const [is, was] = [sourceText(graph).split('\n'), before.split('\n')];
  const at = is.findIndex((line, index) => line.trim() !== was[index]?.trim());
  const nodes = topologicalOrder(graph);
  // The first line opens the graph; nodes follow, one a line.
  const span = nodes.slice(Math.max(0, at - 1)).find(({ origin }) => origin?.spans[0])?.origin?.spans[0];
  return span ? `the model changed at ${formatLocation(span)}` : 'the model changed';
}
