/** What a student is distilled from. */
import type { Graph } from '../ir/node.ts';
import type { Tensor } from '../ir/type.ts';
import type { Hint } from './hints.ts';

export interface Teacher {
  /** The inference form, for images like the student's and with scores like its. */
  readonly graph: Graph;
  /** Its parameters by name, which the step holds as constants; without them it can be checked, but not run. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Divides the scores of both. */
  readonly temperature: number;
  /** Weight of the teacher's scores; that of the labels is `1 - alpha`. */
  readonly alpha: number;
  readonly hints: readonly Hint[];
}
