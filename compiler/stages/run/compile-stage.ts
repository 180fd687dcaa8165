/** From a staged model to an artifact, to run it and to measure it. */
import type { Span } from '../../../grammar/source.ts';
import type { Compilation, CompileOptions } from '../../compile/compile.ts';
import { compileAt } from '../../driver/compile-model.ts';
import type { StagedModel } from './staged-model.ts';

/** Throws SourceError (E0340) where an op has no kernel: at its place, or at `span`. */
export const compileStage = (model: StagedModel, span: Span, options: CompileOptions = {}): Compilation =>
  compileAt(model, { span }, options);
