/** Pruning on random networks and random choices, within 1e-9 in float64. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeGraph, topologicalOrder, type Node } from '../../../compiler/ir/node.ts';
import { analyzeChannels } from '../../../compiler/passes/channels/index.ts';
import { amount } from '../../amount.ts';
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
      { numRuns: amount(200, 2000) },
    );
  });

  it('of several outputs, each of which keeps all of its channels', () => {
    let [several, removed] = [0, 0];
    fc.assert(
      fc.property(
        plannedNetworks,
        fc.array(fc.nat(99), { minLength: 1, maxLength: 3 }),
        fc.nat(999),
        (plan, picks, seed) => {
          const { graph, weights } = withParameters(networkOf(plan));
          const inner = topologicalOrder(graph).filter(({ inputs }) => inputs.length > 0);
          const others = picks.flatMap((at, index): [string, Node][] => {
            const node = inner[at % inner.length];
            return node ? [[`z${index}`, node]] : [];
          });
          // The first one by name is now this, now that.
          const outputs = Object.entries(graph.outputs);
          const network = {
            weights,
            graph: makeGraph(Object.fromEntries(seed % 2 === 0 ? [...outputs, ...others] : [...others, ...outputs])),
          };
          const result = checked(network, seed);
          expect(result.fault).toBeUndefined();
          if (new Set(Object.values(network.graph.outputs)).size > 1) several++;
          if (result.removed > 0) removed++;
          for (const [name, node] of Object.entries(result.pruned.outputs)) {
            expect(node.type.shape).toEqual(network.graph.outputs[name]?.type.shape);
          }
        },
      ),
      { numRuns: amount(100, 1000) },
    );
    expect(several).toBeGreaterThan(50);
    expect(removed).toBeGreaterThan(20);
  });

  it('of all layers that passes are tested on', () => {
    fc.assert(
      fc.property(recipes, fc.nat(999), (recipe, seed) => {
        expect(checked(withParameters(buildGraph({ ...recipe, outputs: [] })), seed).fault).toBeUndefined();
      }),
      { numRuns: amount(80, 800) },
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
