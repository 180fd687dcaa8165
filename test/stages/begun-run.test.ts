/** Where a training of a stage was begun. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { begunRun } from '../../compiler/stages/checks/begun-run.ts';
import { temporaryFolder } from '../runtime/node/temporary-folder.ts';

it('is found in the folder of the stage, and in those of its inner trainings', async () => {
  const folder = temporaryFolder();
  const begin = (name: string): void => {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, 'last.ckpt'), '');
  };
  expect(await begunRun(join(folder, 'none'))).toBeUndefined();
  begin('other');
  expect(await begunRun(folder)).toBeUndefined();
  begin('finetune');
  expect(await begunRun(folder)).toBe(join(folder, 'finetune'));
  begin('.');
  expect(await begunRun(folder)).toBe(folder);
});
