/** Gradients of batch, group and layer normalisation. */
import { makeNode, type Node } from '../../ir/node.ts';
import { batchNorm, batchNormTraining, channelSums, groupNorm, layerNorm, reduceSum, rsqrt } from '../../ops/index.ts';
import type { BatchNormAttrs } from '../../ops/batch-norm.ts';
import type { BatchNormTrainingAttrs } from '../../ops/batch-norm-training.ts';
import type { GroupNormAttrs } from '../../ops/group-norm.ts';
import type { LayerNormAttrs } from '../../ops/layer-norm.ts';
import {
  expanded,
  apply,
  meanOver,
  minus,
  negated,
  over,
  perChannel,
  pixelAxes,
  plus,
  reshaped,
  sizeOf,
  sliced,
  times,
} from '../expressions.ts';
import { operandOf, ruleOf, unbroadcast, type Entry } from './rule.ts';

/** The sum of each channel, `[C]`. */
const channelSum = (x: Node): Node => makeNode(reduceSum, [x], { axes: [0, ...pixelAxes(x)], keepDims: false });

/** With fixed statistics the normalisation is one factor and one summand a channel. */
function batchNormGradient(node: Node<BatchNormAttrs>, g: Node): Node[] {
  const [x, gamma, mean, variance] = [0, 1, 3, 4].map((index) => operandOf(node, index));
  if (!x || !gamma || !mean || !variance) throw new TypeError('batchNorm has five operands');
  const inverse = apply(rsqrt, plus(variance, node.attrs.eps));
  const scale = times(gamma, inverse);
  const rank = x.type.shape.length;
  const ofBeta = channelSum(g);
  const ofScale = channelSum(times(g, minus(x, perChannel(mean, rank))));
  const ofVariance = times(times(ofScale, -0.5), times(scale, times(inverse, inverse)));
  return [
    times(g, perChannel(scale, rank)),
    times(ofScale, inverse),
    ofBeta,
    negated(times(ofBeta, scale)),
    ofVariance,
  ];
}

/**
 * `dx = gamma / s * (g - mean(g) - (x - m) / s^2 * mean(g * (x - m)))` with s^2 = v + eps (Ioffe and Szegedy 2015),
 * which holds the paths through the mean m and the variance v: the operand `moments` gets none of its own.
 */
function batchNormTrainingGradient(node: Node<BatchNormTrainingAttrs>, g: Node): (Node | undefined)[] {
  const [x, moments, gamma] = [operandOf(node, 0), operandOf(node, 1), operandOf(node, 2)];
  const rank = x.type.shape.length;
  const row = (rows: Node, index: number): Node => perChannel(sliced(rows, 0, index, index + 1), rank);
  const sums = makeNode(channelSums, [g, x, moments], {});
  const count = [0, ...pixelAxes(x)].reduce((product, axis) => product * sizeOf(x, axis), 1);
  const inverse = apply(rsqrt, plus(row(moments, 1), node.attrs.eps));
  const ofGamma = times(row(sums, 1), inverse);
  const scale = times(perChannel(gamma, rank), inverse);
  const slope = over(times(times(ofGamma, inverse), scale), count);
  const centred = minus(x, row(moments, 0));
  const ofX = minus(times(minus(g, over(row(sums, 0), count)), scale), times(centred, slope));
  return [ofX, undefined, reshaped(ofGamma, gamma.type.shape), reshaped(row(sums, 0), gamma.type.shape)];
}

/** `dx = (h - mean(h) - z * mean(h * z)) / s` for the standardised z = (x - mean(x)) / s; also returns z. */
function standardised(x: Node, h: Node, eps: number, mean: (x: Node) => Node): [ofX: Node, z: Node] {
  const centred = minus(x, mean(x));
  const inverse = apply(rsqrt, plus(mean(times(centred, centred)), eps));
  const z = times(centred, inverse);
  return [times(minus(minus(h, mean(h)), times(z, mean(times(h, z)))), inverse), z];
}

/** The mean over a group of channels and all pixels, once a channel: `[N, C, 1, ...]`. Pixels first, they are many. */
function groupMean(x: Node, groups: number): Node {
  const means = meanOver(x, pixelAxes(x));
  const channels = sizeOf(x, 1);
  if (groups === channels) return means;
  const split = [x.type.shape[0] ?? 1, groups, channels / groups];
  return reshaped(expanded(meanOver(reshaped(means, split), [2]), split), means.type.shape);
}

function groupNormGradient(node: Node<GroupNormAttrs>, g: Node): Node[] {
  const [x, gamma] = [operandOf(node, 0), operandOf(node, 1)];
  const { groups, eps } = node.attrs;
  const scaled = times(g, perChannel(gamma, x.type.shape.length));
  const [ofX, z] = standardised(x, scaled, eps, (value) => groupMean(value, groups));
  return [ofX, channelSum(times(g, z)), channelSum(g)];
}

function layerNormGradient(node: Node<LayerNormAttrs>, g: Node): Node[] {
  const [x, gamma] = [operandOf(node, 0), operandOf(node, 1)];
  const lead = x.type.shape.length - gamma.type.shape.length;
  const axes = [...x.type.shape.keys()].slice(lead);
  const [ofX, z] = standardised(x, times(g, gamma), node.attrs.eps, (value) => meanOver(value, axes));
  return [ofX, unbroadcast(times(g, z), gamma.type), unbroadcast(g, gamma.type)];
}

export const normalisation: readonly Entry[] = [
  ruleOf(batchNorm, batchNormGradient),
  ruleOf(batchNormTraining, batchNormTrainingGradient),
  ruleOf(groupNorm, groupNormGradient),
  ruleOf(layerNorm, layerNormGradient),
];
