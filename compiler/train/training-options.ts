/** What a training step is built from: a train directive with every setting resolved. */
import type { Graph } from '../ir/node.ts';
import type { Tensor } from '../ir/type.ts';
import type { Clip } from './clip.ts';
import type { Teacher } from './teacher.ts';
import type { LossTerm } from './losses/index.ts';
import type { OptimizerSettings } from './optimizers/index.ts';
import type { Regularizer } from './regularize.ts';

/** `class`: a label an image; `mask`: a label a pixel; `dense`: values of the scores' shape. */
export interface TargetSettings {
  readonly kind: 'class' | 'mask' | 'dense';
  /** Of `class` and `mask`. A model with one score tells two classes apart by its sign. */
  readonly classes: number;
  /** Class that counts for nothing. */
  readonly ignore?: number | undefined;
}

export interface TrainingOptions extends TrainingSettings {
  /** Values of all parameters, running statistics and projections of hints at the start, by name. */
  readonly weights: ReadonlyMap<string, Tensor>;
}

export interface TrainingSettings {
  /** The inference form with `parameter` leaves: one input, one output. */
  readonly graph: Graph;
  /** Samples a step; also of the evaluation program. */
  readonly batch: number;
  /** Height and width of the images, where the model leaves them open. */
  readonly imageSize?: readonly [number, number] | undefined;
  readonly target: TargetSettings;
  /** At least one term; what is minimised is their sum. */
  readonly loss: readonly LossTerm[];
  readonly optimizer: OptimizerSettings;
  /** Whether the schedule moves the momentum. */
  readonly cyclesMomentum: boolean;
  readonly regularizers: readonly Regularizer[];
  readonly clip?: Clip | undefined;
  /** Decay of the moving average of the weights, which is then what is evaluated. */
  readonly ema?: number | undefined;
  /** Whether images are mixed in pairs; their labels then come in pairs as well. */
  readonly mixup: boolean;
  /** What the student learns from beside the labels. */
  readonly teacher?: Teacher | undefined;
  /** By parameter, of its shape: 1 where it is trained, 0 where it is zero and stays so. */
  readonly masks?: ReadonlyMap<string, Tensor> | undefined;
}
