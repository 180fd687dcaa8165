/** The check that guards every pass: on random networks it must keep the graph sound and its outputs the same. */
import fc from 'fast-check';
import type { Graph } from '../../compiler/ir/node.ts';
import { printGraph } from '../../compiler/ir/print.ts';
import { verifyGraph } from '../../compiler/ir/verify.ts';
import { ops } from '../../compiler/ops/index.ts';
import type { Pass } from '../../compiler/passes/pass.ts';
import { checkPass, formatDifference } from '../../compiler/passes/verify-pass.ts';
import { buildGraph, recipes } from './random-graph.ts';

export type Transform = (graph: Graph) => Graph;

/** Seed of the run: CNNC_SEED replays one; else it is new in each run and printed with a failure. */
export const runSeed = Number(process.env['CNNC_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** What is wrong with a transform on one graph; undefined where nothing is. */
export function faultOf(name: string, transform: Transform, before: Graph, seed: number): string | undefined {
  const after = transform(before);
  const faults = verifyGraph(after, ops);
  if (faults.length > 0) return faults.join('\n');
  const difference = checkPass(before, after, { pass: name, seed });
  return difference && formatDifference(difference);
}

interface Failure {
  /** Graphs tried before it failed. */
  readonly graphs: number;
  readonly report: string;
}

/**
 * Runs a transform on random networks; returns the first failure, shrunk unless `quick`. `prepare` runs first, for
 * passes that expect the result of another.
 */
export function checkOnRandomGraphs(
  pass: Pass | { readonly name: string; readonly run: Transform },
  {
    graphs,
    prepare = (graph) => graph,
    seed = runSeed,
    quick = false,
  }: { graphs: number; prepare?: Transform; seed?: number; quick?: boolean },
): Failure | undefined {
  const property = fc.property(recipes, fc.nat(), (recipe, dataSeed) => {
    const fault = faultOf(pass.name, (graph) => pass.run(graph), prepare(buildGraph(recipe)), dataSeed);
    if (fault !== undefined) throw new Error(fault);
  });
  const result = fc.check(property, { seed, numRuns: graphs, endOnFailure: quick });
  if (!result.failed) return undefined;
  const [recipe] = result.counterexample ?? [];
  const graph = recipe ? printGraph(prepare(buildGraph(recipe))) : '';
  const cause =
    result.errorInstance instanceof Error
      ? `${result.errorInstance.name}: ${result.errorInstance.message}`
      : String(result.errorInstance);
  return { graphs: result.numRuns, report: `replay with CNNC_SEED=${seed}\n${cause}\n${graph}` };
}
