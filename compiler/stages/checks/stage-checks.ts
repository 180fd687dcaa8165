/** What a kind of stage checks before it runs. Each kind declares its own beside its code; `check-registry` lists them. */
import type { Diagnostic } from '../../../grammar/diagnostics.ts';
import type { Span } from '../../../grammar/source.ts';
import type { RuntimeFault } from '../../../runtime/errors.ts';
import type { SplitName } from '../../../runtime/train/splits.ts';
import type { AnalyzedProgram, CheckedDirective } from '../../analyze/index.ts';
import { spanOf } from '../../analyze/directives/written.ts';
import type { SourceModel } from '../../driver/project.ts';
import type { StageNode } from '../run/stage-graph.ts';
import { datasetsOf } from '../run/stage-identity.ts';
import type { StageSetup } from '../run/stage-setup.ts';
import type { TrainingSource } from '../train/from-directive.ts';
import { trainingDirective } from '../train/training-directive.ts';

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

/** Data that a stage reads, which is opened before it runs as the stage opens it. */
export interface DataUse {
  /** The entry of the directive that faults are shown at. */
  readonly setting: string;
  /** With the settings of the training; `data` names what is read. */
  readonly directive: CheckedDirective;
  /** The part that is only measured; a training reads all that it needs. */
  readonly measured?: Measured;
}

export interface Measured {
  readonly split: SplitName;
  /** Whether only whole batches count. */
  readonly isWhole: boolean;
  /** Whether data without this part is fine, and nothing is measured. */
  readonly isOptional: boolean;
}

export interface StageChecks {
  /** What the source alone tells, as `cnnc check` says it. */
  readonly source: (written: Written) => Diagnostic[];
  /** Of a stage that `source` finds no fault in. */
  readonly data: (inquiry: Inquiry) => readonly DataUse[];
  readonly files: readonly FileCheck[];
}

/** A directive that reads another dataset than its training. */
export function withData(directive: CheckedDirective, name: string | undefined): CheckedDirective {
  if (name === undefined) return directive;
  const settings = new Map(directive.settings);
  settings.set('data', { kind: 'name', value: name, span: directive.declaration.word.span });
  return { ...directive, settings };
}

/** The validation split, which the result of a stage that does not train is measured on where there is one. */
export function validationOf(stage: StageNode): readonly DataUse[] {
  const directive = trainingDirective(stage);
  const [name] = datasetsOf(directive.settings);
  const measured = { split: 'val', isWhole: false, isOptional: true } as const;
  return name === undefined ? [] : [{ setting: 'data', directive: withData(directive, name), measured }];
}

/** Where a stage names a setting: in its own entries, or in those of a group in it; else the word of the stage. */
export function settingSpan({ directive }: StageNode, setting: string): Span {
  const { entries, word } = directive.declaration;
  const inner = entries.flatMap((entry) => (entry.kind === 'group' ? entry.entries : []));
  return spanOf(entries, setting) ?? spanOf(inner, setting) ?? word.span;
}

/** A fault of a file or a setting, shown where the stage names it. */
export function locatedFault(
  stage: StageNode,
  setting: string,
  fault: Pick<RuntimeFault, 'message' | 'help'> & { readonly code: string },
): Diagnostic {
  const span = settingSpan(stage, setting);
  const { code, message, help } = fault;
  return { code, severity: 'error', message, span, notes: [], ...(help === undefined ? {} : { help }) };
}
