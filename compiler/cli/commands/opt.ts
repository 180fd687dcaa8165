/** `cnnc opt`: passes on IR text, for seeing and testing what one does. */
import { OpError } from '../../ir/op.ts';
import { IrSyntaxError, parseGraph } from '../../ir/parse.ts';
import { printGraph } from '../../ir/print.ts';
import { verifyGraph } from '../../ir/verify.ts';
import { diagnostic } from '../../../grammar/diagnostics.ts';
import { lineStarts, type SourceFile } from '../../../grammar/source.ts';
import { didYouMean } from '../../../grammar/suggest.ts';
import { readBytes } from '../../../runtime/node/file-access.ts';
import type { Graph } from '../../ir/node.ts';
import { ops } from '../../ops/index.ts';
import type { Pass } from '../../passes/pass.ts';
import { inferencePipeline, runPipeline } from '../../passes/pipelines.ts';
import type { Configure, Context } from '../command.ts';
import { exitCodes, SourceError, usageError, type ExitCode } from '../../driver/failure.ts';

interface OptFlags {
  readonly pass: string;
  readonly origins?: boolean;
}

const passes: ReadonlyMap<string, Pass> = new Map(inferencePipeline.map((pass) => [pass.name, pass]));

export const configureOpt: Configure = (command, act) => {
  command
    .argument('<file.ir>', 'IR text, as `cnnc build --emit ir` prints it')
    .requiredOption('--pass <names>', `passes to run in turn, separated by commas: ${[...passes.keys()].join(', ')}`)
    .option('--origins', 'also print source places, parameter scopes and passes')
    .action((file: string, flags: OptFlags) => act((context) => opt(context, file, flags)));
};

async function opt({ output }: Context, path: string, flags: OptFlags): Promise<ExitCode> {
  const chosen = flags.pass.split(',').map((name) => passNamed(name.trim()));
  const text = new TextDecoder().decode(await readBytes(path));
  const graph = readGraph({ path, text });
  output.raw(printGraph(runPipeline(graph, chosen), { origins: flags.origins ?? false }));
  return exitCodes.ok;
}

function passNamed(name: string): Pass {
  const pass = passes.get(name);
  if (pass) return pass;
  const names = [...passes.keys()];
  throw usageError(`there is no pass '${name}'`, didYouMean(name, names) ?? `there are ${names.join(', ')}`);
}

function readGraph(file: SourceFile): Graph {
  let graph: Graph;
  try {
    graph = parseGraph(file.text, ops);
  } catch (error) {
    if (error instanceof IrSyntaxError)
      throw malformed(file, error.line, error.column, error.message.replace(/^\d+:\d+: /, ''));
    if (error instanceof OpError) throw malformed(file, 1, 1, error.message, error.help);
    throw error;
  }
  const [fault] = verifyGraph(graph, ops);
  if (fault !== undefined) throw malformed(file, 1, 1, `the graph does not verify: ${fault}`);
  return graph;
}

function malformed(file: SourceFile, line: number, column: number, message: string, help?: string): SourceError {
  const start = Math.min(file.text.length, (lineStarts(file)[line - 1] ?? 0) + column - 1);
  const span = { file, start, end: Math.min(file.text.length, start + 1) };
  return new SourceError([diagnostic('E0120', span, message, help === undefined ? {} : { help })]);
}
