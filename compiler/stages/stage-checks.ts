/** What a kind of stage checks before it runs. Each kind declares its own beside its code; `check-registry` lists them. */
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import type { RuntimeFault } from '../../runtime/errors.ts';
import type { AnalyzedProgram } from '../analyze/index.ts';
import { spanOf } from '../analyze/written.ts';
import type { SourceModel } from '../cli/source-model.ts';
import type { StageNode } from './stage-graph.ts';
import type { StageSetup } from './stage-setup.ts';
import type { TrainingSource } from './train.ts';

/** A stage as the source has it. */
export interface Written {
  readonly stage: StageNode;
  readonly program: AnalyzedProgram;
  /** With the stage's training settings; undefined where the model cannot be built without arguments. */
  readonly training: Omit<TrainingSource, 'weights'> | undefined;
}

/** A stage that is about to run. */
export interface Inquiry {
  readonly setup: StageSetup;
  readonly stage: StageNode;
  /** The model as declared, with the sizes of its training. */
  readonly source: SourceModel;
}

/** A check that reads files, and the entry of the directive that its faults are shown at. */
export interface FileCheck {
  readonly setting: string;
  /** Throws what running the stage would throw. */
  readonly run: (inquiry: Inquiry) => Promise<void>;
}

export interface StageChecks {
  /** What the source alone tells, as `cnnc check` says it. */
  readonly source: (written: Written) => Diagnostic[];
  readonly files: readonly FileCheck[];
}

/** A fault of a file or a setting, shown where the stage names it: in its own entries, or in those of a group in it. */
export function locatedFault(
  { directive }: StageNode,
  setting: string,
  fault: Pick<RuntimeFault, 'message' | 'help'> & { readonly code: string },
): Diagnostic {
  const { entries, word } = directive.declaration;
  const inner = entries.flatMap((entry) => (entry.kind === 'group' ? entry.entries : []));
  const span = spanOf(entries, setting) ?? spanOf(inner, setting) ?? word.span;
  const { code, message, help } = fault;
  return { code, severity: 'error', message, span, notes: [], ...(help === undefined ? {} : { help }) };
}
