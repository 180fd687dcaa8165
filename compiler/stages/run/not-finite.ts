/** What `--trace-nan` found, shown where it stands in the source. */
import type { Diagnostic, Note } from '../../../grammar/diagnostics.ts';
import { lineStarts, type SourceFile, type Span } from '../../../grammar/source.ts';
import type { Place, Step } from '../../../runtime/artifact.ts';
import type { NotFiniteFault } from '../../../runtime/train/trace-nan.ts';
import type { ValueRange } from '../../../runtime/train/value-range.ts';
import { formatInteger } from '../../driver/text.ts';
import type { AnalyzedProgram, CheckedDirective } from '../../analyze/index.ts';

interface TrainSource {
  readonly program: Pick<AnalyzedProgram, 'files'>;
  readonly directive: Pick<CheckedDirective, 'declaration'>;
}

/** Ops that were fused have a place each; loss and optimizer stand in their entry of the directive. */
export function notFiniteDiagnostic(
  { code, message, help = '', found }: NotFiniteFault,
  source: TrainSource,
): Diagnostic {
  const [first, ...others] = (found.step?.places ?? []).flatMap((place) => spanAt(source.program.files, place));
  const notes = others.map((span): Note => ({ message: 'computed by the same kernel', span }));
  const span = first ?? entrySpan(source, found.step);
  return { code, severity: 'error', message, span, label: describeCounts(found.result.range), notes, help };
}

const describeCounts = ({ nan, infinite, count }: ValueRange): string =>
  `${formatInteger(nan + infinite)} of ${formatInteger(count)} values`;

/** The word at a place, as far as the file is known. */
function spanAt(files: readonly SourceFile[], { file: path, line, column }: Place): Span[] {
  const file = files.find((each) => each.path === path);
  const start = file && lineStarts(file)[line - 1];
  if (!file || start === undefined) return [];
  const from = start + column - 1;
  const word = /^(?:\w+|.)/.exec(file.text.slice(from))?.[0] ?? '';
  return [{ file, start: from, end: from + word.length }];
}

function entrySpan({ directive: { declaration } }: TrainSource, step: Step | undefined): Span {
  const key = step?.path === 'loss' ? 'loss' : step ? 'optimizer' : 'data';
  const entry = declaration.entries.find((each) => each.kind !== 'value' && each.name.name === key);
  return entry?.span ?? declaration.word.span;
}
