/** Folding, pruning and int8 in every order that makes sense give the same network. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { topologicalOrder, type Graph } from '../../compiler/ir/node.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import { bindParameters } from '../../compiler/passes/bind-parameters.ts';
import {
  analyzeChannels,
  keptWeights,
  pruneChannels,
  type ChannelAnalysis,
} from '../../compiler/passes/channels/index.ts';
import { foldBatchNorm } from '../../compiler/passes/fold-batch-norm.ts';
import { int8Pipeline, int8Preparation, runPipeline } from '../../compiler/passes/pipelines.ts';
import { relativeDifference } from '../../compiler/passes/verify-pass.ts';
import { amount } from '../amount.ts';
import { drawRemoved, imagesOf, withParameters, type Network } from './channels/pruned-case.ts';
import { networkOf, plannedNetworks } from './channels/random-network.ts';
import { measureRanges } from './int8/measure.ts';
import { runSeed } from './property.ts';

const runs = amount(20, 150);
const layers = new Set(['conv2d', 'convTranspose2d', 'linear']);

const boundOf = ({ graph, weights }: Network): Graph => bindParameters.run(graph, { parameters: weights });
const folded = (network: Network): Network => withParameters(foldBatchNorm.run(boundOf(network)));

/** The classes of what layers give, channel by channel; -1 for what stays. Folding keeps layers and their order. */
const classesOfLayers = ({ graph, classesOf }: ChannelAnalysis): readonly number[] =>
  topologicalOrder(graph)
    .filter(({ op }) => layers.has(op.name))
    .flatMap((node) => [
      ...(classesOf(node, 1) ?? Array.from<number>({ length: Number(node.type.shape[1]) }).fill(-1)),
    ]);

/** Removes the classes that hold for the given positions among the channels of all layers. */
function pruned({ graph, weights }: Network, positions: ReadonlySet<number>): Network {
  const analysis = analyzeChannels(graph);
  const classes = classesOfLayers(analysis);
  const removed = new Set([...positions].flatMap((at) => classes[at] ?? []));
  // What goes in one graph goes in the other with exactly the same channels.
  const going = classes.flatMap((id, at) => (removed.has(id) ? [at] : []));
  expect(going).toEqual([...positions].toSorted((a, b) => a - b));
  const smaller = pruneChannels(analysis, removed);
  return { graph: smaller.graph, weights: keptWeights(weights, smaller.kept) };
}

/** Positions of channels of layers that go with what is drawn. */
function drawPositions({ graph }: Network, seed: number): ReadonlySet<number> {
  const analysis = analyzeChannels(graph);
  const classes = classesOfLayers(analysis);
  const removed = drawRemoved(analysis, seed, 0.4);
  return new Set(classes.flatMap((id, at) => (removed.has(id) ? [at] : [])));
}

const int8Of = (bound: Graph, images: Readonly<Record<string, Tensor>>): Graph =>
  runPipeline(bound, int8Pipeline({ ranges: measureRanges(runPipeline(bound, int8Preparation), [images]) }));

describe(`random networks (CNNC_SEED=${runSeed})`, () => {
  it('are the same however folding, pruning and int8 follow each other', () => {
    let [prunings, foldings] = [0, 0];
    const property = fc.property(plannedNetworks, fc.nat(999), (plan, seed) => {
      const network = withParameters(networkOf(plan));
      const positions = drawPositions(network, seed);
      const images = imagesOf(network.graph, {});
      const first = pruned(network, positions);
      const orders = {
        'prune, fold': folded(first),
        'fold, prune': pruned(folded(network), positions),
        'fold, prune, fold': folded(pruned(folded(network), positions)),
      };
      prunings += positions.size > 0 ? 1 : 0;
      foldings += topologicalOrder(orders['fold, prune'].graph).length < topologicalOrder(first.graph).length ? 1 : 0;
      const unfolded = evaluateGraph(boundOf(first), images);
      const wanted = evaluateGraph(boundOf(orders['prune, fold']), images);
      const wantedInt8 = evaluateGraph(int8Of(boundOf(first), images), images);
      for (const [name, value] of Object.entries(wanted)) {
        const other = unfolded[name];
        // Folded weights are rounded to float32.
        expect(other ? relativeDifference(value, other) : Infinity).toBeLessThan(1e-5);
      }
      for (const [order, other] of Object.entries(orders)) {
        const bound = boundOf(other);
        expect(evaluateGraph(bound, images), order).toEqual(wanted);
        expect(evaluateGraph(int8Of(bound, images), images), `${order}, quantize`).toEqual(wantedInt8);
      }
    });
    fc.assert(property, { seed: runSeed, numRuns: runs });
    expect(prunings).toBeGreaterThan(runs / 8);
    expect(foldings).toBeGreaterThan(runs / 8);
  });
});
