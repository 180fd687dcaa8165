/** The runtime builds without the compiler, and the part outside of `runtime/node/` with a browser's globals alone. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compileCopy, copyRuntime } from './runtime-copy.ts';

/** No types of Node. */
const browser = { types: ['@webgpu/types'], lib: ['ES2023', 'DOM'] };

describe('a copy of runtime/ alone', () => {
  it('builds', () => {
    expect(compileCopy(copyRuntime({ withNode: true }))).toBe('');
  });

  it('builds without types of Node where runtime/node/ is left out', () => {
    expect(compileCopy(copyRuntime({ withNode: false }), browser)).toBe('');
  });

  it.each([
    ['what only Node has', 'export const bytes = Buffer.alloc(1);'],
    ['a module of Node', `export { readFileSync } from 'node:fs';`],
    ['the compiler', `export { parse } from '../grammar/parse.ts';`],
    ['runtime/node/', `export { openDevice } from './node/device.ts';`],
  ])('does not build where a file uses %s', (_, text) => {
    const folder = copyRuntime({ withNode: false });
    writeFileSync(join(folder, 'runtime/intruder.ts'), text);
    expect(compileCopy(folder, browser)).toContain('intruder.ts');
  });
});
