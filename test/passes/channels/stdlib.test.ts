/** Every network of the library without a random 30 % of its channel classes, on small images where it takes them. */
import { describe, expect, it } from 'vitest';
import { readdirSync } from 'node:fs';
import { macsOf } from '../../../compiler/ir/macs.ts';
import { analyze, nodeHost } from '../../../compiler/analyze/index.ts';
import type { Graph } from '../../../compiler/ir/node.ts';
import { evaluateDim, symbolsOf } from '../../../compiler/ir/dim.ts';
import type { ChannelAnalysis } from '../../../compiler/passes/channels/index.ts';
import { isFull, some } from '../../amount.ts';
import { checkPruning, drawRemoved, drawWeights } from './pruned-case.ts';

const root = new URL('../../../', import.meta.url).pathname;
const host = nodeHost();

const hasOpenSizes = (graph: Graph): boolean => symbolsOf(macsOf(graph)).some((symbol) => symbol !== 'N');

const models = readdirSync(`${root}stdlib`).flatMap((file) => {
  const program = analyze(`${root}stdlib/${file}`, host);
  return program.models.flatMap((model) => {
    const size = file.startsWith('inception') ? 80 : 32;
    const open = model.build()?.graph;
    const graph = open && hasOpenSizes(open) ? model.build({ dims: { H: size, W: size } })?.graph : open;
    return graph ? [{ file, name: `${file}:${model.name}`, graph }] : [];
  });
});

/** Networks of one file differ in depth and width alone: quick runs try the first of some. */
const tried = isFull
  ? models
  : some(
      models.filter(({ file }, index) => models.findIndex((other) => other.file === file) === index),
      4,
    );

it('finds the networks of the library', () => expect(models.length).toBeGreaterThan(15));

describe.each(tried)('$name', ({ name, graph }) => {
  it('computes the same without a part of its channels', () => {
    // The deepest repeat the blocks of ResNet50 and take minutes to interpret: their structure is checked alone, and so
    // is that of all that is not small in quick runs.
    const isLarge = evaluateDim(macsOf(graph), { N: 1 }) > 2e7;
    const isStructure = /ResNet1\d\d$/.test(name) || (isLarge && !isFull);
    const draw = (analysis: ChannelAnalysis) => drawRemoved(analysis, 7, 0.3);
    const result = checkPruning(drawWeights(graph, 3), draw, { N: 1 }, isStructure);
    expect(result.fault).toBeUndefined();
    expect(result.removed).toBeGreaterThan(2);
    expect(evaluateDim(macsOf(result.pruned), { N: 1 })).toBeLessThan(0.9 * evaluateDim(macsOf(graph), { N: 1 }));
  });
});
