/** From a staged model to an artifact. */
import { diagnostic } from '../../../grammar/diagnostics.ts';
import type { Span } from '../../../grammar/source.ts';
import { SourceError } from '../../driver/failure.ts';
import { compile, type Compilation, type CompileOptions } from '../../compile/compile.ts';
import { LoweringError } from '../../emit/lower.ts';
import type { StagedModel } from './staged-model.ts';

/** Throws SourceError (E0340) where an op has no kernel: at its place, or at `span`. */
export function compileStage(model: StagedModel, span: Span, options: CompileOptions = {}): Compilation {
  try {
    return compile(model, options);
  } catch (error) {
    if (!(error instanceof LoweringError)) throw error;
    throw new SourceError([diagnostic('E0340', error.node.origin?.spans[0] ?? span, error.message)]);
  }
}
