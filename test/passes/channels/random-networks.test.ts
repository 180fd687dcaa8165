/** Pruning on random networks and random choices, within 1e-9 in float64. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { topologicalOrder } from '../../../compiler/ir/node.ts';
import { analyzeChannels } from '../../../compiler/passes/channels/index.ts';
import { buildGraph, recipes } from '../random-graph.ts';
import { checkPruning, drawRemoved, withParameters, type Network } from './pruned-case.ts';
import { networkOf, plannedNetworks } from './random-network.ts';

const shares = [0.2, 0.5, 0.9];

const checked = (network: Network, seed: number) =>
  checkPruning(network, (analysis) => drawRemoved(analysis, seed, shares[seed % 3] ?? 0.5));

describe('random networks', () => {
  it('of layers that couple channels', () => {
    fc.assert(
      fc.property(plannedNetworks, fc.nat(999), (plan, seed) => {
        expect(checked(withParameters(networkOf(plan)), seed).fault).toBeUndefined();
      }),
      { numRuns: 1500 },
    );
  });

  it('of all layers that passes are tested on', () => {
    fc.assert(
      fc.property(recipes, fc.nat(999), (recipe, seed) => {
        expect(checked(withParameters(buildGraph({ ...recipe, outputs: [] })), seed).fault).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it('are seldom such that nothing can go, and meet every kind of coupling', () => {
    const met = new Map<string, number>();
    const plans = fc.sample(plannedNetworks, { numRuns: 400 });
    let prunable = 0;
    for (const plan of plans) {
      const graph = withParameters(networkOf(plan)).graph;
      const analysis = analyzeChannels(graph);
      if (analysis.classes.length > 1) prunable++;
      for (const node of topologicalOrder(graph)) {
        if (node.type.shape.some((_, axis) => analysis.classesOf(node, axis))) {
          met.set(node.op.name, (met.get(node.op.name) ?? 0) + 1);
        }
      }
    }
    expect(prunable).toBeGreaterThan(250);
    const wanted =
      'conv2d convTranspose2d linear batchNorm groupNorm add mul concat slice pad subsample channelShuffle reshape ' +
      'transpose pixelShuffle globalAveragePool maxPool2d prelu selectChannels';
    for (const op of wanted.split(' ')) expect(met.get(op) ?? 0, op).toBeGreaterThan(0);
  });
});
