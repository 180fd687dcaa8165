/** What a stage is given, and what it gives back. */
import type { OpenedDevice } from '../../../runtime/node/device/device.ts';
import type { TrainResult } from '../../../runtime/train/loop/training-run.ts';
import type { TrainingArtifact } from '../../../runtime/train/training-artifact.ts';
import type { AnalyzedProgram, CheckedDirective } from '../../analyze/index.ts';
import type { Reporter } from '../../driver/reporter.ts';
import type { SourceModel } from '../../driver/project.ts';
import type { Tensor } from '../../ir/type.ts';
import type { RecipeOverrides } from '../train/recipe.ts';
import type { StagedModel } from './staged-model.ts';
import type { StageNode } from './stage-graph.ts';

export interface StageContext {
  readonly program: AnalyzedProgram;
  /** The model of the stage as the source declares it. */
  readonly source: SourceModel;
  /** The stage, with the ones that it starts from. */
  readonly stage: StageNode;
  /** What the command line says: seed, data in place of the dataset's files, a limit of batches. */
  readonly overrides: RecipeOverrides;
  /** The stage's own folder; the context has made sure that nothing is lost by writing to it. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly reporter: Reporter;
  /** Opened at the first call, shared by all stages, and closed for them. */
  device(): Promise<OpenedDevice>;
  /** Another model of the program, with its arguments in source text: a teacher. Throws as `loadModel` does. */
  model(name: string, args: Readonly<Record<string, string>>): SourceModel;
  /** What the stage that makes the teacher made; undefined where no stage is named. */
  teacher(): Promise<StagedModel | undefined>;
  /** Where a file that the source names lies: beside it, else under `$CNNC_DATA`. */
  locate(path: string): string;
  /**
   * Trains with progress, checkpoints and a report in the stage's folder, or in one inside of it. `compile(false)` makes
   * the same training with every op a kernel of its own, for `--trace-nan`. Throws a StageInterrupted after Ctrl-C, once
   * the checkpoint is written; a run that was interrupted goes on where it was with `--resume`.
   */
  train(compile: (isFused: boolean) => TrainingArtifact, subfolder?: string): Promise<Trained>;
}

export interface Trained {
  /** The best ones so far, by the metric that `checkpoint.best` names; the last ones where none was measured. */
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly result: TrainResult;
}

/** By name: plain numbers in base units, as `seconds`, `epochs`, `val.accuracy`. */
export type StageFigures = Readonly<Record<string, number>>;

export interface StageResult {
  readonly model: StagedModel;
  readonly figures: StageFigures;
}

/** `directive` is `context.stage.directive`; training settings that it leaves out: `trainingDirective(context.stage)`. */
export type StageFunction = (
  input: StagedModel,
  directive: CheckedDirective,
  context: StageContext,
) => Promise<StageResult>;

/** Ctrl-C: everything that is needed to go on is written. */
export class StageInterrupted extends Error {
  readonly stage: string;
  readonly folder: string;
  readonly result: TrainResult;

  constructor(stage: string, folder: string, result: TrainResult) {
    super(`${stage} was interrupted`);
    this.stage = stage;
    this.folder = folder;
    this.result = result;
  }
}
