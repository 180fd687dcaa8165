/** A confusion matrix as an HTML table: a row a label, a column a prediction, darker where more of the row lies. */
import { diceOfClasses, iouOfClasses, type Confusion } from '../loop/metrics.ts';
import { escapeHtml } from './html.ts';
import { shortNumber } from './ticks.ts';

/** Beyond this many classes nobody reads a table of pairs. */
export const mostClasses = 32;

/** Empty where there are too many classes. `names` may be fewer than the classes; numbers stand for the rest. */
export function confusionTable(confusion: Confusion, names: readonly string[]): string {
  const { classes } = confusion;
  if (classes > mostClasses) return '';
  const all = Array.from({ length: classes }, (_, at) => at);
  const nameOf = (at: number): string => escapeHtml(names[at] ?? String(at));
  const [ious, dices] = [iouOfClasses(confusion), diceOfClasses(confusion)];
  const head = all.map((at) => `<th scope="col"><span>${nameOf(at)}</span></th>`).join('');
  const rows = all.map((label) => {
    const counts = all.map((found) => confusion.counts[label * classes + found] ?? 0);
    const total = counts.reduce((a, b) => a + b, 0);
    const cells = counts.map((count, found) => cell(count, total, `${nameOf(label)} taken for ${nameOf(found)}`));
    const figures = [(counts[label] ?? 0) / total, ious[label] ?? NaN, dices[label] ?? NaN];
    const last = figures.map((value) => `<td class="figure">${Number.isNaN(value) ? '' : shortNumber(value)}</td>`);
    return `<tr><th scope="row">${nameOf(label)}</th>${cells.join('')}${last.join('')}</tr>`;
  });
  return [
    '<div class="wide"><table class="confusion">',
    `<thead><tr><th>label \\ predicted</th>${head}<th>recall</th><th>IoU</th><th>F1</th></tr></thead>`,
    `<tbody>${rows.join('\n')}</tbody></table></div>`,
  ].join('\n');
}

function cell(count: number, total: number, title: string): string {
  if (count === 0) return '<td></td>';
  const share = count / total;
  const tip = `${title}: ${count} of ${total}, ${shortNumber(share * 100)}%`;
  return `<td style="--share:${Math.round(share * 80)}%" title="${tip}">${count}</td>`;
}
