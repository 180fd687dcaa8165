/** Hints: feature maps of a teacher that the student is to reproduce inside (Romero et al. 2015, "FitNets"). */
import { makeGraph, makeNode, type Graph, type Node } from '../ir/node.ts';
import { formatType } from '../ir/type.ts';
import { conv2d } from '../ops/index.ts';
import { meanOver, minus, plus, reshaped, sizesOf, square, times } from './expressions.ts';
import { valueOfScope } from './feature-maps.ts';
import { TrainingFault } from './training-fault.ts';

/** Two feature maps to bring together: what a scope of the student gives, and what one of the teacher gives. */
export interface Hint {
  readonly student: string;
  readonly teacher: string;
  /** Factor of their mean squared difference. */
  readonly weight: number;
}

type Role = 'student' | 'teacher';

/** A learned 1x1 convolution from the channels of a student's feature map to those of the teacher's. */
export interface Projection {
  /** `hints.0.weight`, ...: by the place of the hint. */
  readonly name: string;
  readonly shape: readonly [number, number, number, number];
}

const projectionName = (index: number): string => `hints.${index}.weight`;
const outputName = (index: number): string => `hint.${index}`;

function featureOf(graph: Graph, scope: string, role: Role): Node {
  try {
    return valueOfScope(graph, scope);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = `${error.message} of the ${role}`;
    throw new TrainingFault('hints', message, 'name a layer or block by its parameter path, such as `layer2`');
  }
}

/** Where the channels differ. Sizes of images need not be known. Throws a TrainingFault for a scope that is none. */
export function projectionsOf(student: Graph, teacher: Graph, hints: readonly Hint[]): Projection[] {
  return hints.flatMap((hint, index) => {
    const [inputs, outputs] = [
      featureOf(student, hint.student, 'student'),
      featureOf(teacher, hint.teacher, 'teacher'),
    ].map(({ type }) => Number(type.shape[1]));
    if (!inputs || !outputs || inputs === outputs) return [];
    return [{ name: projectionName(index), shape: [outputs, inputs, 1, 1] as const }];
  });
}

/** The graph with the feature maps of hints as further outputs, behind its own. */
export function withFeatures(graph: Graph, hints: readonly Hint[], role: Role): Graph {
  const features = hints.map((hint, index) => [outputName(index), featureOf(graph, hint[role], role)] as const);
  return makeGraph({ ...graph.outputs, ...Object.fromEntries(features) });
}

export const featuresOf = (graph: Graph, hints: readonly Hint[]): Node[] =>
  hints.flatMap((_, index) => graph.outputs[outputName(index)] ?? []);

/**
 * The weighted sum of the mean squared differences, over all images of the batch; undefined without hints. `leaf` gives
 * the projections. Throws a TrainingFault where two maps differ in more than their channels.
 */
export function hintLoss(
  student: readonly Node[],
  teacher: readonly Node[],
  hints: readonly Hint[],
  leaf: (name: string) => Node | undefined,
): Node | undefined {
  const terms = hints.flatMap((hint, index) => {
    const [mine, theirs] = [student[index], teacher[index]];
    if (!mine || !theirs) return [];
    const projected = project(mine, leaf(projectionName(index)));
    if (sizesOf(projected).join() !== sizesOf(theirs).join()) {
      const types = `${formatType(mine.type)} and the teacher's \`${hint.teacher}\` ${formatType(theirs.type)}`;
      throw new TrainingFault('hints', `\`${hint.student}\` is ${types}`, 'only their channels may differ');
    }
    const difference = square(minus(projected, theirs));
    const mean = meanOver(difference, [...difference.type.shape.keys()]);
    return [times(reshaped(mean, [1, 1]), hint.weight)];
  });
  const [first, ...rest] = terms;
  return first && rest.reduce((sum, term) => plus(sum, term), first);
}

function project(features: Node, weight: Node | undefined): Node {
  if (!weight) return features;
  const [images = 1, channels = 1, ...plane] = sizesOf(features);
  const map = reshaped(features, [images, channels, plane[0] ?? 1, plane[1] ?? 1]);
  const attrs = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 } as const;
  const projected = makeNode(conv2d, [map, weight], attrs);
  return reshaped(projected, [images, sizesOf(projected)[1] ?? 1, ...plane]);
}
