/** What `cnnc eval` prints of classes: a table of each, which is taken for which, and the worst pictures. */
import { nameList } from '../../../../runtime/class-names.ts';
import { countsOfClasses, iouOfClasses, type Confusion } from '../../../../runtime/train/loop/metrics.ts';
import type { Output } from '../../output.ts';
import { formatDigits, formatInteger, formatTable } from '../../../driver/text.ts';

/** Tables of more classes are cut to the worst ones. */
const mostListed = 20;
/** Of a table that is cut. */
const worstListed = 10;
/** Wider matrices do not fit a terminal; their largest entries are listed instead. */
const mostColumns = 20;
/** Larger matrices are given to programs by their entries that are not zero. */
const mostRows = 100;

export const percent = (fraction: number): string => `${(fraction * 100).toFixed(2)}%`;
const short = (fraction: number): string => (Number.isNaN(fraction) ? '-' : `${(fraction * 100).toFixed(1)}%`);

/** The figures of one class; shares are NaN where nothing was labelled, or predicted, as it. */
export interface ClassFigures {
  readonly name: string;
  readonly count: number;
  readonly precision: number;
  readonly recall: number;
  readonly iou: number;
}

export function figuresOfClasses(confusion: Confusion, nameOf: (index: number) => string): readonly ClassFigures[] {
  const ious = iouOfClasses(confusion);
  return countsOfClasses(confusion).map(({ both, labelled, predicted }, index) => ({
    name: nameOf(index),
    count: labelled,
    precision: both / predicted,
    recall: both / labelled,
    iou: ious[index] ?? NaN,
  }));
}

/**
 * Every class, or those of least `by` where there are many; `ignore` is left out. For masks `count` is of pixels.
 */
export function printClasses(
  output: Output,
  all: readonly ClassFigures[],
  { by, ignore }: { readonly by: 'recall' | 'iou'; readonly ignore: number | undefined },
): void {
  const counted = all.filter((_, index) => index !== ignore);
  for (const { name, count, precision, recall, iou } of counted) {
    const shares = { precision: finite(precision), recall: finite(recall), iou: finite(iou) };
    output.event({ type: 'metric', kind: 'class', name, count, ...shares });
  }
  const known = counted.filter((each) => !Number.isNaN(each[by]));
  const isCut = counted.length > mostListed;
  const listed = isCut ? known.toSorted((a, b) => a[by] - b[by]).slice(0, worstListed) : counted;
  const rows = listed.map(({ name, count, precision, recall, iou }) => [
    name,
    formatInteger(count),
    short(precision),
    short(recall),
    ...(by === 'iou' ? [formatDigits(iou)] : []),
  ]);
  const head = ['class', by === 'iou' ? 'pixels' : 'samples', 'precision', 'recall', ...(by === 'iou' ? ['IoU'] : [])];
  if (isCut) output.data(`\nthe ${listed.length} worst of ${counted.length} classes, by ${by === 'iou' ? 'IoU' : by}`);
  else output.data('');
  output.data(formatTable([head, ...rows], [1, 2, 3, 4]));
  const empty = counted.filter(({ count }) => count === 0).map(({ name }) => name);
  if (isCut && empty.length > 0) output.data(`without a sample: ${nameList(empty)}`);
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

interface Pair {
  readonly label: number;
  readonly found: number;
  readonly count: number;
}

function pairsOf({ classes, counts }: Confusion): readonly Pair[] {
  const pairs: Pair[] = [];
  counts.forEach((count, at) => {
    if (count > 0) pairs.push({ label: Math.floor(at / classes), found: at % classes, count });
  });
  return pairs;
}

/** A row a label and a column a prediction; of many classes the most frequent mistakes. */
export function printConfusion(output: Output, confusion: Confusion, nameOf: (index: number) => string): void {
  const { classes, counts } = confusion;
  const all = Array.from({ length: classes }, (_, index) => index);
  const rows = all.map((label) => Array.from(counts.subarray(label * classes, (label + 1) * classes)));
  const pairs = pairsOf(confusion);
  output.event({
    type: 'metric',
    kind: 'confusion',
    names: all.map(nameOf),
    ...(classes <= mostRows ? { rows } : { pairs: pairs.map(({ label, found, count }) => [label, found, count]) }),
  });
  if (classes <= mostColumns) {
    const head = ['is \\ taken for', ...all.map(nameOf)];
    const body = rows.map((row, label) => [nameOf(label), ...row.map((count) => (count === 0 ? '.' : String(count)))]);
    const right = all.map((index) => index + 1);
    output.data(`\n${formatTable([head, ...body], right)}`);
    return;
  }
  const mistakes = pairs.filter(({ label, found }) => label !== found).toSorted((a, b) => b.count - a.count);
  if (mistakes.length === 0) return output.data('\nno class is taken for another');
  const listed = mistakes.slice(0, mostListed);
  const lines = listed.map(({ label, found, count }) => [nameOf(label), nameOf(found), formatInteger(count)]);
  output.data(`\nthe ${listed.length} most frequent mistakes of ${mistakes.length} kinds`);
  output.data(formatTable([['is', 'taken for', 'times'], ...lines], [2]));
}

/** A picture that was got wrong; of masks, the share of pixels that is wrong. */
export interface Mistake {
  readonly file: string;
  /** Of single classes. */
  readonly classes?: { readonly label: string; readonly found: string } | undefined;
  /** How sure the model was of the wrong class, or how much of the picture is wrong. */
  readonly share: number;
}

/** Keeps the `most` mistakes of the largest share; of equal ones those that came first. */
export function mistakeList(most: number) {
  const kept: Mistake[] = [];
  return {
    add(mistake: Mistake): void {
      const at = kept.findIndex(({ share }) => mistake.share > share);
      kept.splice(at < 0 ? kept.length : at, 0, mistake);
      if (kept.length > most) kept.pop();
    },
    print(output: Output): void {
      if (most === 0) return;
      for (const { file, classes, share } of kept)
        output.event({ type: 'metric', kind: 'mistake', file, ...classes, [classes ? 'probability' : 'wrong']: share });
      if (kept.length === 0) return output.data('\nnothing was got wrong');
      const isClass = kept[0]?.classes !== undefined;
      const rows = kept.map(({ file, classes, share }) => [
        percent(share),
        ...(classes ? [classes.label, classes.found] : []),
        file,
      ]);
      const head = isClass ? ['probability', 'is', 'taken for', 'sample'] : ['wrong pixels', 'sample'];
      output.data(`\n${formatTable([head, ...rows], [0])}`);
    },
  };
}
