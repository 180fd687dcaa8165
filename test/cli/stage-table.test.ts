/** How figures of stages are set against those of the first. */
import { expect, it } from 'vitest';
import { ratioText } from '../../compiler/cli/stage-table.ts';

it.each([
  [50, 100, '2.00x smaller'],
  [150, 100, '1.50x larger'],
  [100, 100, 'the same'],
  [0, 0, 'the same'],
  [0, 100, ''],
  [undefined, 100, ''],
  [100, undefined, ''],
])('%s against %s is "%s"', (value, first, text) => {
  expect(ratioText(value, first)).toBe(text);
});
