/** Whole networks in the reference interpreter against PyTorch, on drawn weights and images, in float64. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { built } from '../analyze/memory-host.ts';
import { drawnImage, drawnWeights } from './drawn.ts';
import { smallNetworks } from './small-networks.ts';

interface Forward {
  readonly image: readonly number[];
  readonly shape: readonly number[];
  readonly step: number;
  readonly values: readonly number[];
}

describe.each(smallNetworks)('$golden', ({ golden, source }) => {
  it('computes what PyTorch computes', () => {
    const text = readFileSync(new URL(`../golden/stdlib/${golden}.json`, import.meta.url), 'utf8');
    const { forward } = JSON.parse(text) as { readonly forward: Forward };
    const { graph, parameters } = built(source);
    const image = drawnImage([1, ...forward.image]);
    const [result] = Object.values(
      evaluateGraph(graph, { image }, { parameters: Object.fromEntries(drawnWeights(parameters)) }),
    );
    expect(result?.shape).toEqual(forward.shape);
    const magnitude = Math.max(...forward.values.map(Math.abs));
    expect(magnitude).toBeGreaterThan(1e-3);
    forward.values.forEach((value, index) => {
      const difference = Math.abs((result?.data[index * forward.step] ?? Number.NaN) - value);
      expect(difference / magnitude, `value ${index}`).toBeLessThan(1e-10);
    });
  });
});
