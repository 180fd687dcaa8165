/** From whatever a command throws to the code, the message and the exit code that the user sees. */
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import { formatLocation } from '../../grammar/source.ts';
import { RuntimeFault, runtimeCodes, type FaultKind } from '../../runtime/errors.ts';

/** What the shell is told; a signal that no command handles gives 128 and its number as well. */
export const exitCodes = {
  ok: 0,
  source: 1,
  usage: 2,
  environment: 3,
  assertion: 4,
  runtime: 5,
  difference: 6,
  internal: 70,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Codes of the command line itself, beside those of the grammar and of the runtime. */
export const commandCodes = {
  E0001: { title: 'wrong usage', exit: exitCodes.usage },
  E0802: { title: 'an asserted figure is missed', exit: exitCodes.assertion },
  E0907: { title: 'results differ', exit: exitCodes.difference },
  E0908: { title: 'an optional package is missing', exit: exitCodes.environment },
  W0720: { title: 'weights that are not finite', exit: exitCodes.ok },
  E0998: { title: 'a pass changed what the model computes', exit: exitCodes.internal },
} as const;

export type CommandCode = keyof typeof commandCodes;

/** A failure that the command line itself finds. */
export class CommandError extends Error {
  readonly code: CommandCode;
  readonly help: string | undefined;

  constructor(code: CommandCode, message: string, help?: string) {
    super(message);
    this.name = 'CommandError';
    this.code = code;
    this.help = help;
  }
}

const lineOf = ({ code, message, span, help }: Diagnostic): string =>
  `${formatLocation(span)}: ${code}: ${message}${help === undefined ? '' : ` (${help})`}`;

/** Diagnostics of a source: shown in full, they end the command, with exit code 1 unless another is given. */
export class SourceError extends Error {
  readonly diagnostics: readonly Diagnostic[];
  readonly exit: ExitCode;

  constructor(diagnostics: readonly Diagnostic[], exit: ExitCode = exitCodes.source) {
    super(
      diagnostics
        .filter(({ severity }) => severity === 'error')
        .map(lineOf)
        .join('\n'),
    );
    this.name = 'SourceError';
    this.diagnostics = diagnostics;
    this.exit = exit;
  }
}

export const usageError = (message: string, help?: string): CommandError => new CommandError('E0001', message, help);

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly help: string | undefined;
  readonly exit: ExitCode;
  /** For `-v` alone, and only where the fault is the compiler's own. */
  readonly stack?: string | undefined;
}

const exitOfKind: Readonly<Record<FaultKind, ExitCode>> = {
  usage: exitCodes.usage,
  source: exitCodes.source,
  input: exitCodes.environment,
  environment: exitCodes.environment,
  runtime: exitCodes.runtime,
};

export function describeFailure(error: unknown): Failure {
  if (error instanceof CommandError) {
    const { code, message, help } = error;
    return { code, message, help, exit: commandCodes[code].exit };
  }
  if (error instanceof RuntimeFault) {
    const { code, message, help, kind } = error;
    return { code, message, help, exit: code === 'E0999' ? exitCodes.internal : exitOfKind[kind] };
  }
  if (error instanceof RangeError && /allocation|array length|string length/i.test(error.message)) {
    const message = `out of memory: ${error.message}`;
    return { code: 'E0904', message, help: 'use a smaller batch or a smaller model', exit: exitCodes.runtime };
  }
  const text = error instanceof Error ? error.message : String(error);
  const message = `${runtimeCodes.E0999}: ${text.split('\n', 1)[0] ?? ''}`;
  const help = 'this is a fault of cnnc: please report it with the output of the same command with -v';
  return {
    code: 'E0999',
    message,
    help,
    exit: exitCodes.internal,
    stack: error instanceof Error ? error.stack : undefined,
  };
}
