/** Two projects: `unit` needs no GPU; `gpu` opens devices, and fails where no adapter can be had. */
import { defineConfig } from 'vitest/config';

// Chosen here, so that every worker process has the same one; see test/print-seed.ts.
process.env['CNNC_SEED'] ??= String(Math.floor(Math.random() * 2 ** 31));

/** How the paths of tests begin that open a device. */
export const gpuTests = ['test/kernels/', 'test/gpu/', 'test/runtime/node/device', 'test/cli/'];
const gpu = gpuTests.flatMap((prefix) => [`${prefix}*.test.ts`, `${prefix}**/*.test.ts`]);

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
          exclude: gpu,
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'gpu',
          include: gpu,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
