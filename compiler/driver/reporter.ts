/** How work that takes a while says what it does: the command line prints it, a program listens to it, or to nothing. */
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import type { TrainingArtifact } from '../../runtime/train/training-artifact.ts';
import type { TrainingEvent } from '../../runtime/train/loop/training-run.ts';

/** A line of NDJSON; figures are plain numbers in the unit that the key names. */
export type Event =
  | { readonly type: 'progress' | 'metric' | 'summary' | 'data'; readonly [key: string]: unknown }
  | { readonly type: 'artifact'; readonly path: string; readonly [key: string]: unknown };

export interface Reporter {
  /** A message for people, of one line. */
  note(text: string): void;
  /** What is being done now; an empty text where it is done. */
  progress(text: string): void;
  /** The same for machines. */
  event(event: Event): void;
  /** Warnings; errors are thrown. */
  diagnostics(list: readonly Diagnostic[]): void;
  /** Called as a training begins; what it returns is told how that goes. */
  training(artifact: TrainingArtifact): (event: TrainingEvent) => void;
}

const nothing = (): void => {};

export const silent: Reporter = {
  note: nothing,
  progress: nothing,
  event: nothing,
  diagnostics: nothing,
  training: () => nothing,
};
