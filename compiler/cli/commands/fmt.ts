/** `cnnc fmt`: the one style of `.cnn` files. */
import { randomUUID } from 'node:crypto';
import { realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { format } from '../../../grammar/format.ts';
import { parse } from '../../../grammar/parse.ts';
import { RuntimeFault } from '../../../runtime/errors.ts';
import { readText } from '../../../runtime/node/file-access.ts';
import type { Configure, Context } from '../command.ts';
import { exitCodes, SourceError, usageError, type ExitCode } from '../../driver/failure.ts';
import { requireFile } from '../../driver/require-file.ts';
import { count, oneLine } from '../../driver/text.ts';

interface FormatFlags {
  readonly check?: boolean;
}

export const configureFormat: Configure = (command, act) => {
  command
    .argument('<files...>', '.cnn files; - reads standard input and writes the result to standard output')
    .option('--check', 'write nothing; list the files that are not in the style')
    .addHelpText('after', '\nExit codes: 0 done, 1 syntax errors (such a file stays as it is), 6 --check lists files.')
    .action((files: readonly string[], flags: FormatFlags) => act((context) => formatFiles(context, files, flags)));
};

async function formatFiles({ output }: Context, files: readonly string[], flags: FormatFlags): Promise<ExitCode> {
  const check = flags.check ?? false;
  if (files.includes('-')) {
    if (files.length > 1) throw usageError('`-` stands alone', 'format files in a command of their own');
    const source = await text(process.stdin);
    const result = formatted('standard input', source);
    if (!check) output.raw(result);
    return check && result !== source ? exitCodes.difference : exitCodes.ok;
  }
  for (const file of files) await requireFile(file);
  let hasErrors = false;
  const changed: string[] = [];
  for (const file of files) {
    try {
      const source = await readText(file);
      const result = formatted(file, source);
      if (result === source) continue;
      changed.push(file);
      if (!check) await replace(file, result);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      output.diagnostics(error.diagnostics);
      hasErrors = true;
    }
  }
  for (const file of changed) output.data(oneLine(file));
  output.event({ type: 'summary', changed, files: files.length });
  const verb = check ? 'would change' : 'changed';
  output.note(`${count(changed.length, 'file')} of ${files.length} ${verb}`);
  if (hasErrors) return exitCodes.source;
  return check && changed.length > 0 ? exitCodes.difference : exitCodes.ok;
}

/** Throws SourceError for syntax errors. */
function formatted(path: string, source: string): string {
  const file = { path, text: source };
  const result = format(file);
  if (result === undefined) throw new SourceError(parse(file).diagnostics);
  return result;
}

/** Writes beside the file and renames, so that nobody ever sees half of it; links and permissions stay. */
async function replace(path: string, content: string): Promise<void> {
  const target = await realpath(path);
  const temporary = `${target}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, content, { mode: (await stat(target)).mode });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    const reason = error instanceof Error ? error.message : String(error);
    throw new RuntimeFault('E0723', 'environment', `cannot write ${path}: ${reason}`);
  }
}
