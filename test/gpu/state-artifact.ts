/** Training artifacts from hand-made graphs: every parameter is a vector of state. */
import { compileTraining, type TrainingCompilation } from '../../compiler/compile/compile-training.ts';
import { isParameter } from '../../compiler/ir/leaves.ts';
import { makeGraph, topologicalOrder, type Graph } from '../../compiler/ir/node.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import type { StateVector } from '../../compiler/train/state.ts';
import type { ProfileName } from '../../runtime/artifact.ts';
import { trainingRecipe } from './training-recipe.ts';

/** Vectors that hold one tensor each, of their own name and shape. */
const vectorsOf = (graph: Graph): StateVector[] =>
  topologicalOrder(graph)
    .filter(isParameter)
    .map((parameter) => {
      const { name, shape } = parameter.attrs;
      const tensor = { name, shape: shape.map(Number), offset: 0, kind: 'parameter' } as const;
      return { name, parameter, length: Number(shape[1]), tensors: [tensor] };
    });

/** The program `evaluate` computes the outputs of the step without its updates. */
export function compileStep(
  step: Graph,
  initial: ReadonlyMap<string, Tensor>,
  profiles: readonly ProfileName[],
): TrainingCompilation {
  const training = { step, evaluate: makeGraph(step.outputs), state: vectorsOf(step), initial };
  return compileTraining(
    { name: 'State', source: 'state.cnn', training, recipe: trainingRecipe(1), parameters: [] },
    { profiles },
  );
}
