/** The inputs of a training program besides the image, numbered in the order in which they are asked for. */
import type { InputAttrs } from '../ir/leaves.ts';
import { makeNode, type Node } from '../ir/node.ts';
import { input } from '../ops/index.ts';
import { sizesOf } from './expressions.ts';
import type { Target } from './losses/loss.ts';
import { TrainingFault } from './training-fault.ts';
import type { TargetSettings } from './training-options.ts';

/** The f32 input of a name; asking again gives the same node. */
export type InputOf = (name: string, shape: readonly number[]) => Node;

/** Behind the model's own input, which has index 0. */
export function programInputs(image: Node<InputAttrs>): InputOf {
  const made = new Map<string, Node>();
  return (name, shape) => {
    if (name === image.attrs.name) {
      const message = `the input ${name} has the name of an input of the training step`;
      throw new TrainingFault('model', message, 'call it `image`');
    }
    const index = image.attrs.index + made.size + 1;
    const node = made.get(name) ?? makeNode(input, [], { name, index, dtype: 'f32', shape });
    made.set(name, node);
    return node;
  };
}

/** What scores are compared with: an input `[B]`, `[B, H, W]`, or for dense targets of the scores' own shape. */
export function targetOf(
  name: string,
  scores: Node,
  { kind, ignore }: TargetSettings,
  inputOf: InputOf,
  valid?: Node,
): Target {
  const shape = sizesOf(scores);
  if (kind === 'dense') return { kind: 'dense', values: inputOf(name, shape), valid };
  return { kind: 'labels', labels: inputOf(name, shape.toSpliced(1, 1)), ignore, valid };
}
