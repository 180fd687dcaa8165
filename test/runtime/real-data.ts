/** Where real data lies for tests; they skip, and say why, where it is absent. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = process.env['CNNC_DATA'] ?? join(import.meta.dirname, '../../../shared/data');

/** Absolute path of a file or folder of the real data; undefined, with a printed reason, where it is absent. */
export function realData(path: string): string | undefined {
  const full = join(root, path);
  if (existsSync(full)) return full;
  console.warn(`skipped: ${full} is absent (set CNNC_DATA to the folder with real data)`);
  return undefined;
}
