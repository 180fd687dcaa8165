/** A training run as one HTML page that needs nothing else: curves, confusion matrix, figures, settings. */
import type { Confusion } from '../loop/metrics.ts';
import type { Recipe } from '../recipe.ts';
import type { Ended } from '../loop/training-run.ts';
import type { TrainingRecord } from '../training-state.ts';
import { confusionTable } from './confusion-table.ts';
import { escapeHtml } from './html.ts';
import { lineChart, type Chart, type Series } from './line-chart.ts';
import { mistakesSection, type ShownMistake } from './mistakes-section.ts';
import { reportStyle } from './report-style.ts';
import { settingsTable } from './settings-table.ts';
import { shortNumber } from './ticks.ts';

export interface ReportData {
  /** Name of the model. */
  readonly model: string;
  readonly recipe: Recipe;
  readonly stepsPerEpoch: number;
  /** Of the run: parameters, device, data. */
  readonly about: readonly (readonly [name: string, text: string])[];
  /** As the source writes them, `--set` included, by the keys of the language. */
  readonly settings: readonly (readonly [key: string, text: string])[];
  /** Records of intervals of steps, and of epochs. */
  readonly steps: readonly TrainingRecord[];
  readonly epochs: readonly TrainingRecord[];
  /** Counted from one, as in the records. */
  readonly bestEpoch: number | undefined;
  readonly restoredEpoch: number | undefined;
  /** `failed`: numbers that were not finite, or a fault of the device or the disk. */
  readonly ended: Ended | 'running' | 'failed';
  readonly rollbacks: readonly { readonly step: number; readonly lrScale: number }[];
  /** The epoch that matrix and mistakes are of: the best, else the last. */
  readonly shownEpoch: number | undefined;
  /** Of the validation split. */
  readonly confusion: Confusion | undefined;
  readonly mistakes: readonly ShownMistake[];
  readonly classNames: readonly string[];
}

const states: Readonly<Record<ReportData['ended'], string>> = {
  running: 'under way',
  finished: 'finished',
  'early-stop': 'stopped early',
  interrupted: 'interrupted',
  failed: 'failed',
};

