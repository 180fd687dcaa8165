/** Budgets of stages, judged by the figures that a stage measured. */
import type { Diagnostic } from '../../../grammar/diagnostics.ts';
import type { AnalyzedProgram } from '../../analyze/index.ts';
import { budgetsFor } from '../../analyze/directives/model-directives.ts';
import { remedyOf } from './budget-remedy.ts';
import { missedBudgets, type Figure, type Figures } from '../../driver/budgets.ts';
import { qualityFigures, unjudged, type NamedFigures, type References } from '../../driver/measured-budgets.ts';

export interface Judged {
  /** E0801 for each line that is missed. */
  readonly missed: readonly Diagnostic[];
  /** Lines that the figures do not decide: latencies, which `cnnc bench` measures, and what was not measured. */
  readonly open: readonly string[];
}

/** What the lines for a stage come to. `references`: the accuracies of other stages, for `drop(stage)`. */
export function judgeStage(
  { directives }: Pick<AnalyzedProgram, 'directives'>,
  stage: string,
  figures: NamedFigures,
  references: References,
): Judged {
  const budgets = budgetsFor(stage, directives);
  const known = stageFigures(figures, references);
  return {
    missed: missedBudgets(stage, budgets, known, remedyOf(directives, stage)),
    open: unjudged(budgets, known).flatMap(({ metric, text }) => (metric === 'latency' ? [] : [text])),
  };
}

const units: Readonly<Record<string, Figure['unit']>> = {
  params: 'number',
  macs: 'number',
  size: 'bytes',
  peak_memory: 'bytes',
};

/** Figures of one sample; memory at other batches is for `cnnc build` to tell. */
function stageFigures(figures: NamedFigures, references: References): Figures {
  const quality = qualityFigures(figures, references);
  return (metric, batch, argument) => {
    const unit = units[metric];
    if (unit === undefined) return quality(metric, batch, argument);
    const value = metric === 'peak_memory' && batch !== 1 ? undefined : figures[metric];
    return value === undefined ? undefined : { value, unit, shares: [] };
  };
}
