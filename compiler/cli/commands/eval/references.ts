/** The accuracy of other stages on the data that is given, for budgets such as `drop(base) <= 1%`. */
import { pathKind } from '../../../../runtime/node/file-access.ts';
import { readBuilt } from '../../read-built.ts';
import type { Artifact, Manifest } from '../../../../runtime/artifact.ts';
import { RuntimeFault } from '../../../../runtime/errors.ts';
import { CommandError, SourceError } from '../../../driver/failure.ts';

/** Where the artifacts of other stages are found. */
export interface ReferenceFlags {
  /** Folders of artifacts. */
  readonly against?: readonly string[];
  /** Folder of the stages. */
  readonly runs: string;
}

/** A stage's artifact, and how messages name it. */
export interface Reference {
  readonly stage: string;
  readonly artifact: Artifact;
  readonly place: string;
}

/** Stages that the budget lines of an artifact compare it with. */
export const stagesInDrops = ({ budgets = [] }: Pick<Manifest, 'budgets'>): readonly string[] => [
  ...new Set(
    budgets.flatMap(({ metric, argument }) => (metric === 'drop' && argument !== undefined ? [argument] : [])),
  ),
];

/**
 * The artifacts of those stages: one that is given, else what the stage's folder holds, compiled from the source that the
 * artifact was built from. A stage of which there is neither is left out. Throws what reading a given artifact throws.
 */
export async function referencesFor(
  { manifest }: Pick<Artifact, 'manifest'>,
  { against = [], runs }: ReferenceFlags,
): Promise<readonly Reference[]> {
  const given = await Promise.all(against.map(async (place) => ({ place, artifact: await readBuilt(place) })));
  const found: Reference[] = [];
  for (const stage of stagesInDrops(manifest)) {
    const own = given.find(({ artifact }) => artifact.manifest.stage?.name === stage);
    const reference = own ? { stage, ...own } : await fromFolder(manifest.model.source, stage, runs);
    if (reference) found.push(reference);
  }
  return found;
}

/** Undefined where source or folder are not there any more, or no longer belong together. */
async function fromFolder(source: string, name: string, runs: string): Promise<Reference | undefined> {
  if ((await pathKind(source)) !== 'file') return undefined;
  // Compiling is not what evaluating an artifact needs otherwise.
  const [{ openStages }, { readStageFolder }, { folderIn, declaredModel }, { restoreStage }, { compileStage }] =
    await Promise.all([
      import('../../setting-flags.ts'),
      import('../../../stages/run/stage-folder.ts'),
      import('../../../stages/run/stage-setup.ts'),
      import('../../../stages/run/restore-stage.ts'),
      import('../../../stages/run/compile-stage.ts'),
    ]);
  try {
    const { program, stages } = await openStages(source, {});
    const stage = stages.find((each) => each.name === name);
    const folder = stage && (await readStageFolder(folderIn(runs)(stage)));
    if (!stage || !folder || folder.record.name !== name) return undefined;
    const setup = { program, arguments: undefined, overrides: {}, weights: undefined, folderOf: folderIn(runs) };
    const model = await restoreStage(declaredModel(setup, stage), folder);
    const { artifact } = compileStage(model, stage.directive.declaration.word.span);
    return { stage: name, artifact, place: folder.path };
  } catch (error) {
    if (error instanceof RuntimeFault || error instanceof SourceError || error instanceof CommandError)
      return undefined;
    throw error;
  }
}
