/**
 * Reads the runs of README.md, prints their table, and draws their curves.
 *
 *   node examples/schedules/summarize.mjs RUNS CURVES.svg
 *
 * RUNS holds NAME-SEED (all epochs) and NAME-SEED-early (with early stopping) of every schedule.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const names = ['constant', 'step', 'cosine', 'cyclic', 'one_cycle'];
const seeds = [1, 2, 3];
const colours = ['#666666', '#c05a00', '#0a6ebd', '#2e8b3d', '#a0319a'];
/** Fixed before the runs, by those that the rates were chosen with. */
const targets = [0.45, 0.4];

const [folder = 'runs/schedules', chart = 'curves.svg'] = process.argv.slice(2);

const records = (run, type) =>
  readFileSync(`${folder}/${run}/metrics.jsonl`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter((record) => record.type === type);

const lossOf = ({ values }) => values['val.loss'];
const accuracyOf = ({ values }) => values['val.accuracy'];
const lowest = (epochs) => epochs.reduce((best, each) => (lossOf(each) < lossOf(best) ? each : best));

const mean = (values) => values.reduce((sum, each) => sum + each, 0) / values.length;
const deviation = (values) =>
  Math.sqrt(values.reduce((sum, each) => sum + (each - mean(values)) ** 2, 0) / (values.length - 1));
const spread = (values, digits) => `${mean(values).toFixed(digits)} ± ${deviation(values).toFixed(digits)}`;
const percent = (values) =>
  spread(
    values.map((each) => 100 * each),
    2,
  );

/** The first epoch that is at least as good, for each seed; a dash where none is. */
function epochsToTarget(runs, target) {
  const reached = runs.map((epochs) => epochs.find((each) => lossOf(each) <= target)?.epoch);
  const known = reached.filter((epoch) => epoch !== undefined);
  const average = known.length === reached.length ? mean(known).toFixed(1) : '–';
  return `${average} (${reached.map((epoch) => epoch ?? '–').join(', ')})`;
}

function row(name) {
  const full = seeds.map((seed) => records(`${name}-${seed}`, 'epoch'));
  const early = seeds.map((seed) => records(`${name}-${seed}-early`, 'epoch'));
  return [
    `\`${name}\``,
    ...targets.map((target) => epochsToTarget(full, target)),
    spread(
      full.map((epochs) => lossOf(lowest(epochs))),
      4,
    ),
    percent(full.map((epochs) => accuracyOf(epochs.at(-1)))),
    early.map((epochs) => epochs.length).join(', '),
    mean(early.map((epochs, at) => full[at].length - epochs.length)).toFixed(1),
    percent(early.map((epochs) => accuracyOf(lowest(epochs)))),
  ];
}

/** A run that stops early is the beginning of the run that does not: the same figures, bit for bit. */
function checkPrefix(name, seed) {
  const [full, early] = [records(`${name}-${seed}`, 'epoch'), records(`${name}-${seed}-early`, 'epoch')];
  const text = (epochs) => JSON.stringify(epochs.map(({ values, lr }) => ({ values, lr })));
  return text(full.slice(0, early.length)) === text(early);
}

const [width, height] = [760, 300];
const area = { left: 56, right: 640, top: 30, bottom: 258 };

/** One panel: `lines` are `{ points, band }` of each schedule, in its order. */
function panel(title, lines, { low, high, ticks }, offset) {
  const most = Math.max(...lines.flatMap(({ points }) => points.map(([x]) => x)));
  const x = (epoch) => (area.left + (epoch / most) * (area.right - area.left)).toFixed(1);
  const y = (value) => (area.bottom - ((value - low) / (high - low)) * (area.bottom - area.top)).toFixed(1);
  const path = (points) => points.map(([epoch, value]) => `${x(epoch)},${y(value)}`).join(' ');
  const grid = ticks.map(
    (tick) =>
      `<line x1="${area.left}" x2="${area.right}" y1="${y(tick)}" y2="${y(tick)}" stroke="#ddd"/>` +
      `<text x="${area.left - 6}" y="${y(tick)}" dy="0.32em" text-anchor="end">${tick}</text>`,
  );
  const epochs = Array.from({ length: Math.floor(most / 5) + 1 }, (_, at) => 5 * at).map(
    (epoch) => `<text x="${x(epoch)}" y="${area.bottom + 16}" text-anchor="middle">${epoch}</text>`,
  );
  const drawn = lines.map(({ points, band }, at) => {
    const colour = colours[at];
    const shade = band === undefined ? '' : `<polygon points="${path(band)}" fill="${colour}" fill-opacity="0.12"/>`;
    return `${shade}<polyline points="${path(points)}" fill="none" stroke="${colour}" stroke-width="1.6"/>`;
  });
  const legend = names.map(
    (name, at) =>
      `<line x1="654" x2="674" y1="${44 + 20 * at}" y2="${44 + 20 * at}" stroke="${colours[at]}" stroke-width="3"/>` +
      `<text x="680" y="${44 + 20 * at}" dy="0.32em">${name}</text>`,
  );
  return [
    `<g transform="translate(0 ${offset})">`,
    `<text x="${area.left}" y="18" font-weight="bold">${title}</text>`,
    ...grid,
    ...epochs,
    `<text x="${(area.left + area.right) / 2}" y="${height - 8}" text-anchor="middle">epoch</text>`,
    `<g clip-path="url(#area)">${drawn.join('')}</g>`,
    ...legend,
    '</g>',
  ].join('\n');
}

function lossLine(name) {
  const runs = seeds.map((seed) => records(`${name}-${seed}`, 'epoch'));
  const at = (epoch) => runs.map((epochs) => lossOf(epochs[epoch]));
  const epochs = runs[0].map((_, epoch) => epoch);
  return {
    points: epochs.map((epoch) => [epoch + 1, mean(at(epoch))]),
    band: [
      ...epochs.map((epoch) => [epoch + 1, Math.max(...at(epoch))]),
      ...epochs.toReversed().map((epoch) => [epoch + 1, Math.min(...at(epoch))]),
    ],
  };
}

function rateLine(name) {
  const steps = records(`${name}-${seeds[0]}`, 'step');
  const perEpoch = steps.at(-1).step / steps.at(-1).epoch;
  return { points: steps.map(({ step, lr }) => [step / perEpoch, lr]) };
}

const heading = [
  'schedule',
  ...targets.map((target) => `epochs to val.loss ${target} (seeds)`),
  'lowest val.loss',
  'val.accuracy at the end, %',
  'epochs with early stopping',
  'epochs saved',
  'val.accuracy restored, %',
];
const table = [heading, heading.map(() => '---'), ...names.map(row)];
process.stdout.write(`${table.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`);

const different = names.flatMap((name) => seeds.filter((seed) => !checkPrefix(name, seed)).map((seed) => [name, seed]));
process.stdout.write(`runs that early stopping changed before it ended them: ${different.join(' ') || 'none'}\n`);

const rates = names.map(rateLine);
const fastest = Math.max(...rates.flatMap(({ points }) => points.map(([, lr]) => lr)));
const lossAxis = { low: 0.3, high: 0.7, ticks: [0.3, 0.4, 0.5, 0.6, 0.7] };
const rateTicks = Array.from({ length: 6 }, (_, at) => Number(((fastest * at) / 5).toPrecision(2)));
const svg = [
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${2 * height}" font-family="sans-serif" font-size="12">`,
  `<rect width="${width}" height="${2 * height}" fill="#fff"/>`,
  `<clipPath id="area"><rect x="${area.left}" y="${area.top}" width="${area.right - area.left}" height="${area.bottom - area.top}"/></clipPath>`,
  panel('val.loss: mean and range of three seeds', names.map(lossLine), lossAxis, 0),
  panel('learning rate', rates, { low: 0, high: fastest * 1.05, ticks: rateTicks }, height),
  '</svg>',
];
writeFileSync(chart, `${svg.join('\n')}\n`);
