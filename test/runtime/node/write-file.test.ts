import { execFileSync } from 'node:child_process';
import { lstatSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeFileAtomically } from '../../../runtime/node/write-file.ts';
import { temporaryFolder } from './temporary-folder.ts';

describe.skipIf(process.platform === 'win32')('writeFileAtomically', () => {
  it('writes what a link leads to, and leaves the link', async () => {
    const folder = temporaryFolder({ 'far/a.npy': 'before' });
    symlinkSync('far/a.npy', join(folder, 'link'));
    await writeFileAtomically(join(folder, 'link'), 'after');
    expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(folder, 'far/a.npy'), 'utf8')).toBe('after');
    expect(readdirSync(join(folder, 'far'))).toEqual(['a.npy']);
  });

  it('gives a pipe the contents, and puts no file in its place', async () => {
    const pipe = join(temporaryFolder({}), 'pipe');
    execFileSync('mkfifo', [pipe]);
    const [read] = await Promise.all([readFile(pipe, 'utf8'), writeFileAtomically(pipe, 'contents')]);
    expect(read).toBe('contents');
    expect(lstatSync(pipe).isFIFO()).toBe(true);
  });
});
