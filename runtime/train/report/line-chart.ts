/** A line chart as SVG text; colours come from the style sheet of the page. */
import { escapeHtml } from './html.ts';
import { linearTicks, logTicks, shortNumber } from './ticks.ts';

export type Point = readonly [x: number, y: number];

export interface Series {
  readonly label: string;
  /** By rising x. Points that are not finite, or not positive on a logarithmic axis, leave a gap. */
  readonly points: readonly Point[];
  /** Drawn thin and pale, for noisy figures behind others. */
  readonly faint?: boolean;
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly series: readonly Series[];
  /** A logarithmic axis for values, where they are far apart. */
  readonly mayBeLogarithmic?: boolean;
  /** The axis for values ends here, whatever they are. */
  readonly upTo?: number;
  /** Vertical lines with a label each. */
  readonly markers?: readonly { readonly x: number; readonly label: string }[];
}

const [width, height] = [640, 250];
const plot = { left: 58, right: 628, top: 14, bottom: 214 };
/** More points than pixels show nothing more. */
const mostPoints = 570;
/** Dots with a tooltip up to this many points; a bare line beyond. */
const mostDots = 120;

interface Axis {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
  readonly logarithmic: boolean;
}

/** A figure with its legend; empty where no series has a point. */
export function lineChart(chart: Chart): string {
  const drawn = chart.series
    .map((series) => ({ ...series, points: series.points.filter(([x, y]) => Number.isFinite(x + y)) }))
    .filter(({ points }) => points.length > 0);
  if (drawn.length === 0) return '';
  const all = drawn.flatMap(({ points }) => points);
  const marks = (chart.markers ?? []).map(({ x }) => x);
  const across = linearAxis([...all.map(([x]) => x), ...marks], plot.left, plot.right, false);
  const up = valueAxis(
    [...all.map(([, y]) => y), ...(chart.upTo === undefined ? [] : [chart.upTo])],
    chart.mayBeLogarithmic === true,
  );
  const legend = drawn.map(({ label }, at) => `<li><i class="s${at}"></i>${escapeHtml(label)}</li>`).join('');
  return [
    `<figure><figcaption><h3>${escapeHtml(chart.title)}</h3><ul class="legend">${legend}</ul></figcaption>`,
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(chart.title)}">`,
    axes(across, up, chart.xLabel),
    ...(chart.markers ?? []).map(({ x, label }) => marker(across.place(x), label)),
    ...drawn.map((series, at) => line(series, at, across, up)),
    '</svg></figure>',
  ].join('\n');
}

function valueAxis(values: readonly number[], mayBeLogarithmic: boolean): Axis {
  const [low, high] = extent(values);
  if (!mayBeLogarithmic || low <= 0 || high / low < 50) return linearAxis(values, plot.bottom, plot.top, true);
  const [from, to] = [Math.log10(low), Math.log10(high)];
  const place = (value: number): number =>
    plot.bottom + ((Math.log10(value) - from) / (to - from)) * (plot.top - plot.bottom);
  return { place, ticks: logTicks(low, high), logarithmic: true };
}

/** `padded`: some room around the values, as far as the next round numbers. */
function linearAxis(values: readonly number[], begin: number, end: number, padded: boolean): Axis {
  let [low, high] = extent(values);
  if (low === high) [low, high] = low === 0 ? [0, 1] : [low - Math.abs(low) / 2, high + Math.abs(high) / 2];
  const steps = linearTicks(low, high);
  const step = (steps[1] ?? high) - (steps[0] ?? low);
  // Where a value is a round number already, the quotient may miss the whole number by a rounding.
  if (padded && step > 0) [low, high] = [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step];
  const place = (value: number): number => begin + ((value - low) / (high - low)) * (end - begin);
  return { place, ticks: linearTicks(low, high), logarithmic: false };
}

/** Not `Math.min(...values)`, whose arguments go on the stack. */
function extent(values: readonly number[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return [low, high];
}

const fixed = (value: number): string => String(Number(value.toFixed(1)));

function axes(across: Axis, up: Axis, xLabel: string): string {
  const rows = up.ticks.map((tick) => {
    const y = fixed(up.place(tick));
    const text = `<text x="${plot.left - 6}" y="${y}" dy="0.32em" text-anchor="end">${shortNumber(tick)}</text>`;
    return `<line class="grid" x1="${plot.left}" x2="${plot.right}" y1="${y}" y2="${y}"/>${text}`;
  });
  const columns = across.ticks.map(
    (tick) =>
      `<text x="${fixed(across.place(tick))}" y="${plot.bottom + 16}" text-anchor="middle">${shortNumber(tick)}</text>`,
  );
  const name = up.logarithmic ? `${xLabel} (values on a logarithmic axis)` : xLabel;
  const middle = (plot.left + plot.right) / 2;
  return [
    ...rows,
    ...columns,
    `<text x="${middle}" y="${height - 4}" text-anchor="middle">${escapeHtml(name)}</text>`,
  ].join('');
}

function marker(x: number, label: string): string {
  const [anchor, shift] = x > (plot.left + plot.right) / 2 ? ['end', -4] : ['start', 4];
  return (
    `<line class="marker" x1="${fixed(x)}" x2="${fixed(x)}" y1="${plot.top}" y2="${plot.bottom}"/>` +
    `<text x="${fixed(x + shift)}" y="${plot.top + 8}" text-anchor="${anchor}">${escapeHtml(label)}</text>`
  );
}

function line({ label, points, faint }: Series, at: number, across: Axis, up: Axis): string {
  const shown = thin(points).filter(([, y]) => !up.logarithmic || y > 0);
  const places = shown.map(([x, y]) => `${fixed(across.place(x))},${fixed(up.place(y))}`);
  const path = `<polyline class="s${at}${faint ? ' faint' : ''}" points="${places.join(' ')}"/>`;
  if (faint || points.length > mostDots) return path;
  const dots = shown.map(([x, y], index) => {
    const [cx, cy] = (places[index] ?? '').split(',');
    const tip = `${escapeHtml(label)} at ${shortNumber(x)}: ${shortNumber(y)}`;
    return `<circle class="s${at}" cx="${cx}" cy="${cy}" r="2.5"><title>${tip}</title></circle>`;
  });
  return path + dots.join('');
}

/** The least and the greatest point of each of as many groups as there are pixels, so that no peak is lost. */
export function thin(points: readonly Point[], most = mostPoints): readonly Point[] {
  if (points.length <= most) return points;
  const size = Math.ceil((points.length * 2) / most);
  const kept: Point[] = [];
  for (let begin = 0; begin < points.length; begin += size) {
    const group = points.slice(begin, begin + size);
    const byValue = group.toSorted((a, b) => a[1] - b[1]);
    const ends = [byValue[0], byValue.at(-1)].filter((each) => each !== undefined);
    kept.push(...new Set(ends.sort((a, b) => a[0] - b[0])));
  }
  return kept;
}
