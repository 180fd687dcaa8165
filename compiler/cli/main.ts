#!/usr/bin/env node
/** The `cnnc` program: arguments and streams of the process in, exit code out. */
import { programName } from './command-line.ts';
import { runCli } from './run-cli.ts';

// A reader that went away, as in `cnnc ops | head`, is no fault; nothing more can be said to it.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
}

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  program: programName(process.argv[1], process.env),
});
