/** The program as its users have it: compiled, in a folder from which it finds its packages and the library. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { root } from '../source-tree.ts';

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
