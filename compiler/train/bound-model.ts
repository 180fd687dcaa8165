/** The model at the sizes of a training run, checked against what it is to learn. */
import { bindDim, bindSizes } from '../ir/bind-sizes.ts';
import { symbolsOf } from '../ir/dim.ts';
import { isInput, type InputAttrs } from '../ir/leaves.ts';
import { topologicalOrder, type Graph, type Node } from '../ir/node.ts';
import { formatType } from '../ir/type.ts';
import { reshaped, sizesOf } from './expressions.ts';
import { TrainingFault } from './training-fault.ts';
import type { TargetSettings, TrainingSettings } from './training-options.ts';

export interface BoundModel {
  readonly graph: Graph;
  readonly image: Node<InputAttrs>;
}

/** Throws a TrainingFault where the model has several inputs or outputs, or a size that nothing gives. */
export function boundModel({
  graph,
  batch,
  imageSize,
}: Pick<TrainingSettings, 'graph' | 'batch' | 'imageSize'>): BoundModel {
  const image = imageOf(graph);
  if (Object.keys(graph.outputs).length !== 1) {
    throw new TrainingFault(
      'model',
      `a model must have one output to be trained, not ${Object.keys(graph.outputs).length}`,
      'return the scores alone',
    );
  }
  const given = [batch, undefined, ...(imageSize ?? [])];
  const bindings: Record<string, number> = {};
  const shape = image.type.shape.map((dim, axis) => {
    const size = given[axis];
    if (size !== undefined && typeof dim !== 'number') bindDim(dim, size, bindings);
    if (symbolsOf(dim).some((symbol) => bindings[symbol] === undefined)) {
      const fault = size === undefined ? 'has no size' : `cannot be ${size}`;
      const message = `${image.attrs.name} is ${formatType(image.type)}: axis ${axis} ${fault}`;
      throw new TrainingFault('shape', message, 'give every size, as in `shape = { N = 16, H = 128, W = 128 }`');
    }
    return size;
  });
  const bound = bindSizes(graph, bindings);
  const boundImage = imageOf(bound);
  sizesOf(boundImage).forEach((size, axis) => {
    if (shape[axis] === undefined || shape[axis] === size) return;
    const message = `${image.attrs.name} is ${formatType(image.type)}: axis ${axis} cannot be ${shape[axis]}`;
    const help = axis === 0 ? `train with \`batch = ${size}\`, or call the size \`N\`` : `it is always ${size}`;
    throw new TrainingFault(axis === 0 ? 'model' : 'shape', message, help);
  });
  return { graph: bound, image: boundImage };
}

function imageOf(graph: Graph): Node<InputAttrs> {
  const [image, ...more] = topologicalOrder(graph).filter(isInput);
  if (image && more.length === 0) return image;
  const message = `a model must have one input to be trained, not ${image ? more.length + 1 : 0}`;
  throw new TrainingFault('model', message, 'train one that takes the image alone');
}

/** The output of a graph as `[B, C]` for classes, `[B, C, H, W]` for masks. */
export function scoresOf(graph: Graph, image: Node, target: TargetSettings): Node {
  const [scores] = Object.values(graph.outputs);
  if (!scores) throw new TrainingFault('model', 'the model has no output', 'return the scores');
  if (target.kind === 'dense') return scores;
  const [batch = 1, channels = 1, ...plane] = sizesOf(scores);
  const isFlat = plane.every((size) => size === 1);
  const fits = target.kind === 'class' ? isFlat : plane.join() === sizesOf(image).slice(2).join();
  if (!fits || scores.type.shape.length < 2) {
    const wanted = target.kind === 'class' ? '[N, classes]' : '[N, classes, H, W], of the size of the image';
    throw new TrainingFault('model', `the scores are ${formatType(scores.type)}`, `they must be ${wanted}`);
  }
  const expected = target.classes === 2 && channels === 1 ? 1 : target.classes;
  if (channels !== expected) {
    const message = `the model has ${channels} scores and the data ${target.classes} classes`;
    throw new TrainingFault('data', message, 'make the two equal: a score for each class');
  }
  return target.kind === 'class' && plane.length > 0 ? reshaped(scores, [batch, channels]) : scores;
}
