/** Steps of preprocessing as the artifact's manifest holds them (`runtime/artifact.ts`), and where they are written. */
import type { Span } from '../../../grammar/source.ts';

export type PreprocessStep =
  | { op: 'picture'; orientation?: 'ignore'; alpha?: 'black' | 'drop'; channels?: 'bgr'; scale?: 255 }
  | { op: 'resize'; size: number | [number, number] }
  | { op: 'center_crop'; size: number }
  | { op: 'normalize'; mean: number[]; std: number[] };

/** A step where it stands. */
export interface PlacedStep {
  readonly step: PreprocessStep;
  readonly span: Span;
}
