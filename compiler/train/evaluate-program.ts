/** The program that measures a batch: the inference form on the current (or averaged) weights. */
import { isParameter } from '../ir/leaves.ts';
import { makeGraph, type Graph, type Node } from '../ir/node.ts';
import { scoresOf, type BoundModel } from './bound-model.ts';
import { weightedSum } from './losses/index.ts';
import { predictionOf } from './prediction.ts';
import { programInputs, targetOf } from './program-inputs.ts';
import { attribution } from './provenance.ts';
import { leavesOf, type StatePlan } from './state-plan.ts';
import { substitute } from './training-form.ts';
import type { TrainingSettings } from './training-options.ts';

/**
 * Inputs: the image, `labels`, and `valid` `[B]`, 0 for samples that only fill up a batch. Outputs: `loss` and `weight`
 * `[1, 1]`, the mean over what counts and how much that is; `prediction` of labels, and `scores` of classes.
 */
export function evaluateProgram({ graph, image }: BoundModel, plan: StatePlan, options: TrainingSettings): Graph {
  const leaves = leavesOf(plan, true);
  const inference = substitute(graph, (node) => (isParameter(node) ? leaves.get(node.attrs.name) : undefined));
  const inputOf = programInputs(image);
  const scores = scoresOf(inference, image, options.target);
  const target = targetOf('labels', scores, options.target, inputOf, inputOf('valid', [options.batch]));
  const { mean: loss, weight } = weightedSum(scores, target, options.loss);
  const { kind } = options.target;
  const outputs: Readonly<Record<string, Node>> = {
    loss,
    weight,
    ...(kind === 'dense' ? {} : { prediction: predictionOf(scores) }),
    ...(kind === 'class' ? { scores } : {}),
  };
  const of = attribution(Object.values(outputs), 'loss');
  return makeGraph(Object.fromEntries(Object.entries(outputs).map(([name, node]) => [name, of(node)])));
}