/** The page. It asks for no other file and runs no script; its policy forbids both. */
export function trainingReport(data: ReportData): string {
  const { model, recipe, confusion } = data;
  const title = escapeHtml(`${recipe.name}: ${model}`);
  const mistakes = mistakesSection(data.mistakes, data.classNames);
  const shown = `epoch ${data.shownEpoch ?? 0}${data.shownEpoch === data.bestEpoch ? ', the best' : ''}`;
  const matrix = confusion ? confusionTable(confusion, data.classNames) : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${title}</title>
<style>${reportStyle}</style>
</head>
<body>
<h1>${title}</h1>
${summary(data)}
<h2>About</h2>
${settingsTable(data.about)}
<h2>Curves</h2>
<div class="charts">
${chartsOf(data).map(lineChart).join('\n')}
</div>
${matrix === '' ? '' : `<h2>Confusion matrix of the validation split, ${shown}</h2>\n${matrix}`}
${mistakes === '' ? '' : `<h2>Surest mistakes of the validation split, ${shown}</h2>\n<div class="mistakes">\n${mistakes}\n</div>`}
<h2>Epochs</h2>
${epochTable(data)}
<h2>Settings</h2>
${settingsTable(data.settings)}
</body>
</html>
`;
}

function summary({ recipe, epochs, ended, bestEpoch, restoredEpoch, rollbacks }: ReportData): string {
  const last = epochs.at(-1);
  const best = epochs.find(({ epoch }) => epoch === bestEpoch);
  const { monitor } = recipe.checkpoint.best;
  const parts = [
    `${states[ended]} after ${last?.epoch ?? 0} of ${recipe.epochs} epochs`,
    ...(recipe.limitBatches === undefined ? [] : [`a trial of at most ${recipe.limitBatches} batches an epoch`]),
    ...(last ? [`${last.step} steps in ${shortNumber(last.seconds)} s`] : []),
    ...(best ? [`best ${monitor} ${shortNumber(best.values[monitor] ?? NaN)} in epoch ${best.epoch}`] : []),
    ...(restoredEpoch === undefined ? [] : [`weights of epoch ${restoredEpoch} restored`]),
  ];
  const back = rollbacks.map(
    ({ step, lrScale }) =>
      `<p>Numbers were not finite: back to step ${step}, learning rate times ${shortNumber(lrScale)}.</p>`,
  );
  return `<p class="soft">${escapeHtml(parts.join('; '))}</p>\n${back.join('\n')}`;
}

function chartsOf(data: ReportData): readonly Chart[] {
  const names = [...new Set(data.epochs.flatMap(({ values }) => Object.keys(values)))];
  const metrics = [...new Set(names.map((name) => name.replace(/^(train|val)\./, '')))];
  const common = { xLabel: 'epoch', markers: markersOf(data) };
  const rest = metrics.filter((metric) => metric !== 'loss').map((metric) => metricChart(data, metric));
  return [
    { ...common, ...metricChart(data, 'loss'), mayBeLogarithmic: true },
    ...rest.map((chart) => ({ ...common, ...chart })),
    { ...common, title: 'learning rate', series: [stepSeries(data, 'learning rate', ({ lr }) => lr)] },
    ...(cyclesMomentum(data) ? [{ ...common, title: 'momentum', series: [momentumSeries(data)] }] : []),
    {
      ...common,
      title: 'gradient norm',
      mayBeLogarithmic: true,
      series: [stepSeries(data, 'gradient norm', ({ gradNorm }) => gradNorm)],
    },
  ];
}

/** Both splits of a metric by epochs, with the intervals of steps pale behind them. */
function metricChart(data: ReportData, metric: string): Pick<Chart, 'title' | 'series' | 'upTo'> {
  const ofEpochs = (name: string): Series => ({
    label: name.startsWith('train.') ? 'training' : 'validation',
    points: data.epochs.map(({ epoch, values }) => [epoch, values[name] ?? NaN]),
  });
  const steps = stepSeries(data, 'training steps', ({ values }) => values[`train.${metric}`] ?? NaN);
  return {
    title: metric.replaceAll('_', ' '),
    // The others are shares.
    ...(metric === 'loss' ? {} : { upTo: 1 }),
    series: [ofEpochs(`train.${metric}`), ofEpochs(`val.${metric}`), { ...steps, faint: true }],
  };
}

const cyclesMomentum = ({ steps }: ReportData): boolean => new Set(steps.map(({ momentum }) => momentum)).size > 1;

const momentumSeries = (data: ReportData): Series => stepSeries(data, 'momentum', ({ momentum }) => momentum ?? NaN);

function stepSeries({ steps, stepsPerEpoch }: ReportData, label: string, of: (each: TrainingRecord) => number): Series {
  return { label, points: steps.map((record) => [record.step / stepsPerEpoch, of(record)]) };
}

function markersOf({ bestEpoch, restoredEpoch, ended, epochs }: ReportData): NonNullable<Chart['markers']> {
  const last = epochs.at(-1)?.epoch;
  return [
    ...(bestEpoch === undefined
      ? []
      : [{ x: bestEpoch, label: bestEpoch === restoredEpoch ? 'best, restored' : 'best' }]),
    ...(restoredEpoch === undefined || restoredEpoch === bestEpoch ? [] : [{ x: restoredEpoch, label: 'restored' }]),
    ...(ended === 'early-stop' && last !== undefined ? [{ x: last, label: 'stopped early' }] : []),
  ];
}

function epochTable({ epochs, bestEpoch }: ReportData): string {
  const names = [...new Set(epochs.flatMap(({ values }) => Object.keys(values)))];
  const heads = ['epoch', ...names, 'lr', 'gradient norm', 'images/s', 'seconds'];
  const rows = epochs.map((record) => {
    const { epoch, values, lr, gradNorm, imagesPerSecond, seconds } = record;
    const figures = [epoch, ...names.map((name) => values[name] ?? NaN), lr, gradNorm, imagesPerSecond, seconds];
    const cells = figures.map((value) => `<td>${shortNumber(value)}</td>`).join('');
    return `<tr${epoch === bestEpoch ? ' class="best"' : ''}>${cells}</tr>`;
  });
  const head = heads.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('');
  return `<div class="wide"><table class="figures"><thead><tr>${head}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`;
}
