/** Locks of folders: one holder at a time, and those of processes that are gone are taken over. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockFolder, withFolderLock } from '../../../runtime/node/folder-lock.ts';
import { temporaryFolder } from './temporary-folder.ts';

const lockOf = (parent: string): string => join(parent, '.run.lock');
const holderOf = (parent: string): Record<string, unknown> =>
  JSON.parse(readFileSync(lockOf(parent), 'utf8')) as Record<string, unknown>;

/** The number of a process that has ended. */
const gone = (): number => spawnSync(process.execPath, ['-e', '']).pid;

describe('a folder', () => {
  it('has one holder at a time, which is named, and is free afterwards', async () => {
    const parent = temporaryFolder({});
    const run = join(parent, 'run');
    await withFolderLock(run, async () => {
      await expect(lockFolder(run)).rejects.toMatchObject({
        code: 'E0723',
        message: `${run} is in use by process ${process.pid} on ${hostname()}`,
      });
    });
    expect(readdirSync(parent)).toEqual([]);
    await (await lockFolder(run)).release();
  });

  it('goes to one of many that ask at once', async () => {
    const run = join(temporaryFolder({}), 'run');
    const asked = await Promise.allSettled(Array.from({ length: 12 }, () => lockFolder(run)));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('is given free by its holder alone', async () => {
    const parent = temporaryFolder({});
    const first = await lockFolder(join(parent, 'run'));
    writeFileSync(lockOf(parent), JSON.stringify({ ...holderOf(parent), token: 'another' }));
    await first.release();
    expect(existsSync(lockOf(parent))).toBe(true);
  });
});

describe('the lock', () => {
  const heldBy = async (changed: Readonly<Record<string, unknown>>): Promise<string> => {
    const parent = temporaryFolder({});
    await lockFolder(join(parent, 'run'));
    writeFileSync(lockOf(parent), JSON.stringify({ ...holderOf(parent), ...changed }));
    return parent;
  };

  it.each<[string, () => Readonly<Record<string, unknown>>]>([
    ['of a process that has ended', () => ({ pid: gone() })],
    ['of a number that another process has now', () => ({ began: '1' })],
    ['of before the machine was started again', () => ({ boot: 'another' })],
  ])('%s is taken over', async (_, changed) => {
    const parent = await heldBy(changed());
    await (await lockFolder(join(parent, 'run'))).release();
    expect(readdirSync(parent)).toEqual([]);
  });

  it('of another machine holds, with what to do where its process is gone', async () => {
    const parent = await heldBy({ host: 'elsewhere', pid: gone() });
    await expect(lockFolder(join(parent, 'run'))).rejects.toMatchObject({
      code: 'E0723',
      message: expect.stringContaining('on elsewhere'),
      help: expect.stringContaining(`remove ${lockOf(parent)}`),
    });
  });

  it('of a dead process goes to one of many', async () => {
    const parent = await heldBy({ pid: gone() });
    const asked = await Promise.allSettled(Array.from({ length: 12 }, () => lockFolder(join(parent, 'run'))));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('that is no lock is left alone while it may be in writing', async () => {
    const parent = temporaryFolder({ '.run.lock': '' });
    await expect(lockFolder(join(parent, 'run'))).rejects.toMatchObject({ code: 'E0723' });
  });
});
