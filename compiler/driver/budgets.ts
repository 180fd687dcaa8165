/** Budgets: which lines are missed, by how much, and which layers weigh most. */
import { diagnostic, type Diagnostic, type Note } from '../../grammar/diagnostics.ts';
import type { Span } from '../../grammar/source.ts';
import type { BudgetDirective } from '../analyze/index.ts';
import type { Layer } from './layers.ts';
import { formatBytes, formatInteger, formatMs } from './text.ts';

/** One layer's part of a figure. */
export interface Share {
  readonly name: string;
  readonly value: number;
  readonly span: Span | undefined;
}

export interface Figure {
  readonly value: number;
  readonly unit: 'number' | 'bytes' | 'share' | 'seconds';
  readonly shares: readonly Share[];
  /** What the value is made of, where one number does not say it. */
  readonly made?: string;
}

/** The figure of a metric at a batch size; undefined where it is not known here. `argument`: the `base` of `drop(base)`. */
export type Figures = (metric: string, batch: number, argument?: string) => Figure | undefined;

type Constraint = BudgetDirective['constraints'][number];

/** How to keep a line that is missed; undefined where nothing is known to help. */
export type Remedy = (constraint: Constraint, figure: Figure) => string | undefined;

const holds: Readonly<Record<Constraint['operator'], (figure: number, limit: number) => boolean>> = {
  '<=': (figure, limit) => figure <= limit,
  '<': (figure, limit) => figure < limit,
  '>=': (figure, limit) => figure >= limit,
  '>': (figure, limit) => figure > limit,
};

/** One E0801 for each line of a budget that the figures miss. */
export const missedBudgets = (
  model: string,
  budgets: readonly BudgetDirective[],
  figures: Figures,
  remedy: Remedy = () => undefined,
): Diagnostic[] =>
  budgets.flatMap(({ batch, constraints }) =>
    constraints.flatMap((constraint) => {
      const figure = figures(constraint.metric, batch, constraint.argument);
      const isMissed = figure && !holds[constraint.operator](figure.value, constraint.limit);
      return isMissed ? [missed(model, constraint, figure, remedy(constraint, figure))] : [];
    }),
  );

function missed(
  model: string,
  { text, operator, limit, span }: Constraint,
  figure: Figure,
  remedy: string | undefined,
): Diagnostic {
  const made = figure.made === undefined ? '' : ` (${figure.made})`;
  const isOver = operator.startsWith('<');
  const heaviest = figure.shares
    .filter(({ value }) => isOver && value > 0)
    .toSorted((a, b) => b.value - a.value)
    .slice(0, 3);
  const parts = heaviest.map((share) => `${share.name} (${partOf(share, figure)})`);
  const weighty = parts.length > 0 ? [`the layers that weigh most are ${parts.join(', ')}`] : [];
  const help = [...(remedy === undefined ? [] : [remedy]), ...weighty].join('; ');
  return diagnostic('E0801', span, `${model} misses its budget \`${text}\``, {
    label: `it has ${amount(figure.value, figure)}${made}${distance(figure, limit)}`,
    notes: notesOf(heaviest),
    ...(help === '' ? {} : { help }),
  });
}

function amount(value: number, { unit }: Figure): string {
  switch (unit) {
    case 'bytes':
      return formatBytes(value);
    case 'share':
      return `${Number((value * 100).toFixed(3))}%`;
    case 'seconds':
      return formatMs(value * 1000);
    case 'number':
      return formatInteger(value);
  }
}

const partOf = (share: Share, figure: Figure): string =>
  `${amount(share.value, figure)}, ${percent(share.value / figure.value)}`;

/** `, 12% over`, or `, 0.4 points under` for a share; nothing where the limit itself is not allowed, or is zero. */
function distance({ value, unit }: Figure, limit: number): string {
  if (value === limit) return '';
  const side = value > limit ? 'over' : 'under';
  if (unit === 'share') return `, ${Number((Math.abs(value - limit) * 100).toPrecision(3))} points ${side}`;
  return limit === 0 ? '' : `, ${percent(Math.abs(value / limit - 1))} ${side}`;
}

/** Enough digits to see a difference that is there. */
function percent(ratio: number): string {
  const value = ratio * 100;
  if (value > 0 && value < 0.01) return 'less than 0.01%';
  return `${value >= 10 ? Math.round(value) : Number(value.toPrecision(2))}%`;
}

/** One note a place: a line of a block that is called several times makes several layers. */
function notesOf(shares: readonly Share[]): Note[] {
  const bySpan = new Map<Span, string[]>();
  for (const { span, name } of shares) {
    if (!span) continue;
    const same = [...bySpan.keys()].find((each) => each.file === span.file && each.start === span.start) ?? span;
    bySpan.set(same, [...(bySpan.get(same) ?? []), name]);
  }
  return [...bySpan].map(([span, names]) => ({ message: names.join(', '), span }));
}

const shareOf = ({ path, op, span }: Layer, value: number): Share => ({ name: path === '' ? op : path, value, span });

/** `params` and `macs`; `macs` only where no size is open, for it has no one value else. */
export function sourceFigures(layers: readonly Layer[], hasOpenSizes: boolean): Figures {
  const params = figureOf(layers.map((layer) => shareOf(layer, layer.params)));
  const macs = figureOf(layers.map((layer) => shareOf(layer, layer.macs)));
  return (metric) => {
    if (metric === 'params') return params;
    return metric === 'macs' && !hasOpenSizes ? macs : undefined;
  };
}

const figureOf = (shares: readonly Share[]): Figure => ({
  value: shares.reduce((sum, { value }) => sum + value, 0),
  unit: 'number',
  shares,
});
