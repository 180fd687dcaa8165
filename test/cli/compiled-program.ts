/** The program as its users have it: compiled, in a folder from which it finds its packages and the library. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { root } from '../source-tree.ts';
import type { Ran } from './cnnc.ts';

/** Compiles before the tests of a file and removes the result after them; gives the folder. */
export function compiledProgram(): string {
  // Inside the package, so that compiled code finds packages and the library as an installed one does.
  const folder = join(root, 'node_modules', '.cache', `cnnc-test-${process.pid}`);
  beforeAll(() => {
    mkdirSync(folder, { recursive: true });
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', folder], { cwd: root });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const mainOf = (folder: string): string => join(folder, 'compiler', 'cli', 'main.js');

/** What a process wrote to stderr, without what Dawn itself says of drivers that it refuses. */
export const withoutDriverWarnings = (err: string): string =>
  err.replaceAll(/^Warning: .*\n(?:[ ]+(?:-|at) .*\n)*\n?/gm, '');

/** Runs the compiled program in a process of its own; in the repository where no folder is given. */
export function runProgram(
  folder: string,
  argv: readonly string[],
  { cwd = root, node = [] }: { readonly cwd?: string; readonly node?: readonly string[] } = {},
): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...node, mainOf(folder), ...argv], {
    cwd,
    encoding: 'utf8',
    timeout: 600_000,
  });
  return { code: status ?? -1, out: stdout, err: stderr };
}
