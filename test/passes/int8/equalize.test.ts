import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { topologicalOrder } from '../../../compiler/ir/node.ts';
import { parseGraph } from '../../../compiler/ir/parse.ts';
import { isConstant } from '../../../compiler/ir/leaves.ts';
import { ops } from '../../../compiler/ops/index.ts';
import { equalize, unequalized } from '../../../compiler/passes/int8/equalize.ts';
import { int8Preparation, runPipeline } from '../../../compiler/passes/pipelines.ts';
import { checkOnRandomGraphs } from '../property.ts';
import { runTextTests } from '../run-text.ts';

const graphOf = (name: string) =>
  parseGraph(readFileSync(`${import.meta.dirname}/equalize/${name}.ir`, 'utf8').split('---')[0] ?? '', ops);

describe('equalize', () => {
  runTextTests('int8/equalize', equalize);

  it('makes ranges on both sides of a channel alike', () => {
    const weights = new Map(
      topologicalOrder(equalize.run(graphOf('depthwise-chain')))
        .filter(isConstant)
        .map(({ attrs }) => [attrs.name, [...attrs.tensor.data].map(Math.abs)]),
    );
    const [a = [], b = [], c = []] = ['a', 'b', 'c'].map((layer) => weights.get(`${layer}.weight`));
    for (const channel of [0, 1]) {
      const rows = Math.max(...a.slice(2 * channel, 2 * channel + 2));
      const columns = Math.max(...c.filter((_, at) => at % 2 === channel));
      expect(Math.abs(rows / (b[channel] ?? 0) - 1)).toBeLessThan(0.01);
      expect(Math.abs(columns / (b[channel] ?? 0) - 1)).toBeLessThan(0.01);
    }
  });

  it('says what it leaves, and why', () => {
    const reasons = unequalized(graphOf('leaves-relu6')).map(({ reason }) => reason);
    expect(reasons).toEqual([
      'relu6 cuts every channel at the same value',
      'hardSwish does not let scales of channels through',
      'its channels have 2 readers',
      'add does not let scales of channels through',
    ]);
  });

  it('keeps the meaning of random networks', () => {
    const prepare = (graph: Parameters<typeof equalize.run>[0]) => runPipeline(graph, int8Preparation);
    expect(checkOnRandomGraphs(equalize, { graphs: 100, prepare })?.report).toBeUndefined();
  });
});
