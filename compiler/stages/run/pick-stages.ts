/** Which stages of a project a target means. */
import { didYouMean } from '../../../grammar/suggest.ts';
import { usageError } from '../../driver/failure.ts';
import { failOnErrors, type Project } from '../../driver/project.ts';
import { endsOf, stagesFor, stagesOf, type StageNode } from './stage-graph.ts';

/** A project without errors, with its stages. */
export interface StagedProject extends Project {
  readonly stages: readonly StageNode[];
}

/** Throws SourceError for faults in the source or in a setting's value. */
export function withStages(project: Project): StagedProject {
  failOnErrors(project.diagnostics);
  return { ...project, stages: stagesOf(project.program.directives) };
}

/**
 * Whether the target means a stage: it names one, and no model has the name; or, where `isWhole`, it names nothing, and
 * the only stage that no other needs makes the weights that no file gives the model.
 */
export function meansStage({ name, stages, program: { models } }: StagedProject, isWhole: boolean): boolean {
  if (name !== undefined) {
    return !models.some((model) => model.name === name) && stages.some((stage) => stage.name === name);
  }
  const [end, second] = endsOf(stages);
  const model = models.find((each) => each.name === end?.model);
  return isWhole && !second && model?.weights.length === 0;
}

/** The stage that the target names, or the only one that no other needs, behind all that it needs. Throws E0001. */
export function pickChain({ file, name: wanted, stages }: StagedProject): StageNode[] {
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
