/** Runs the stages of a project from a program: what `cnnc train` does. */
import { withLazyDevice } from '../../driver/device.ts';
import { importWeights } from '../../driver/model-weights.ts';
import type { Project } from '../../driver/project.ts';
import { silent, type Reporter } from '../../driver/reporter.ts';
import type { RecipeOverrides } from '../train/recipe.ts';
import { pickChain, withStages } from './pick-stages.ts';
import { runChain, type StageOutcome } from './run-stages.ts';
import { chainTo } from './stage-graph.ts';
import { restored, stageModel, type StageModel } from './stage-result.ts';
import { declaredModel, folderIn, type StageSetup } from './stage-setup.ts';

export interface RunOptions extends RecipeOverrides {
  /** The folder in which each stage has one; `runs` unless given. */
  readonly runs?: string | undefined;
  /** Values of model parameters, in source text. */
  readonly arguments?: Readonly<Record<string, string>> | undefined;
  /** A safetensors file that the first stage starts from, or `random`. */
  readonly weights?: string | undefined;
  /** Goes on from checkpoints of runs that were cut off. */
  readonly resume?: boolean | undefined;
  /** As `openDevice` takes it. */
  readonly adapter?: string | undefined;
  /** Told what is done; nobody is unless given. */
  readonly reporter?: Reporter | undefined;
  /** Ends the run once what is needed to go on is written. */
  readonly signal?: AbortSignal | undefined;
}

/** What the last stage made, and what became of each. */
export interface ProjectRun extends StageModel {
  readonly outcomes: readonly StageOutcome[];
}

/**
 * Runs the stage that the target of the project names, or its only last one, behind those that it needs; what is up to
 * date is passed over. Throws SourceError for faults of the source and of what it names, all found before the first step;
 * E0001 where no stage is clear, a StageInterrupted behind `signal`, and what reading and writing folders throws.
 */
export async function runStages(project: Project, options: RunOptions = {}): Promise<ProjectRun> {
  const { runs = 'runs', weights: file, resume = false, adapter, reporter = silent } = options;
  const { signal = new AbortController().signal } = options;
  const { program, stages, ...rest } = withStages(project);
  const chain = pickChain({ program, stages, ...rest });
  const last = chain.at(-1);
  if (!last) throw new RangeError('a chain has a stage');
  const [root = last] = chainTo(last);
  const draft: StageSetup = {
    program,
    arguments: options.arguments,
    overrides: { seed: options.seed, limitBatches: options.limitBatches, ...(options.data && { data: options.data }) },
    weights: undefined,
    root,
    folderOf: folderIn(runs),
  };
  const given = file === undefined ? undefined : { weights: file };
  const weights = given && (await importWeights(declaredModel(draft, root), given, options.seed ?? 0));
  const setup = { ...draft, weights };
  const outcomes: StageOutcome[] = [];
  const onNotice = (text: string): void => reporter.note(text);
  await withLazyDevice({ adapter, trusted: true, onNotice }, (device) =>
    runChain({ setup, reporter, resume, traceNan: false, signal, device }, chain, {
      alone: false,
      onOutcome: (outcome) => outcomes.push(outcome),
    }),
  );
  const outcome = outcomes.at(-1);
  if (!outcome) throw new RangeError('a chain has an outcome');
  const declared = declaredModel(setup, last);
  const made = await restored(last, declared, outcome.folder);
  return { ...(await stageModel(setup, last, stages, declared, made)), outcomes };
}
