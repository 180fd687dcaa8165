import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { topologicalOrder, type Graph } from '../../compiler/ir/node.ts';
import { parseGraph } from '../../compiler/ir/parse.ts';
import { printGraph } from '../../compiler/ir/print.ts';
import { rewriteGraph } from '../../compiler/ir/rewrite.ts';
import { isOp } from '../../compiler/ir/op.ts';
import { fused, ops } from '../../compiler/ops/index.ts';
import { expandBatchNorm } from '../../compiler/passes/expand-batch-norm.ts';
import { foldBatchNorm } from '../../compiler/passes/fold-batch-norm.ts';
import { fuseConv } from '../../compiler/passes/fuse-conv.ts';
import { fuseElementwise, fuseRecomputing } from '../../compiler/passes/fuse-elementwise.ts';
import { fuseMovement } from '../../compiler/passes/fuse-movement.ts';
import { legalize } from '../../compiler/passes/legalize.ts';
import { packWeightsPass } from '../../compiler/passes/pack-weights.ts';
import { inferencePipeline, runPipeline, trainingPipeline } from '../../compiler/passes/pipelines.ts';
import { simplify } from '../../compiler/passes/simplify.ts';
import { splitBias } from '../../compiler/passes/split-bias.ts';
import { widenSlices } from '../../compiler/passes/widen-slices.ts';
import { amount } from '../amount.ts';
import { checkOnRandomGraphs, runSeed } from './property.ts';
import { buildGraph, recipes } from './random-graph.ts';

const folded = (graph: Graph): Graph => simplify.run(foldBatchNorm.run(simplify.run(graph)));
const runGraphs = amount(25, 150);
const pipeline = { name: 'pipeline', run: (graph: Graph) => runPipeline(graph, inferencePipeline) };
const training = { name: 'training pipeline', run: (graph: Graph) => runPipeline(graph, trainingPipeline) };

describe(`random networks (CNNC_SEED=${runSeed})`, () => {
  const cases = [
    [simplify, undefined],
    [foldBatchNorm, undefined],
    [legalize, undefined],
    [widenSlices, undefined],
    [fuseMovement, undefined],
    [fuseConv, undefined],
    [fuseConv, folded],
    [fuseElementwise, undefined],
    [fuseElementwise, (graph: Graph) => fuseConv.run(folded(graph))],
    [expandBatchNorm, undefined],
    [splitBias, undefined],
    [packWeightsPass, undefined],
    [fuseRecomputing, undefined],
    [pipeline, undefined],
    [training, undefined],
  ] as const;
  it.each(cases)('keep their meaning under $name', (pass, prepare) => {
    const failure = checkOnRandomGraphs(pass, { graphs: runGraphs, ...(prepare && { prepare }) });
    expect(failure?.report).toBeUndefined();
  });

  const forEachGraph = (graphs: number, check: (graph: Graph) => void, seed = runSeed): void =>
    fc.assert(
      fc.property(recipes, (recipe) => check(buildGraph(recipe))),
      { seed, numRuns: graphs },
    );

  it('are a fixpoint of every pass after it ran', () => {
    forEachGraph(amount(30, 100), (graph) => {
      const result = pipeline.run(graph);
      for (const pass of inferencePipeline) expect(pass.run(result), pass.name).toBe(result);
      const trained = training.run(graph);
      for (const pass of trainingPipeline) expect(pass.run(trained), pass.name).toBe(trained);
      const simple = simplify.run(graph);
      expect(simplify.run(simple)).toBe(simple);
    });
  });

  it('print and parse back', () => {
    forEachGraph(amount(20, 60), (graph) => {
      for (const stage of [graph, pipeline.run(graph)]) {
        const text = printGraph(stage);
        expect(printGraph(parseGraph(text, ops))).toBe(text);
      }
    });
  });

  it('keep their identity when nothing changes', () => {
    forEachGraph(30, (graph) => {
      expect(rewriteGraph(graph, () => undefined, 'none')).toBe(graph);
    });
  });

  it('cover what the passes look for', () => {
    const seen = new Map<string, number>();
    const count = (key: string): unknown => seen.set(key, (seen.get(key) ?? 0) + 1);
    // A statement about the generator, so its seed is fixed.
    const coverageSeed = 1;
    forEachGraph(
      300,
      (graph) => {
        for (const node of topologicalOrder(pipeline.run(graph))) {
          count(node.op.name);
          const body = isOp(node, fused) ? topologicalOrder(node.attrs.body).map((inner) => inner.op.name) : [];
          const anchor = body.find((name) => ['conv2d', 'convTranspose2d', 'linear'].includes(name));
          if (body.length > 0) count(`${anchor ?? 'elementwise'} body`);
          if (anchor === 'conv2d' && body.slice(0, body.indexOf(anchor)).includes('mul')) count('prologue');
          if (anchor !== undefined && node.inputs.length > 3) count('further operand');
        }
      },
      coverageSeed,
    );
    const forms = [
      'prologue',
      'conv2d body',
      'convTranspose2d body',
      'linear body',
      'elementwise body',
      'further operand',
    ];
    for (const key of [...forms, 'conv2d', 'slice', 'concat', 'softmax', 'channelShuffle', 'resize', 'groupNorm']) {
      expect(seen.get(key) ?? 0, key).toBeGreaterThan(5);
    }
  });
});
