/** Distillation: a student learns from the scores of a teacher beside the labels (Hinton, Vinyals and Dean 2015). */
import { isParameter } from '../ir/leaves.ts';
import { makeNode, type Node } from '../ir/node.ts';
import { formatType } from '../ir/type.ts';
import { concat, constant, logSoftmax, softmax } from '../ops/index.ts';
import { boundModel } from './bound-model.ts';
import { minus, over, reshaped, sizesOf, times, total } from './expressions.ts';
import { featuresOf, withFeatures } from './hints.ts';
import { countedOf, isBinary, meanOf, type Target } from './losses/loss.ts';
import type { Teacher } from './teacher.ts';
import { substitute } from './training-form.ts';
import { TrainingFault } from './training-fault.ts';

/** What a teacher says of a batch. */
export interface Lesson {
  readonly scores: Node;
  /** One for each hint. */
  readonly features: readonly Node[];
}

/**
 * The teacher's forward pass on the student's image, in evaluation form. No gradient goes through it. Throws a
 * TrainingFault where image or scores are not those of the student.
 */
export function lessonOf(teacher: Teacher, image: Node, studentScores: Node): Lesson {
  const bound = boundTeacher(teacher, image);
  const graph = substitute(withFeatures(bound.graph, teacher.hints, 'teacher'), (node) => {
    if (node === bound.image) return image;
    const tensor = isParameter(node) ? teacher.weights.get(node.attrs.name) : undefined;
    return tensor && makeNode(constant, [], { tensor, name: '' }, node.origin);
  });
  const [scores] = Object.values(graph.outputs);
  const [wanted, given] = [sizesOf(studentScores), scores ? sizesOf(scores) : []];
  if (!scores || !isSameScores(given, wanted)) {
    const message = `the scores of the teacher are ${scores ? formatType(scores.type) : 'missing'}`;
    throw new TrainingFault('teacher', message, `the student's are ${formatType(studentScores.type)}`);
  }
  return { scores: reshaped(scores, wanted), features: featuresOf(graph, teacher.hints) };
}

/** Classes may be `[N, C]` or `[N, C, 1, 1]`. */
function isSameScores(given: readonly number[], wanted: readonly number[]): boolean {
  const isFlat = (shape: readonly number[]): boolean => shape.slice(2).every((size) => size === 1);
  return given.join() === wanted.join() || (given[1] === wanted[1] && isFlat(given) && isFlat(wanted));
}

function boundTeacher({ graph }: Teacher, image: Node): ReturnType<typeof boundModel> {
  const [batch = 1, channels = 1, height, width] = sizesOf(image);
  const imageSize = height !== undefined && width !== undefined ? ([height, width] as const) : undefined;
  try {
    const bound = boundModel({ graph, batch, imageSize });
    const taken = sizesOf(bound.image)[1];
    if (taken === channels) return bound;
    throw new TrainingFault('teacher', `${taken} channels are not ${channels}`, 'both see the same images');
  } catch (error) {
    if (!(error instanceof TrainingFault)) throw error;
    throw new TrainingFault('teacher', `the teacher does not fit the student: ${error.message}`, error.help);
  }
}

/** A lone score z as those of two classes, `[z, 0]`: their softmax is the sigmoid of z. */
const asClasses = (scores: Node): Node =>
  isBinary(scores) ? makeNode(concat, [scores, minus(scores, scores)], { axis: 1 }) : scores;

/**
 * `T^2 KL(softmax(z_t / T) || softmax(z_s / T))`, the mean over the samples or pixels that count. The factor keeps its
 * gradients as large as those of the labels.
 */
export function divergence(scores: Node, taught: Node, target: Target, temperature: number): Node {
  const softened = (node: Node): Node => over(asClasses(node), temperature);
  const log = (node: Node): Node => makeNode(logSoftmax, [softened(node)], { axis: 1 });
  const expected = makeNode(softmax, [softened(taught)], { axis: 1 });
  const counted = countedOf(scores, target);
  const sum = total(times(times(expected, minus(log(taught), log(scores))), counted));
  return times(meanOf({ sum, weight: total(counted) }), temperature ** 2);
}
