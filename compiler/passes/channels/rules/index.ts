/** Which ops carry channels, and how: a rule for each that has one, and for each that has none the reason. */
import {
  adaptiveAveragePool2d,
  averagePool2d,
  dilate,
  dropout,
  globalAveragePool,
  maxPool2d,
  ops,
  reduceMax,
  reduceMean,
  reduceSum,
  resize,
  subsample,
} from '../../../ops/index.ts';
import { ruleOf, elementwise, planewise, type ChannelRule, type Entry } from '../rule.ts';
import { convolution } from './convolution.ts';
import { movement } from './movement.ts';
import { normalisation } from './normalisation.ts';

/** Those that have an expression work element by element; `dropout` leaves before any kernel needs one. */
const elements: readonly Entry[] = [...ops.values()]
  .filter((op) => op.scalar !== undefined || op.name === dropout.name)
  .map((op) => elementwise(op));

const planes: readonly Entry[] = [
  planewise(maxPool2d),
  planewise(averagePool2d),
  planewise(globalAveragePool),
  planewise(adaptiveAveragePool2d),
  planewise(subsample),
  planewise(dilate),
  planewise(resize),
];

/** A sum or a maximum over an axis mixes all that lies along it. */
const reductions: readonly Entry[] = [reduceMean, reduceSum, reduceMax].map((op) =>
  ruleOf(op, {
    channels: ({ attrs: { axes, keepDims } }, [x = []], ties) => {
      for (const axis of axes) ties.pin(x[axis]);
      const left = x.map((own, axis) => (axes.includes(axis) ? undefined : own));
      return keepDims ? left : left.filter((_, axis) => !axes.includes(axis));
    },
  }),
);

export const channelRules: ReadonlyMap<string, ChannelRule> = new Map([
  ...elements,
  ...planes,
  ...reductions,
  ...convolution,
  ...normalisation,
  ...movement,
]);

const leaf = 'a leaf has no operands: what is given stays, what is learnt can lose any axis';
const training = 'occurs in training steps, which are built after pruning';
const integer = 'pruning comes before quantization';
const fusion = 'fusion comes after pruning';

/** Why each other op has no rule; its operands keep all their channels. */
export const withoutChannelRule: ReadonlyMap<string, string> = new Map([
  ['input', leaf],
  ['parameter', leaf],
  ['constant', leaf],
  ['argMax', 'gives an index among its channels, whose meaning would change'],
  ['oneHot', training],
  ['channelMoments', training],
  ['channelSums', training],
  ['batchNormTraining', training],
  ['maxPool2dGrad', training],
  ['averagePool2dGrad', training],
  ['adaptiveAveragePool2dGrad', training],
  ['resizeGrad', training],
  ['conv2dWeightGrad', training],
  ['sumSlices', training],
  ['partialMoments', training],
  ['mergeMoments', training],
  ['partialSums', training],
  ['partialTotals', training],
  ['dropoutMask', training],
  ['packWeights', training],
  ['fromStorage', training],
  ['flatStorage', training],
  ['after', training],
  ['quantize', integer],
  ['dequantize', integer],
  ['lookUp', integer],
  ['quantizedConv2d', integer],
  ['quantizedAdd', integer],
  ['quantizedMul', integer],
  ['quantizedAveragePool', integer],
  ['fused', fusion],
]);
