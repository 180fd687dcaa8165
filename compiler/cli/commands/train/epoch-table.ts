/** The lines that a training prints: a row an epoch under a heading of two lines, and the status line of a terminal. */
import type { TrainingRecord } from '../../../../runtime/train/training-state.ts';
import { formatDigits } from '../../../driver/text.ts';

interface Column {
  readonly split: string;
  readonly title: string;
  readonly width: number;
  readonly text: (record: TrainingRecord) => string;
}

/** What goes first where a line is too narrow for all. */
const expendable = ['lr', 'images/s', 'train.label_loss', 'train.accuracy'];

/** The columns of a training: what was measured in its first epoch, as far as it fits. */
export function epochColumns(record: TrainingRecord, epochs: number, width: number): readonly Column[] {
  const last = String(epochs);
  const epoch: Column = {
    split: '',
    title: 'epoch',
    width: Math.max(5, 2 * last.length + 1),
    text: (of) => `${String(of.epoch).padStart(last.length)}/${last}`,
  };
  const columns: Column[] = [
    epoch,
    ...Object.keys(record.values).map((name): Column => {
      const [split = '', title = ''] = name.split('.');
      return { split, title, width: Math.max(7, title.length), text: (of) => formatFigure(of.values[name] ?? NaN) };
    }),
    { split: '', title: 'lr', width: 8, text: ({ lr }) => formatRate(lr) },
    { split: '', title: 'images/s', width: 8, text: ({ imagesPerSecond }) => formatRate(imagesPerSecond) },
  ];
  const names = [...expendable];
  let kept = columns;
  while (names.length > 0 && lineWidth(kept) > width) {
    const name = names.shift();
    kept = kept.filter(({ split, title }) => (split === '' ? title : `${split}.${title}`) !== name);
  }
  while (kept.length > 2 && lineWidth(kept) > width) kept = kept.slice(0, -1);
  return kept;
}

const bestMark = '  best';
const gap = 2;

const lineWidth = (columns: readonly Column[]): number =>
  columns.reduce((sum, { width }) => sum + width + gap, -gap) + bestMark.length;

/** `train` and `val` above the first of their columns, then the names. */
export function epochHeading(columns: readonly Column[]): string {
  let split = '';
  const above = columns.map((column) => {
    const isFirst = column.split !== split;
    split = column.split;
    return (isFirst ? column.split : '').padStart(column.width);
  });
  const names = columns.map(({ title, width }) => title.padStart(width));
  return [above, names].map((cells) => cells.join(' '.repeat(gap)).trimEnd()).join('\n');
}

export const epochRow = (columns: readonly Column[], record: TrainingRecord, isBest: boolean): string =>
  columns.map(({ width, text }) => text(record).padStart(width)).join(' '.repeat(gap)) + (isBest ? bestMark : '');

/** Four places behind the point, or as many digits as seven characters hold. */
export function formatFigure(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'inf' : '-inf';
  const forms = [value.toFixed(4), formatDigits(value), value.toExponential(1), value.toExponential(0)];
  return forms.find((text) => text.length <= 7 && Number(text) !== 0) ?? '0.0000';
}

const formatRate = (value: number): string => {
  const text = formatDigits(value);
  return text.length <= 8 ? text : formatFigure(value);
};

export interface Moment {
  readonly epoch: number;
  readonly epochs: number;
  /** Share of the whole run that is done, from 0 to 1. */
  readonly done: number;
  readonly loss: number | undefined;
  /** Of the last epoch that was measured, as `val.accuracy 0.9800`, or of the last steps. */
  readonly metric: string | undefined;
  readonly imagesPerSecond: number;
  readonly secondsLeft: number;
}

const [leastBar, mostBar] = [6, 30];

/** `epoch 3/8 [####......]  loss 0.4116  val.accuracy 0.3250  812 images/s  2:05 left`; less of it where it must be narrower. */
export function statusLine(moment: Moment, width: number): string {
  const { epoch, epochs, done, loss, metric, imagesPerSecond, secondsLeft } = moment;
  const left = `${formatClock(secondsLeft)} left`;
  const rate = `${formatDigits(imagesPerSecond)} images/s`;
  const lossText = loss === undefined ? undefined : `loss ${formatFigure(loss)}`;
  const attempts = [[lossText, metric, rate, left], [lossText, metric, left], [lossText, left], [left], []];
  const head = `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`;
  for (const each of attempts) {
    const tail = each.flatMap((text) => (text === undefined ? [] : [`  ${text}`])).join('');
    const room = width - head.length - tail.length - 3;
    if (room >= leastBar) return `${head} ${bar(done, Math.min(room, mostBar))}${tail}`;
  }
  return head.slice(0, width);
}

function bar(done: number, cells: number): string {
  const full = Math.round(Math.min(1, Math.max(0, done)) * cells);
  return `[${'#'.repeat(full)}${'.'.repeat(cells - full)}]`;
}

/** `0:07`, `12:05`, `3:00:00`; `?` where it cannot be told. */
export function formatClock(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const tail = String(whole % 60).padStart(2, '0');
  return hours === 0 ? `${minutes}:${tail}` : `${hours}:${String(minutes).padStart(2, '0')}:${tail}`;
}
