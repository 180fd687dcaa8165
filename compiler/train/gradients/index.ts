/** Which ops have gradients: a rule for each that has, and for each that has none the reason. */
import { argMax, dropoutMask, equal, greater, oneHot, sign } from '../../ops/index.ts';
import { activations } from './activations.ts';
import { arithmetic } from './arithmetic.ts';
import { convolution } from './convolution.ts';
import { movement } from './movement.ts';
import { normalisation } from './normalisation.ts';
import { pooling } from './pooling.ts';
import { quantization } from './quantization.ts';
import { reductions } from './reductions.ts';
import type { Entry, GradientRule } from './rule.ts';

export type { GradientRule } from './rule.ts';

/** The rule of ops that are constant between jumps: no operand gets anything. */
export const noContribution: GradientRule = () => [];

const stepwise: readonly Entry[] = [sign, greater, equal, argMax, oneHot, dropoutMask].map(({ name }) => [
  name,
  noContribution,
]);

/** The gradient rule of each differentiable op, by name. */
export const gradients: ReadonlyMap<string, GradientRule> = new Map([
  ...activations,
  ...arithmetic,
  ...convolution,
  ...pooling,
  ...movement,
  ...reductions,
  ...normalisation,
  ...quantization,
  ...stepwise,
]);

const leaf = 'a leaf has no operands';
const secondOrder = 'is a gradient itself, and gradients of gradients are not built';
const ordering = 'a pass orders recomputed values after differentiation';
const rounding = 'integers have no slopes; training quantizes in float32 instead';
const split = 'passes split sums after differentiation';

/** Why each other op has no rule, by name. */
export const notDifferentiable: ReadonlyMap<string, string> = new Map([
  ['input', leaf],
  ['parameter', leaf],
  ['constant', leaf],
  ['after', ordering],
  ['fused', 'fusion comes after differentiation'],
  ['quantize', rounding],
  ['dequantize', rounding],
  ['quantizedConv2d', rounding],
  ['quantizedAdd', rounding],
  ['quantizedMul', rounding],
  ['quantizedAveragePool', rounding],
  ['lookUp', rounding],
  ['conv2dWeightGrad', secondOrder],
  ['maxPool2dGrad', secondOrder],
  ['channelSums', secondOrder],
  ['reluGrad', secondOrder],
  ['partialMoments', split],
  ['mergeMoments', split],
  ['partialSums', split],
  ['partialTotals', split],
]);
