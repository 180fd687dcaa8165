/** From a model and the settings of a training run to its two programs, `step` and `evaluate`, and their state. */
import type { Graph } from '../ir/node.ts';
import type { Tensor } from '../ir/type.ts';
import { boundModel } from './bound-model.ts';
import { evaluateProgram } from './evaluate-program.ts';
import { optimizerOf } from './optimizers/index.ts';
import type { HostScalar } from './optimizers/optimizer.ts';
import type { StateVector } from './state.ts';
import { initialState, planState, vectorsOf } from './state-plan.ts';
import { stepProgram } from './step-program.ts';
import { checkNormalised } from './training-form.ts';
import type { TrainingOptions, TrainingSettings } from './training-options.ts';

export interface TrainingStep {
  /**
   * One optimizer step: outputs `loss`, `correct`, `gradNorm` and with a teacher `labelLoss` (each `[1, 1]`), and the next
   * value of every vector.
   */
  readonly step: Graph;
  /** A batch measured: outputs `loss`, `weight` (`[1, 1]`), and for labels `prediction`, for classes also `scores`. */
  readonly evaluate: Graph;
  readonly state: readonly StateVector[];
  /** Initial values of the tensors of state that do not start at zero. */
  readonly initial: ReadonlyMap<string, Tensor>;
  /** The inputs of `step` that the run computes from its schedule, step number and seed. */
  readonly scalars: readonly HostScalar[];
}

/** Throws a TrainingFault where the settings do not fit the model or each other. */
export function buildTrainingStep(options: TrainingOptions): TrainingStep {
  const { plan, ...programs } = programsOf(options);
  return { ...programs, state: vectorsOf(plan), initial: initialState(plan, options) };
}

/** Throws what `buildTrainingStep` throws, without a look at the weights. */
export function checkTrainingStep(options: TrainingSettings): void {
  programsOf(options);
}

function programsOf(options: TrainingSettings) {
  const model = boundModel(options);
  checkNormalised(model.graph);
  const optimizer = optimizerOf(options.optimizer, options.cyclesMomentum);
  const plan = planState(model.graph, options, optimizer);
  const { graph: step, scalars } = stepProgram(model, plan, options, optimizer);
  return { step, evaluate: evaluateProgram(model, plan, options), scalars, plan };
}
