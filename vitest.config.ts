/**
 * Three projects: `unit` needs no GPU; `gpu` compares what devices compute, and `commands` runs the command line. Both
 * open devices, and fail where no adapter can be had.
 */
import { defineConfig } from 'vitest/config';

// Chosen here, so that every worker process has the same one; see test/print-seed.ts.
process.env['CNNC_SEED'] ??= String(Math.floor(Math.random() * 2 ** 31));

/** How the paths of tests begin that open a device. */
export const gpuTests = ['test/kernels/', 'test/gpu/', 'test/runtime/node/device', 'test/cli/'];
const under = (prefix: string): string[] => [`${prefix}*.test.ts`, `${prefix}**/*.test.ts`];
const commands = under('test/cli/');
const opening = gpuTests.flatMap(under);

const openingDevices = (name: string, include: string[]) => ({
  extends: true as const,
  test: { name, include, testTimeout: 300_000, hookTimeout: 300_000, sequence: { groupOrder: 1 } },
});

export default defineConfig({
  test: {
    // Most of a test on a software adapter is the compilation of its shader, which takes one core: two files at a time
    // use two. Processes, because a worker thread has only a copy of the environment, by which the driver is chosen,
    // and because a fault inside Dawn or a driver then ends one test file alone.
    pool: 'forks',
    maxWorkers: 2,
    globalSetup: ['test/print-seed.ts'],
    setupFiles: ['test/set-seed.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: opening,
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      openingDevices(
        'gpu',
        opening.filter((path) => !commands.includes(path)),
      ),
      openingDevices('commands', commands),
    ],
  },
});
