/** Where the examples lie that come with the package. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A path below `examples/`. Sources lie two folders below the package, compiled code three. */
export function exampleFile(name: string): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); ; at = dirname(at)) {
    const path = join(at, 'examples', name);
    if (existsSync(path) || at === dirname(at)) return path;
  }
}
