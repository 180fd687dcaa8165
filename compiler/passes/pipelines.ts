/** Pipelines: which passes run, in which order, and why. */
import type { Graph } from '../ir/node.ts';
import { verifyGraph } from '../ir/verify.ts';
import { ops } from '../ops/index.ts';
import { expandBatchNorm } from './expand-batch-norm.ts';
import { foldBatchNorm } from './fold-batch-norm.ts';
import { fuseConv } from './fuse-conv.ts';
import { fuseElementwise, fuseRecomputing } from './fuse-elementwise.ts';
import { fuseMovement } from './fuse-movement.ts';
import { channelAffine } from './int8/channel-affine.ts';
import { correctBias, type BiasOptions } from './int8/correct-bias.ts';
import { equalize } from './int8/equalize.ts';
import { insertQdq, type QdqOptions } from './int8/insert-qdq.ts';
import { lowerInt8 } from './int8/lower-int8.ts';
import { legalize } from './legalize.ts';
import { packWeightsPass } from './pack-weights.ts';
import type { Pass } from './pass.ts';
import { simplify } from './simplify.ts';
import { sliceWeightGrads } from './slice-weight-grads.ts';
import { splitBias } from './split-bias.ts';
import { splitReductions } from './split-reductions.ts';
import { widenSlices } from './widen-slices.ts';

/** From a graph whose parameters are bound to constants to the graph that kernels are selected for. */
export const inferencePipeline: readonly Pass[] = [
  simplify, // dropout and identities would hide a convolution from its batch norm
  foldBatchNorm, // before fusion: a folded batch norm needs no epilogue at all
  legalize, // before fusion: its reshapes and transposes must lie outside of fused bodies
  simplify, // scales of 1, shifts and biases of 0, moves that cancel: what the two before left
  widenSlices, // before fusion: it changes what a convolution reads
  fuseConv, // before the elementwise pass: an epilogue is free, a kernel of its own is not
  fuseElementwise, // what no convolution could take
  fuseMovement, // last: the copies that are left
];

/** The form whose values are quantized: what is measured, named and trained with rounding has been through these. */
export const int8Preparation: readonly Pass[] = [
  simplify, // as for float32
  foldBatchNorm, // scales of weights follow from what the batch norm makes of them
  legalize, // matrices of any rank become ones of rank 2
  simplify, // what the two before left
  channelAffine, // scales and shifts that no convolution took: integer ops have one scale a value
  simplify, // clamps and moves that the last one uncovered
];

export type Int8Options = QdqOptions &
  Partial<BiasOptions> & {
    /** Scale channels between convolutions first. */
    readonly equalize?: boolean;
  };

/** What ranges are measured on: prepared, and equalised where the options say so. */
export const measuredPasses = ({ equalize: isEqualized = false }: Pick<Int8Options, 'equalize'>): readonly Pass[] =>
  isEqualized ? [...int8Preparation, equalize] : int8Preparation;

/** From a graph whose parameters are bound to constants to integer ops, for the ranges that calibration found. */
export const int8Pipeline = ({ biasErrors = {}, ...options }: Int8Options): readonly Pass[] => [
  ...measuredPasses(options),
  { ...correctBias, run: (graph) => correctBias.run(graph, { biasErrors }) }, // weights are still those of float32
  { ...insertQdq, run: (graph) => insertQdq.run(graph, options) }, // places and scales, still in float32
  lowerInt8, // before fusion: it looks for the ops themselves
  simplify, // moves that cancel, weights of layers that stayed in float32
  ...inferencePipeline.slice(inferencePipeline.indexOf(widenSlices)), // what stays in float32 is fused as ever
];

/** Passes that change values by design: what they do is measured, not compared. */
export const roundingPasses: ReadonlySet<string> = new Set([correctBias, insertQdq, lowerInt8].map(({ name }) => name));

/** From a step or evaluation of a training run, whose parameters lie in state, to the graph that kernels run. */
export const trainingPipeline: readonly Pass[] = [
  simplify, // derivatives leave sums with zeros, products with ones, expansions and equal values
  foldBatchNorm, // of a teacher, whose parameters are constants
  expandBatchNorm, // before legalize: it makes operands of lower rank and rows of the moments
  legalize, // before split-bias: layer norm becomes a group norm, layers of any rank become matrices
  splitBias, // before fusion, whose epilogues take the additions in again
  splitReductions, // before fusion, which would take the products that sums read
  sliceWeightGrads, // beside it: sums over pixels too
  simplify, // reshapes of state become views; one channel scale serves both directions
  packWeightsPass, // after the last pass that moves or shares weights, before their readers are fused
  fuseConv, // a convolution that is read twice, as in front of moments, stays as it is
  fuseRecomputing, // a value with several readers is kept, unless computing it again costs no more than loading it
  fuseMovement, // last: the copies that are left
];

/** The same without fusion. */
export const unfusedTrainingPipeline: readonly Pass[] = trainingPipeline.filter(
  (pass) => pass !== fuseConv && pass !== fuseRecomputing && pass !== fuseMovement,
);

/** A pass broke the graph: a fault of the compiler, not of the model. */
export class PassError extends Error {
  readonly pass: string;
  readonly faults: readonly string[];

  constructor(pass: string, faults: readonly string[]) {
    super(`pass ${pass} made a graph that does not verify: ${faults.join('; ')}`);
    this.name = 'PassError';
    this.pass = pass;
    this.faults = faults;
  }
}

export interface PipelineOptions {
  /** Sees every pass, also one that changed nothing (`before === after`). */
  readonly onPass?: (pass: Pass, before: Graph, after: Graph) => void;
}

/** Runs passes in order and verifies every changed graph. Throws a PassError. */
export function runPipeline(graph: Graph, passes: readonly Pass[], options: PipelineOptions = {}): Graph {
  let current = graph;
  for (const pass of passes) {
    const next = pass.run(current);
    const faults = next === current ? [] : verifyGraph(next, ops);
    if (faults.length > 0) throw new PassError(pass.name, faults);
    options.onPass?.(pass, current, next);
    current = next;
  }
  return current;
}
