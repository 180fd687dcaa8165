/**
 * Three projects: `unit` needs no GPU; `gpu` compares what devices compute, and `commands` runs the command line. Both
 * open devices, and fail where no adapter can be had.
 *
 * Two modes: the quick one leaves out `*.full.test.ts`; the full one (`--mode full`) has those, and repeats of the other
 * files only those that then try more, as test/amount.ts tells them. `vitest bench` runs `*.bench.ts`, which print times.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

// Chosen here, so that every worker process has the same one; see test/print-seed.ts.
process.env['CNNC_SEED'] ??= String(Math.floor(Math.random() * 2 ** 31));

/** How the paths of tests begin that open a device. */
export const gpuTests = ['test/kernels/', 'test/gpu/', 'test/runtime/node/device', 'test/cli/'];

/** Every test file; of the full mode those alone that it has more of. */
function testFiles(isFull: boolean): string[] {
  return readdirSync(join(import.meta.dirname, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts'))
    .map((path) => `test/${path.replaceAll('\\', '/')}`)
    .filter((path) => {
      const isOnlyFull = path.endsWith('.full.test.ts');
      return isFull
        ? isOnlyFull || readFileSync(join(import.meta.dirname, path), 'utf8').includes("/amount.ts'")
        : !isOnlyFull;
    });
}

function projectOf(path: string): 'unit' | 'gpu' | 'commands' {
  if (path.startsWith('test/cli/')) return 'commands';
  return gpuTests.some((prefix) => path.startsWith(prefix)) ? 'gpu' : 'unit';
}

export default defineConfig(({ mode }): ViteUserConfig => {
  const isFull = mode === 'full';
  if (isFull) process.env['CNNC_FULL'] ??= '1';
  const files = testFiles(isFull);
  const project = (name: ReturnType<typeof projectOf>, groupOrder: number) => ({
    extends: true as const,
    test: {
      name,
      include: files.filter((path) => projectOf(path) === name),
      sequence: { groupOrder },
      // Test files of one process share what they import, and the device.
      isolate: false,
      setupFiles: ['test/set-seed.ts', ...(name === 'commands' ? ['test/cli/share-device.ts'] : [])],
    },
  });
  // No test is about time. These end what hangs, and leave a machine with ten times too much to do its time.
  const limit = isFull ? 3_600_000 : 1_200_000;
  return {
    test: {
      // Most of a test on a software adapter is the compilation of its shader, which takes one core: two files at a
      // time use two. Processes, because a worker thread has only a copy of the environment, by which the driver is
      // chosen.
      pool: 'forks',
      maxWorkers: 2,
      testTimeout: limit,
      hookTimeout: limit,
      teardownTimeout: limit,
      globalSetup: ['test/print-seed.ts'],
      projects:
        mode === 'benchmark'
          ? [{ extends: true, test: { name: 'bench', benchmark: { include: ['test/**/*.bench.ts'] } } }]
          : [project('unit', 0), project('gpu', 1), project('commands', 1)],
    },
  };
});
