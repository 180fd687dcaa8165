import { expect, it } from 'vitest';
import {
  figuresOfClasses,
  mistakeList,
  printClasses,
  printConfusion,
} from '../../compiler/cli/commands/eval/figures.ts';
import { createOutput, type Output } from '../../compiler/cli/output.ts';
import type { Confusion } from '../../runtime/train/loop/metrics.ts';

/** What is printed by `work`, line by line, blanks as one. */
function printed(json: boolean, work: (output: Output) => void): string[] {
  let text = '';
  const stream = { write: (part: string) => (text += part) };
  work(createOutput({ stdout: stream, stderr: stream, json, quiet: false, verbose: false, color: 'never', env: {} }));
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().replaceAll(/ +/g, ' '));
}

/** `counts` by label and prediction, sparse. */
function confusionOf(classes: number, pairs: readonly (readonly [number, number, number])[]): Confusion {
  const counts = new Float64Array(classes ** 2);
  for (const [label, found, count] of pairs) counts[label * classes + found] = count;
  return { classes, counts };
}
const nameOf = (index: number): string => `c${index}`;

it('precision and recall of a class without a sample or a prediction are not there', () => {
  // Worked by hand: c0 is labelled 4 times and found 3 of them; c1 is only predicted; c2 is neither.
  const figures = figuresOfClasses(
    confusionOf(3, [
      [0, 0, 3],
      [0, 1, 1],
    ]),
    nameOf,
  );
  expect(figures).toEqual([
    { name: 'c0', count: 4, precision: 1, recall: 3 / 4, iou: 3 / 4 },
    { name: 'c1', count: 0, precision: 0, recall: NaN, iou: 0 },
    { name: 'c2', count: 0, precision: NaN, recall: NaN, iou: NaN },
  ]);
  const lines = printed(false, (output) => printClasses(output, figures, { by: 'recall', ignore: undefined }));
  expect(lines).toEqual(['', 'class samples precision recall', 'c0 4 100.0% 75.0%', 'c1 0 0.0% -', 'c2 0 - -']);
  const masks = printed(false, (output) => printClasses(output, figures, { by: 'iou', ignore: 1 }));
  expect(masks).toEqual(['', 'class pixels precision recall IoU', 'c0 4 100.0% 75.0% 0.750', 'c2 0 - - NaN']);
});

it('many classes are cut to the worst ones', () => {
  // Class i has 40 samples, of which i are taken for the class behind it; the last has none.
  const classes = 30;
  const pairs = Array.from({ length: classes - 1 }, (_, at) => [
    [at, at, 40 - at],
    [at, at + 1, at],
  ]).flat() as [number, number, number][];
  const confusion = confusionOf(classes, pairs);
  const lines = printed(false, (output) =>
    printClasses(output, figuresOfClasses(confusion, nameOf), { by: 'recall', ignore: undefined }),
  );
  expect(lines.slice(0, 3)).toEqual(['', 'the 10 worst of 30 classes, by recall', 'class samples precision recall']);
  expect(lines[3]).toMatch(/^c28 40 \d+\.\d% 30\.0%$/);
  expect([lines.length, lines.at(-1)]).toEqual([14, 'without a sample: c29']);
  const matrix = printed(false, (output) => printConfusion(output, confusion, nameOf));
  expect(matrix.slice(0, 4)).toEqual([
    '',
    'the 20 most frequent mistakes of 28 kinds',
    'is taken for times',
    'c28 c29 28',
  ]);
  expect(matrix).toHaveLength(23);
});

it('a matrix of very many classes is given to programs by its entries', () => {
  const last = (classes: number) =>
    JSON.parse(
      printed(true, (output) =>
        printConfusion(
          output,
          confusionOf(classes, [
            [1, 2, 5],
            [3, 3, 7],
          ]),
          nameOf,
        ),
      ).at(-1) ?? '',
    ) as { rows?: number[][]; pairs?: number[][] };
  expect(last(101)).toMatchObject({
    pairs: [
      [1, 2, 5],
      [3, 3, 7],
    ],
  });
  expect(last(100).rows?.[1]?.[2]).toBe(5);
});

it('mistakes are those of the largest share, in order; the first of equal ones stay', () => {
  const list = mistakeList(3);
  const shares = [0.5, 0.9, 0.7, 0.9, 0.8];
  shares.forEach((share, at) => list.add({ file: `${at}.png`, classes: { label: 'a', found: 'b' }, share }));
  expect(printed(false, (output) => list.print(output))).toEqual([
    '',
    'probability is taken for sample',
    '90.00% a b 1.png',
    '90.00% a b 3.png',
    '80.00% a b 4.png',
  ]);
  expect(printed(false, (output) => mistakeList(3).print(output))).toEqual(['', 'nothing was got wrong']);
  expect(printed(false, (output) => mistakeList(0).print(output))).toEqual(['']);
});
