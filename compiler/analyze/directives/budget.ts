/** Budgets: comparisons of a figure of a model or stage with a limit. */
import type { Argument, Expression } from '../../../grammar/ast.ts';
import type { Span } from '../../../grammar/source.ts';
import { didYouMean } from '../../../grammar/suggest.ts';
import type { Quantity } from '../../../grammar/units.ts';
import { stageWords } from './directive-schema.ts';
import { checkMetric, checkValue, dottedName } from './directive-values.ts';
import { writtenCall } from './written-call.ts';
import { complain, type Checking } from './settings.ts';
import { textOf } from '../values/type-match.ts';

/** What a budget may compare: the units of its limit, and what stands in parentheses. */
export const budgetMetrics: Readonly<
  Record<
    string,
    { readonly units: readonly Quantity[]; readonly argument?: 'percentile' | 'stage'; readonly doc: string }
  >
> = {
  params: { units: ['count'], doc: 'trainable parameters' },
  macs: { units: ['macs', 'count'], doc: 'multiply-accumulates of one sample' },
  size: { units: ['bytes'], doc: 'bytes of the weights file of the artifact' },
  peak_memory: { units: ['bytes'], doc: 'bytes of the arena and of all weights, at the batch of the budget' },
  latency: { units: ['seconds'], argument: 'percentile', doc: 'time of one run' },
  drop: { units: ['ratio'], argument: 'stage', doc: 'accuracy lost against a stage' },
};

/** `metric operator limit`, the limit in base units. */
export interface Constraint {
  /** `params`, `macs`, `size`, `peak_memory`, `latency`, `drop`, or a metric such as `val.accuracy`. */
  readonly metric: string;
  /** `p50` of `latency(p50)`, `base` of `drop(base)`. */
  readonly argument?: string;
  readonly operator: '<=' | '>=' | '<' | '>';
  readonly limit: number;
  /** As written. */
  readonly text: string;
  readonly span: Span;
}

interface Metric {
  readonly name: string;
  readonly units: readonly Quantity[];
  readonly argument?: string;
}

/** The comparison of an entry; undefined after a report. */
export function checkConstraint(c: Checking, expression: Expression): Constraint | undefined {
  const operator = expression.kind === 'binary' ? expression.operator : undefined;
  const isComparison = operator === '<=' || operator === '>=' || operator === '<' || operator === '>';
  if (expression.kind !== 'binary' || !isComparison) {
    return complain(
      c,
      'E0604',
      expression.span,
      'an entry of `budget` must be a comparison',
      'write `macs <= 57MMACs`',
    );
  }
  const metric = checkBudgetMetric(c, expression.left);
  if (!metric) return undefined;
  const { units, ...names } = metric;
  const limit = checkValue(c, { kind: 'number', units }, expression.right, `the limit of \`${metric.name}\``);
  if (limit?.kind !== 'number') return undefined;
  const { name, ...argument } = names;
  return {
    metric: name,
    ...argument,
    operator,
    limit: limit.value,
    text: textOf(expression.span),
    span: expression.span,
  };
}

function checkBudgetMetric(c: Checking, expression: Expression): Metric | undefined {
  if (expression.kind === 'member' && dottedName(expression)) {
    const metric = checkMetric(c, expression, 'a budget');
    return metric?.kind === 'name' ? { name: metric.value, units: ['ratio'] } : undefined;
  }
  const call = writtenCall(expression);
  const known = call && Object.hasOwn(budgetMetrics, call.name) ? budgetMetrics[call.name] : undefined;
  if (!call || !known) {
    const names = [...Object.keys(budgetMetrics), 'val.accuracy'];
    const help = (call && didYouMean(call.name, names)) ?? `budgets compare ${names.join(', ')}`;
    return complain(c, 'E0602', expression.span, `a budget cannot compare \`${textOf(expression.span)}\``, help);
  }
  const { name } = call;
  if (known.argument === undefined && call.args.length === 0) return { name, units: known.units };
  const argument = known.argument && argumentOf(c, known.argument, call.args);
  if (argument !== undefined) return { name, units: known.units, argument };
  const help = { stage: 'name a stage, as in `drop(base)`', percentile: 'name a percentile, as in `latency(p50)`' };
  const advice = known.argument ? help[known.argument] : `write \`${name}\` alone`;
  return complain(c, 'E0604', expression.span, `\`${textOf(expression.span)}\` is no figure to compare`, advice);
}

/** `p50`, or the name of a stage. */
function argumentOf(c: Checking, kind: 'percentile' | 'stage', args: readonly Argument[]): string | undefined {
  const [first, ...more] = args;
  if (more.length > 0 || first?.value.kind !== 'name') return undefined;
  const { name } = first.value;
  if (kind === 'percentile') return /^p\d{2}$/.test(name) ? name : undefined;
  return stageWords.some((word) => c.names.get(word)?.has(name)) ? name : undefined;
}
