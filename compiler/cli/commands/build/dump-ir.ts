/** `--dump-ir`: the IR after each pass that changed it, for reading. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RuntimeFault } from '../../../../runtime/errors.ts';
import { systemErrorReason } from '../../../../runtime/node/file-access.ts';
import { printGraph } from '../../../ir/print.ts';
import type { PassRecord } from '../../../driver/compile-model.ts';
import type { Output } from '../../output.ts';

/** Prints to stdout, or writes `03-legalize.ir` and its like into a folder. Throws E0723. */
export async function dumpPasses(output: Output, passes: readonly PassRecord[], target: string | true): Promise<void> {
  for (const [index, { pass, before, after }] of passes.entries()) {
    if (before === after) continue;
    const text = `// after ${pass}\n${printGraph(after, { origins: true, elideLarge: true })}`;
    if (target === true) output.raw(text);
    else await writeDump(target, `${String(index + 1).padStart(2, '0')}-${pass}.ir`, text);
  }
}

async function writeDump(folder: string, file: string, text: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, file), text);
  } catch (error) {
    throw new RuntimeFault('E0723', 'environment', `cannot write ${join(folder, file)}: ${systemErrorReason(error)}`);
  }
}
