/** From `FILE[:name]` to the stages that a command works on. */
import { didYouMean } from '../../grammar/suggest.ts';
import type { AnalyzedProgram } from '../analyze/index.ts';
import { endsOf, stagesFor, stagesOf, type StageNode } from '../stages/run/stage-graph.ts';
import { SourceError, usageError } from '../driver/failure.ts';
import { parseTarget } from '../driver/source-model.ts';
import { analyzeWith, settingsOf, type SettingFlags } from './train-source.ts';
import { requireFile } from '../driver/require-file.ts';

export interface StageSource {
  readonly file: string;
  readonly program: AnalyzedProgram;
  readonly stages: readonly StageNode[];
}

/** Throws SourceError for faults in the source or in a setting's value, and E0001 where a key is unknown. */
export async function loadStages(target: string, flags: SettingFlags): Promise<StageSource> {
  const { file, model: chosen } = parseTarget(target);
  await requireFile(file);
  const program = analyzeWith(file, { settings: settingsOf(flags), chosen });
  if (program.diagnostics.some(({ severity }) => severity === 'error')) throw new SourceError(program.diagnostics);
  return { file, program, stages: stagesOf(program.directives) };
}

/** The stage that a target names; undefined where it names a model, or nothing. */
export async function stageTarget(target: string, flags: SettingFlags): Promise<StageSource | undefined> {
  const { model: wanted } = parseTarget(target);
  if (wanted === undefined) return undefined;
  const source = await loadStages(target, flags);
  const isModel = source.program.models.some(({ name }) => name === wanted);
  return !isModel && source.stages.some(({ name }) => name === wanted) ? source : undefined;
}

/**
 * The last stage of a file that is built without a name: the only one that no other needs, where no file gives the model
 * its weights. Undefined where there is none, or where it is not clear.
 */
export async function finalStage(target: string, flags: SettingFlags): Promise<StageSource | undefined> {
  if (parseTarget(target).model !== undefined) return undefined;
  const source = await loadStages(target, flags);
  const [end, second] = endsOf(source.stages);
  const model = source.program.models.find(({ name }) => name === end?.model);
  return end && !second && model?.weights.length === 0 ? source : undefined;
}

/** The stage of that name, or the only one that no other needs, behind all that it needs. Throws E0001. */
export function pickChain({ file, stages }: StageSource, wanted: string | undefined): StageNode[] {
  const names = stages.map(({ name }) => name);
  if (wanted !== undefined) {
    const found = stages.find(({ name }) => name === wanted);
    if (found) return stagesFor(found);
    throw usageError(`${file} has no stage ${wanted}`, didYouMean(wanted, names) ?? stagesHelp(names));
  }
  const ends = endsOf(stages);
  const [only, second] = ends;
  if (!only) throw usageError(`${file} has no train directive`, stagesHelp(names));
  if (!second) return stagesFor(only);
  const list = ends.map(({ name }) => name).join(', ');
  throw usageError(`${file} has several chains of stages: they end in ${list}`, `name one: ${file}:${only.name}`);
}

const stagesHelp = (names: readonly string[]): string =>
  names.length > 0 ? `it has ${names.join(', ')}` : 'write `train NAME for MODEL { ... }`';
