/** The flags of commands that look at stages. */
import type { Command } from 'commander';
import { assignmentFlag, integerFlag, listFlag } from './flags.ts';

export interface StageFlags {
  readonly set?: readonly string[];
  readonly limitBatches?: number;
  readonly data?: string;
  readonly P?: Readonly<Record<string, string>>;
  readonly runs: string;
}

/** Whoever trained with such flags gives them again, for they belong to what a stage is. */
export const stageFlags = (command: Command): Command =>
  command
    .option('--runs <dir>', 'folder of the stages, as in cnnc train -o', 'runs')
    .option('--data <format:path>', 'data in place of the files that the dataset names')
    .option('--set <key=value>', 'a setting, as in cnnc train; can be repeated', listFlag)
    .option('--limit-batches <n>', 'as in cnnc train', integerFlag('--limit-batches', 1));

export const withArguments = (command: Command): Command =>
  command.option('-P <name=value>', 'value of a model parameter; can be repeated', assignmentFlag);
