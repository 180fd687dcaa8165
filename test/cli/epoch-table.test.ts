/** The lines of a training: what they say, and that they fit their terminal. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  epochColumns,
  epochHeading,
  epochRow,
  formatClock,
  statusLine,
  type Moment,
} from '../../compiler/cli/commands/train/epoch-table.ts';
import type { TrainingRecord } from '../../runtime/train/training-state.ts';

const record = (values: Readonly<Record<string, number>>, changed: Partial<TrainingRecord> = {}): TrainingRecord => ({
  epoch: 3,
  step: 300,
  values,
  lr: 0.0122,
  gradNorm: 1,
  imagesPerSecond: 215,
  seconds: 10,
  ...changed,
});

const classes = { 'train.loss': 0.4116, 'train.accuracy': 0.855, 'val.loss': 0.3077, 'val.accuracy': 0.87 };

describe('a row an epoch', () => {
  it('stands under the names of its figures', () => {
    const columns = epochColumns(record(classes), 12, 80);
    expect(epochHeading(columns).split('\n')).toEqual([
      '         train                val',
      'epoch     loss  accuracy     loss  accuracy        lr  images/s',
    ]);
    expect(epochRow(columns, record(classes), true)).toBe(
      ' 3/12   0.4116    0.8550   0.3077    0.8700    0.0122       215  best',
    );
    const large = { ...classes, 'train.loss': 12345.678, 'val.loss': NaN };
    expect(epochRow(columns, record(large, { lr: 8e-8, imagesPerSecond: 82.34 }), false)).toBe(
      ' 3/12    12346    0.8550      NaN    0.8700   8.00e-8      82.3',
    );
  });

  it('leaves out the rate, then what is of the training, where that is too wide', () => {
    const masks = {
      'train.loss': 0.4,
      'train.accuracy': 0.8,
      'val.loss': 0.3,
      'val.mean_iou': 0.5,
      'val.pixel_accuracy': 0.9,
      'val.dice': 0.6,
    };
    const heading = (values: Readonly<Record<string, number>>, width: number): string | undefined =>
      epochHeading(epochColumns(record(values), 12, width)).split('\n')[1];
    expect(heading(masks, 80)).toBe('epoch     loss  accuracy     loss  mean_iou  pixel_accuracy     dice');
    expect(heading(classes, 60)).toBe('epoch     loss  accuracy     loss  accuracy  images/s');
    expect(heading(classes, 40)).toBe('epoch     loss     loss  accuracy');
  });

  it('fits a terminal of 40 columns or more, whatever is measured', () => {
    const names = ['train.label_loss', 'train.accuracy', 'val.loss', 'val.top5_accuracy', 'val.mean_iou', 'val.dice'];
    const value = fc.oneof(fc.double({ noNaN: false }), fc.double({ min: 0, max: 1 }));
    fc.assert(
      fc.property(
        fc.subarray(names),
        value,
        fc.integer({ min: 1, max: 99_999 }),
        fc.integer({ min: 40, max: 120 }),
        (chosen, figure, epochs, width) => {
          const values = Object.fromEntries(['train.loss', ...chosen].map((name) => [name, figure]));
          const of = record(values, { epoch: epochs, lr: figure, imagesPerSecond: Math.abs(figure) });
          const columns = epochColumns(of, epochs, width);
          const lines = [...epochHeading(columns).split('\n'), epochRow(columns, of, true)];
          expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});

describe('the status line', () => {
  const moment: Moment = {
    epoch: 3,
    epochs: 12,
    done: 0.25,
    loss: 0.4116,
    metric: 'val.accuracy 0.3250',
    imagesPerSecond: 812.4,
    secondsLeft: 125,
  };

  it('has a bar, loss, metric, rate and the time that is left', () => {
    expect(statusLine(moment, 79)).toBe(
      'epoch  3/12 [##....]  loss 0.4116  val.accuracy 0.3250  812 images/s  2:05 left',
    );
    expect(statusLine({ ...moment, loss: undefined, metric: undefined }, 79)).toBe(
      'epoch  3/12 [########......................]  812 images/s  2:05 left',
    );
  });

  it('says less where there is less room', () => {
    expect(statusLine(moment, 70)).toBe('epoch  3/12 [###........]  loss 0.4116  val.accuracy 0.3250  2:05 left');
    expect(statusLine(moment, 45)).toBe('epoch  3/12 [##.....]  loss 0.4116  2:05 left');
    expect(statusLine(moment, 12)).toBe('epoch  3/12');
  });

  it('is never wider than its room', () => {
    const number = fc.double({ noNaN: false });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.option(number, { nil: undefined }),
        fc.option(fc.string({ maxLength: 40 }), { nil: undefined }),
        number,
        number,
        fc.integer({ min: 1, max: 120 }),
        (epochs, loss, metric, done, rate, width) => {
          const text = statusLine(
            { epoch: 1, epochs, done, loss, metric, imagesPerSecond: rate, secondsLeft: rate },
            width,
          );
          expect(text.length).toBeLessThanOrEqual(width);
        },
      ),
    );
  });

  it('gives times as clocks do', () => {
    expect([6.6, 59.6, 725, 10_800, NaN, Infinity].map(formatClock)).toEqual([
      '0:07',
      '1:00',
      '12:05',
      '3:00:00',
      '?',
      '?',
    ]);
  });
});
