/** A copy of `runtime/` in a folder of its own, where nothing else of the project is in reach. */
import { spawnSync } from 'node:child_process';
import { cpSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../source-tree.ts';
import { temporaryFolder } from './node/temporary-folder.ts';

/** The folder of the copy, with the project's dependencies; `withNode` brings `runtime/node/`, too. */
export function copyRuntime({ withNode }: { readonly withNode: boolean }): string {
  const folder = temporaryFolder({ 'package.json': '{ "type": "module" }' });
  const nodePart = join(root, 'runtime/node');
  cpSync(join(root, 'runtime'), join(folder, 'runtime'), {
    recursive: true,
    filter: (path) => withNode || path !== nodePart,
  });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** What the TypeScript compiler says of a copy; empty where all is well. JavaScript goes to `dist/`. */
export function compileCopy(folder: string, options: Readonly<Record<string, unknown>> = {}): string {
  const settings = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { noEmit: false, rootDir: '.', outDir: 'dist', ...options },
    include: ['runtime'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
  return status === 0 ? '' : `${stdout}${stderr}` || `tsc ended with ${status}`;
}
