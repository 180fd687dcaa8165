/** The demo as a user runs it, and the commands that it ends with. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eventsOf, summaryOf, workshop } from './cnnc.ts';
import { compiledProgram, runProgram } from './compiled-program.ts';

const dist = compiledProgram();

it('demonstrates itself: it learns, and classifies nearly every fresh image as the reference interpreter does', () => {
  const shop = workshop();
  const run = (argv: readonly string[]) => runProgram(dist, argv, { cwd: shop.folder });
  const ran = run(['demo', '--json']);
  expect(ran.code).toBe(0);
  expect(eventsOf(ran).filter(({ kind }) => kind === 'epoch')).toHaveLength(5);
  const summary = summaryOf(ran);
  expect(summary).toMatchObject({ samples: 400, seed: 0 });
  expect(summary['accuracy']).toBeGreaterThan(0.95);
  expect(summary['difference']).toBeLessThan(1e-5);
  expect(readFileSync(shop.at('build/demo/report.html'), 'utf8')).toContain('<h1>base: Shapes</h1>');
  // The commands that it ends with.
  const measured = run(['eval', 'build/demo/net', '--data', 'cifar-binary:build/demo/test.bin', '--json']);
  expect(summaryOf(measured)).toMatchObject({ top1: summary['accuracy'], samples: 400 });
  const [picture = ''] = readdirSync(shop.at('build/demo/pictures')).filter((name) => name.startsWith('ring-'));
  const top = run(['run', 'build/demo/net', join('build/demo/pictures', picture), '--top', '1']);
  expect(top).toMatchObject({ code: 0, out: expect.stringContaining('ring') });
});
