/** The flags of commands that read weights. */
import type { Command } from 'commander';

export const weightsFlags = (command: Command, meaning: string): Command =>
  command
    .option('--weights <file>', meaning)
    .option('--ignore-extra', 'passes over tensors of the weights file that the model has not')
    .option('--allow-non-finite', 'says nothing of weights that are NaN or infinite');
