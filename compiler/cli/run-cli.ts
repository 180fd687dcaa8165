/** Parses the command line, loads the one command that it names, and turns every failure into its exit code. */
import { Command, CommanderError, Option } from 'commander';
import { version } from '../version.ts';
import type { Act, GlobalFlags } from './command.ts';
import { asCalled } from './command-line.ts';
import { commands } from './command-table.ts';
import { CommandError, describeFailure, exitCodes, SourceError, usageError, type ExitCode } from '../driver/failure.ts';
import { integerFlag } from './flags.ts';
import { createOutput, type Output, type Sink } from './output.ts';

export interface Streams {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What a person types to call this program; `npx cnnc` unless told. */
  readonly program?: string;
}

/** Runs one command line and gives its exit code. Never throws. */
export async function runCli(argv: readonly string[], streams: Streams): Promise<ExitCode> {
  let output: Output | undefined;
  let result: ExitCode = exitCodes.ok;
  const program = createProgram(streams);
  const outputFor = (flags: Partial<GlobalFlags>): Output =>
    createOutput({
      ...streams,
      json: flags.json ?? false,
      quiet: flags.quiet ?? false,
      verbose: flags.verbose ?? false,
      color: flags.color ?? 'auto',
    });
  try {
    const configured = await configureCommand(program, argv, streams, async (work) => {
      const flags = program.opts<GlobalFlags>();
      output = outputFor(flags);
      const { program: called = 'npx cnnc' } = streams;
      result = await work({ output, adapter: flags.adapter, seed: flags.seed, program: called, argv });
    });
    await configured.parseAsync([...argv], { from: 'user' });
    return result;
  } catch (error) {
    const known = withHelp(fromCommander(error), argv);
    if (known === undefined) return exitCodes.ok;
    output ??= outputFor({ json: argv.includes('--json'), verbose: argv.includes('-v') });
    output.progress('');
    if (known instanceof SourceError) {
      output.diagnostics(known.diagnostics);
      return known.exit;
    }
    const failure = describeFailure(known);
    output.failure(failure);
    return failure.exit;
  }
}

/** Commander's own faults as usage errors; undefined where it has shown help or the version. */
function fromCommander(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error;
  if (error.exitCode === 0) return undefined;
  if (error.code === 'commander.help') return usageError('no command was given', 'cnnc check FILE is a good start');
  const [line = '', ...more] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = /^\(Did you mean (.*)\?\)$/.exec(more.join(' '))?.[1];
  return usageError(line, suggestion === undefined ? undefined : `did you mean \`${suggestion}\`?`);
}

/** A usage error without better advice leads to the help of its command. */
function withHelp(error: unknown, argv: readonly string[]): unknown {
  if (!(error instanceof CommandError) || error.code !== 'E0001' || error.help !== undefined) return error;
  const named = commands.find(({ name }) => argv.includes(name));
  return usageError(error.message, `see cnnc ${named ? `${named.name} ` : ''}--help`);
}

function createProgram({ stdout, stderr, program: called = 'npx cnnc' }: Streams): Command {
  const program = new Command(called)
    .description('Compiles convolutional networks: one .cnn file becomes WebGPU kernels that run anywhere.')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => stdout.write(asCalled(called, text)),
      writeErr: (text) => stderr.write(text),
      // Faults are printed once, at the end, in the form of every other one.
      outputError: () => undefined,
    })
    .showSuggestionAfterError();
  program
    .option('--json', 'newline-delimited JSON on stdout')
    .addOption(new Option('--color <when>', 'colours').choices(['auto', 'always', 'never']).default('auto'))
    .option('-q, --quiet', 'errors only')
    .option('-v, --verbose', 'more messages, and the stack of an internal error')
    .option('--adapter <name>', 'software, swiftshader, or a part of an adapter or driver name')
    .option('--seed <n>', 'seed of everything random', integerFlag('--seed', 0), 0);
  return program;
}

/** Declares every command by name and summary, and loads the one that the command line names. */
async function configureCommand(
  program: Command,
  argv: readonly string[],
  streams: Streams,
  act: Act,
): Promise<Command> {
  const [named] = createProgram(streams).parseOptions([...argv]).operands;
  for (const entry of commands) {
    const isHidden = entry.summary === '';
    const command = program.command(entry.name, { hidden: isHidden }).description(entry.summary);
    if (entry.name === named) (await entry.load())(command, act);
  }
  return program;
}
