/** Budget lines on their way into an artifact and out of it, and the figures that only measuring gives. */
import { lineStarts, positionAt, type SourceFile, type Span } from '../../grammar/source.ts';
import type { Manifest } from '../../runtime/artifact.ts';
import type { BudgetLine } from '../../runtime/budget-lines.ts';
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import type { BudgetDirective } from '../analyze/index.ts';
import { missedBudgets, type Figure, type Figures } from './budgets.ts';

/** By name: plain numbers in base units, as `params`, `seconds`, `val.accuracy`. */
export type NamedFigures = Readonly<Record<string, number>>;

/** The accuracy that `drop(stage)` is measured against, where it is known. */
export type References = (stage: string) => number | undefined;

export function budgetLines(budgets: readonly BudgetDirective[], references: References): BudgetLine[] {
  return budgets.flatMap(({ batch, constraints }) =>
    constraints.map(({ metric, argument, operator, limit, text, span }): BudgetLine => {
      const reference = metric === 'drop' && argument !== undefined ? references(argument) : undefined;
      return {
        metric,
        ...(argument === undefined ? {} : { argument }),
        operator,
        limit,
        text,
        batch,
        ...(reference === undefined ? {} : { reference }),
        ...placeOf(span),
      };
    }),
  );
}

function placeOf({ file, start }: Span): Pick<BudgetLine, 'place' | 'source'> {
  const { line, column } = positionAt(file, start);
  const from = lineStarts(file)[line - 1] ?? 0;
  const source = file.text.slice(from).split(/\r?\n/, 1)[0] ?? '';
  return { place: { file: file.path, line, column }, source };
}

/** The lines of an artifact as budgets, each in a text that has its line where the source had it. */
const budgetsOf = (lines: readonly BudgetLine[]): BudgetDirective[] =>
  lines.map((entry) => {
    const { metric, argument, operator, limit, text, batch } = entry;
    const names = { metric, ...(argument === undefined ? {} : { argument }) };
    return { batch, constraints: [{ ...names, operator, limit, text, span: spanOf(entry) }] };
  });

function spanOf({ place, source, text }: BudgetLine): Span {
  const before = '\n'.repeat(place.line - 1);
  const file: SourceFile = { path: place.file, text: `${before}${source}\n` };
  const start = before.length + place.column - 1;
  // A comparison over several lines is shown by its first one.
  const [first = ''] = text.split(/\r?\n/, 1);
  return { file, start, end: start + first.length };
}

/** E0801 for each line of an artifact that measured figures miss; those that are not known here are not judged. */
export function missedLines(
  { model, stage, budgets = [] }: Pick<Manifest, 'model' | 'stage' | 'budgets'>,
  figures: Figures,
): Diagnostic[] {
  return missedBudgets(stage?.name ?? model.name, budgetsOf(budgets), figures);
}

/** What figures by name (`val.accuracy`) say of metrics and of drops. */
export const qualityFigures =
  (figures: NamedFigures, references: References): Figures =>
  (metric, _batch, argument) => {
    if (metric !== 'drop') return metric.includes('.') ? share(figures[metric]) : undefined;
    const [own, reference] = [figures['val.accuracy'], argument === undefined ? undefined : references(argument)];
    if (own === undefined || reference === undefined) return undefined;
    const percent = (value: number): string => `${Number((value * 100).toFixed(3))}%`;
    return share(reference - own, `${percent(own)} against ${percent(reference)}`);
  };

function share(value: number | undefined, made?: string): Figure | undefined {
  if (value === undefined || Number.isNaN(value)) return undefined;
  return { value, unit: 'share', shares: [], ...(made === undefined ? {} : { made }) };
}

/** The nearest-rank percentile of sorted times: one that was measured. */
export const percentile = (sorted: readonly number[], part: number): number =>
  sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;

/** `latency(p50)` from the percentiles of measured times, in milliseconds. */
export const latencyBudget =
  (percentileMs: (part: number) => number): Figures =>
  (metric, _batch, argument = 'p50') => {
    if (metric !== 'latency') return undefined;
    return { value: percentileMs(Number(argument.slice(1)) / 100) / 1000, unit: 'seconds', shares: [] };
  };

/** Lines that a command cannot judge. */
export const unjudged = (
  budgets: readonly BudgetDirective[],
  figures: Figures,
): BudgetDirective['constraints'][number][] =>
  budgets.flatMap(({ batch, constraints }) =>
    constraints.filter(({ metric, argument }) => figures(metric, batch, argument) === undefined),
  );
