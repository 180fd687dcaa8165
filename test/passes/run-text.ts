/** Runs the `.ir` tests of a pass: before, `---`, after. CNNC_BLESS=1 rewrites the part after the line. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseGraph } from '../../compiler/ir/parse.ts';
import { printGraph } from '../../compiler/ir/print.ts';
import { verifyGraph } from '../../compiler/ir/verify.ts';
import { ops } from '../../compiler/ops/index.ts';
import type { Pass } from '../../compiler/passes/pass.ts';
import { checkPass } from '../../compiler/passes/verify-pass.ts';

const separator = '\n---\n';

/** The comment lines that open a file say what it shows. */
function split(text: string): { readonly head: string; readonly before: string; readonly after: string } {
  const [before = '', after = ''] = text.split(separator);
  const head = /^(?:\/\/[^\n]*\n)*/.exec(before)?.[0] ?? '';
  return { head, before, after };
}

/** `tolerance` is for passes that round. */
export function runTextTests(folder: string, pass: Pass, tolerance = 1e-5): void {
  const path = join(import.meta.dirname, folder);
  for (const name of readdirSync(path).filter((file) => file.endsWith('.ir'))) {
    it(`${folder}/${name}`, () => {
      const file = join(path, name);
      const { head, before, after } = split(readFileSync(file, 'utf8'));
      const source = parseGraph(before, ops);
      expect(verifyGraph(source, ops)).toEqual([]);
      const result = pass.run(source);
      const printed = printGraph(result, { elideLarge: true });
      expect(verifyGraph(result, ops)).toEqual([]);
      expect(checkPass(source, result, { pass: pass.name, seed: 1, tolerance })).toBeUndefined();
      if (name.startsWith('leaves-')) expect(result).toBe(source);
      if (process.env['CNNC_BLESS'])
        writeFileSync(file, `${head}${printGraph(source)}${separator.trimStart()}${printed}`);
      else expect(printed).toBe(after);
    });
  }
}
