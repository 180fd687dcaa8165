/** What a command is given, and how one declares itself. */
import type { Command } from 'commander';
import type { ExitCode } from '../driver/failure.ts';
import type { Output } from './output.ts';

/** Flags that every command takes. */
export interface GlobalFlags {
  readonly json?: boolean;
  readonly color: 'auto' | 'always' | 'never';
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly adapter?: string;
  readonly seed: number;
}

export interface Context {
  readonly output: Output;
  /** What `--adapter` names; undefined for the best there is. */
  readonly adapter: string | undefined;
  readonly seed: number;
  /** What a person types to call this program, as `npx cnnc`, and the words behind it. */
  readonly program: string;
  readonly argv: readonly string[];
}

/** Runs a command's work with the flags as parsed; its result is the exit code. */
export type Act = (work: (context: Context) => Promise<ExitCode> | ExitCode) => Promise<void>;

/** Declares arguments and flags on a command that has its name and summary. */
export type Configure = (command: Command, act: Act) => void;
