import type { TestProject } from 'vitest/node';

/** Prints, once a run, the seed of all random tests: the same seed runs the same cases again. */
export function setup(project: TestProject): void {
  if (project !== project.vitest.projects[0]) return;
  const seed = process.env['CNNC_SEED'];
  console.log(`seed ${seed} (to run the same random cases again: CNNC_SEED=${seed} npm test)`);
}
