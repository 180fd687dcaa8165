import { describe, expect, it } from 'vitest';
import type { Graph } from '../../compiler/ir/node.ts';
import { mutants } from './mutants.ts';
import { checkOnRandomGraphs } from './property.ts';

/** A fixed seed, so that how soon a defect is found does not change from run to run. */
const seed = 20_240_601;

describe('planted defects', () => {
  it.each(mutants)('$name is caught', (mutant) => {
    const failure = checkOnRandomGraphs(mutant, { graphs: 1000, seed, quick: true });
    expect(failure).toBeDefined();
    // The check must see a wrong value or a graph that does not verify, not an accident of the mutant itself.
    expect(failure?.report).not.toMatch(/TypeError|RangeError/);
  });

  it('has no false alarm: doing nothing passes', () => {
    expect(
      checkOnRandomGraphs({ name: 'nothing', run: (graph: Graph) => graph }, { graphs: 50, seed }),
    ).toBeUndefined();
  });
});
