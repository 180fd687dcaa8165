/** Every network of the library without a random 30 % of its channel classes, on small images where it takes them. */
import { describe, expect, it } from 'vitest';
import { readdirSync } from 'node:fs';
import { macsOf } from '../../../compiler/ir/macs.ts';
import { analyze, nodeHost } from '../../../compiler/analyze/index.ts';
import { isInput } from '../../../compiler/ir/leaves.ts';
import { makeNode, type Graph } from '../../../compiler/ir/node.ts';
import { rewriteGraph } from '../../../compiler/ir/rewrite.ts';
import { evaluateDim, symbolsOf } from '../../../compiler/ir/dim.ts';
import type { ChannelAnalysis } from '../../../compiler/passes/channels/index.ts';
import { checkPruning, drawRemoved, drawWeights } from './pruned-case.ts';

const root = new URL('../../../', import.meta.url).pathname;
const host = nodeHost();

/** The network on an image of another size; as it is where its layers ask for its own. */
function onImage(graph: Graph, size: number): Graph {
  try {
    return rewriteGraph(
      graph,
      (node) => {
        if (!isInput(node)) return undefined;
        const shape = node.attrs.shape.map((dim, axis) => (axis < 2 || typeof dim !== 'number' ? dim : size));
        return makeNode(node.op, [], { ...node.attrs, shape });
      },
      'test',
    );
  } catch {
    return graph;
  }
}

const models = readdirSync(`${root}stdlib`).flatMap((file) => {
  const program = analyze(`${root}stdlib/${file}`, host);
  return program.models.flatMap((model) => {
    const graph = model.build()?.graph;
    return graph ? [{ name: `${file}:${model.name}`, graph }] : [];
  });
});

it('finds the networks of the library', () => expect(models.length).toBeGreaterThan(15));

describe.each(models)('$name', ({ name, graph: whole }) => {
  it('computes the same without a part of its channels', { timeout: 120_000 }, () => {
    const graph = onImage(whole, name.startsWith('inception') ? 80 : 32);
    const sizes = { N: 1, H_8: 4, W_8: 4, H_16: 1, W_16: 2, H: 32, W: 32 };
    // The deepest repeat the blocks of ResNet50 and take minutes to interpret: their structure is checked alone.
    const isStructure = /ResNet1\d\d$/.test(name);
    const draw = (analysis: ChannelAnalysis) => drawRemoved(analysis, 7, 0.3);
    const result = checkPruning(drawWeights(graph, 3), draw, sizes, isStructure);
    expect(result.fault).toBeUndefined();
    expect(result.removed).toBeGreaterThan(2);
    const at = Object.fromEntries(symbolsOf(macsOf(graph)).map((symbol) => [symbol, 2]));
    expect(evaluateDim(macsOf(result.pruned), at)).toBeLessThan(0.9 * evaluateDim(macsOf(graph), at));
  });
});
