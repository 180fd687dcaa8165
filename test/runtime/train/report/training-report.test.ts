/** The report: one page without scripts and requests, with everything that the run tells. */
import { describe, expect, it } from 'vitest';
import { confusionTable } from '../../../../runtime/train/report/confusion-table.ts';
import { settingsTable } from '../../../../runtime/train/report/settings-table.ts';
import { trainingReport, type ReportData } from '../../../../runtime/train/report/training-report.ts';
import type { TrainingRecord } from '../../../../runtime/train/training-state.ts';
import { tinyRecipe } from '../tiny-training.ts';

const record = (epoch: number, step: number, values: Readonly<Record<string, number>>): TrainingRecord => ({
  epoch,
  step,
  values,
  lr: 0.1 / epoch,
  momentum: 0.9,
  gradNorm: 1 / step,
  imagesPerSecond: 100,
  seconds: step,
});

const data: ReportData = {
  model: 'Net <b>',
  recipe: tinyRecipe(),
  stepsPerEpoch: 10,
  about: [['device', 'A & B']],
  settings: [['schedule', 'cosine(t_max=3)']],
  steps: [5, 10, 15, 20, 25, 30].map((step) =>
    record(Math.ceil(step / 10), step, { 'train.loss': 3 / step, 'train.accuracy': step / 30 }),
  ),
  epochs: [1, 2, 3].map((epoch) =>
    record(epoch, epoch * 10, {
      'train.loss': 1 / epoch,
      'train.accuracy': 0.5,
      'val.loss': Math.abs(epoch - 2),
      'val.accuracy': 0.4,
    }),
  ),
  bestEpoch: 2,
  restoredEpoch: 2,
  ended: 'early-stop',
  rollbacks: [{ step: 4, lrScale: 0.25 }],
  confusion: { classes: 3, counts: Float64Array.of(8, 2, 0, 1, 9, 0, 0, 0, 0) },
  classNames: ['cat & dog'],
  shownEpoch: 2,
  mistakes: [
    {
      position: 3,
      label: 0,
      predicted: 1,
      probability: 0.876,
      name: 'a "3".png',
      picture: 'data:image/png;base64,AAAA',
    },
    { position: 5, label: 1, predicted: 0, probability: 0.5, name: 'row 5', picture: undefined },
  ],
};
const page = trainingReport(data);

describe('a report', () => {
  it('has a curve for loss, metrics, learning rate and gradient norm', () => {
    const titles = [...page.matchAll(/<h3>(.*?)<\/h3>/g)].map(([, title]) => title);
    expect(titles).toEqual(['loss', 'accuracy', 'learning rate', 'gradient norm']);
    expect([...page.matchAll(/<svg/g)]).toHaveLength(4);
    expect([...page.matchAll(/>best, restored</g)]).toHaveLength(4);
    expect([...page.matchAll(/>stopped early</g)]).toHaveLength(4);
  });

  it('has one for the momentum where that moves', () => {
    const steps = data.steps.map((each) => ({ ...each, momentum: each.step / 100 }));
    expect(trainingReport({ ...data, steps })).toContain('<h3>momentum</h3>');
  });

  it('says how the run went', () => {
    expect(page).toContain(
      'stopped early after 3 of 4 epochs; 30 steps in 30 s; best val.loss 0 in epoch 2; weights of epoch 2 restored',
    );
    expect(page).toContain('back to step 4, learning rate times 0.25');
    expect(page).toContain('<tr class="best"><td>2</td>');
  });

  it('shows the settings and the names of classes', () => {
    expect(page).toContain('<th scope="row">schedule</th><td>cosine(t_max=3)</td>');
    expect(page).toContain('<th scope="row">device</th><td>A &amp; B</td>');
    expect(page).toContain('title="cat &amp; dog taken for 1: 2 of 10, 20%"');
  });

  it('runs nothing, asks for nothing, and no name breaks out', () => {
    expect(page).not.toMatch(/<script|<link|@import|url\(|https?:|src="(?!data:)|<b>/);
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`);
  });

  it('shows the matrix and the surest mistakes of the best epoch', () => {
    expect(page).toContain('<h2>Confusion matrix of the validation split, epoch 2, the best</h2>');
    expect(page).toContain('<h2>Surest mistakes of the validation split, epoch 2, the best</h2>');
    expect(page).toContain('<img src="data:image/png;base64,AAAA" alt="a &quot;3&quot;.png">');
    expect(page).toContain('<figcaption>cat &amp; dog, taken for class 1, 87.6%<br>');
    expect(page).toContain('<figcaption>class 1, taken for cat &amp; dog, 50%<br>');
  });

  it('has axes for shares that end at 1', () => {
    const charts = [...page.matchAll(/<h3>(.*?)<\/h3>.*?<svg.*?<\/svg>/gs)];
    const top = (title: string): (string | undefined)[] =>
      [...(charts.find((each) => each[1] === title)?.[0] ?? '').matchAll(/text-anchor="end">([\d.]+)<\/text>/g)]
        .map(([, tick]) => tick)
        .slice(-1);
    expect(top('accuracy')).toEqual(['1']);
  });

  it('is light and dark', () => {
    expect(page).toContain('prefers-color-scheme: dark');
  });

  it('of a run without any figures is a page all the same', () => {
    const empty = trainingReport({
      ...data,
      steps: [],
      epochs: [],
      confusion: undefined,
      bestEpoch: undefined,
      ended: 'running',
    });
    expect(empty).toContain('under way after 0 of 4 epochs');
    expect(empty).not.toContain('<svg');
  });

  it('is well formed', () => {
    const open: string[] = [];
    for (const [, closing, name = '', , empty] of page.matchAll(
      /<(\/?)([a-z][a-z0-9]*)\b((?:[^>"]|"[^"]*")*?)(\/?)>/g,
    )) {
      if (empty || ['meta', 'img', 'br'].includes(name)) continue;
      if (closing) expect(open.pop()).toBe(name);
      else open.push(name);
    }
    expect(open).toEqual([]);
  });
});

describe('a confusion matrix', () => {
  it('has recall, IoU and F1 of each class, and nothing for an absent one', () => {
    const table = confusionTable({ classes: 3, counts: Float64Array.of(8, 2, 0, 1, 9, 0, 0, 0, 0) }, []);
    const rows = [...table.matchAll(/<tr><th scope="row">\d<\/th>(.*?)<\/tr>/g)].map(([, cells = '']) =>
      [...cells.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map(([, text]) => text),
    );
    expect(rows).toEqual([
      ['8', '2', '', '0.8', '0.7273', '0.8421'],
      ['1', '9', '', '0.9', '0.75', '0.8571'],
      ['', '', '', '', '', ''],
    ]);
  });

  it('of many classes is left out', () => {
    expect(confusionTable({ classes: 33, counts: new Float64Array(33 * 33) }, [])).toBe('');
  });
});

it('settings are rows, and no text breaks out', () => {
  const table = settingsTable([
    ['a', '1'],
    ['b<', 'x<y'],
  ]);
  expect(table).toBe(
    '<table class="settings"><tbody><tr><th scope="row">a</th><td>1</td></tr>\n' +
      '<tr><th scope="row">b&lt;</th><td>x&lt;y</td></tr></tbody></table>',
  );
});
