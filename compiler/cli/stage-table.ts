/** Figures of stages and artifacts, as text and as tables. */
import type { NamedFigures } from '../driver/measured-budgets.ts';
import { formatBytes, formatDigits, formatInteger, formatMs, formatScaled } from '../driver/text.ts';

type FigureName = 'params' | 'macs' | 'size' | 'peak_memory' | 'accuracy' | 'latency_p50_ms';

export interface FigureColumn {
  readonly key: FigureName;
  readonly title: string;
  readonly text: (value: number) => string;
}

const percent = (value: number): string => `${(value * 100).toFixed(2)}%`;

/** In the order of every table; all but accuracy are better small. */
export const figureColumns: readonly FigureColumn[] = [
  { key: 'params', title: 'params', text: formatInteger },
  { key: 'macs', title: 'MACs', text: (value) => formatScaled(value).trim() },
  { key: 'size', title: 'size', text: formatBytes },
  { key: 'peak_memory', title: 'peak memory', text: formatBytes },
  { key: 'accuracy', title: 'accuracy', text: percent },
  { key: 'latency_p50_ms', title: 'latency', text: formatMs },
];

const qualities = ['val.accuracy', 'val.mean_iou', 'val.pixel_accuracy', 'val.dice'];

/** The figure of a column: `accuracy` is the first metric that was measured. */
export function figureOf(figures: NamedFigures, { key }: FigureColumn): number | undefined {
  const value = key === 'accuracy' ? qualities.flatMap((name) => figures[name] ?? [])[0] : figures[key];
  return value === undefined || Number.isNaN(value) ? undefined : value;
}

/** `accuracy 97.50%`, or as the metric is called; undefined where none was measured. */
export function accuracyText(figures: NamedFigures): string | undefined {
  const name = qualities.find((each) => !Number.isNaN(figures[each] ?? NaN));
  return name === undefined ? undefined : `${name.slice('val.'.length)} ${percent(figures[name] ?? NaN)}`;
}

/** `params 269,722`, `MACs 40.6 M`, ...: what is known. */
export const figureTexts = (figures: NamedFigures): string[] =>
  figureColumns.flatMap((column) => {
    const value = figureOf(figures, column);
    return value === undefined ? [] : [`${column.title} ${column.text(value)}`];
  });

/** `2.00x smaller` than the first, `1.50x larger` or `the same`; empty where either is not known, or one is 0. */
export function ratioText(value: number | undefined, first: number | undefined): string {
  if (!value || !first) return value === undefined || value !== first ? '' : 'the same';
  if (value === first) return 'the same';
  return value < first ? `${formatDigits(first / value)}x smaller` : `${formatDigits(value / first)}x larger`;
}

/** `-0.4` points of accuracy against the first. */
export function pointsText(value: number | undefined, first: number | undefined): string {
  if (value === undefined || first === undefined) return '';
  const points = (value - first) * 100;
  return `${points > 0 ? '+' : ''}${points.toFixed(2)} points`;
}
