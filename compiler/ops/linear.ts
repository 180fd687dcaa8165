/** `linear`: `[..., K]` times the transpose of `[O, K]`, plus a bias. */
import { dimsEqual, formatDim, multiplyDims, productOf, type Dim } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { elementCount, formatType, type Tensor, type TensorType } from '../ir/type.ts';
import type { NoAttrs } from './elementwise.ts';
import { expectAtMost, expectChannels, expectFloat, expectRank, expectRankAtLeast, operand } from './rules/expect.ts';
import { concreteShape, float64Of } from './rules/storage.ts';

export type LinearAttrs = NoAttrs;

const action = 'multiply';

function infer(inputs: readonly TensorType[]): TensorType {
  const [x, weight, bias] = [operand(inputs, 0, action), operand(inputs, 1, action), inputs[2]];
  expectAtMost(inputs, 3, action);
  expectFloat(inputs, action);
  expectRankAtLeast(x, 1, action, '[..., K]');
  expectRank(weight, 2, 'multiply by', '[O, K]', 1);
  const [outputs = 1, depth = 1] = weight.shape;
  const features = x.shape.at(-1) ?? 1;
  if (!dimsEqual(features, depth)) {
    const message = `cannot multiply ${formatType(x)} by the weight ${formatType(weight)}`;
    const fix = `axis 1 of the weight must be ${formatDim(features)}`;
    const help = x.shape.length > 2 ? `${fix}; flatten the input first if it holds maps` : fix;
    throw new OpError('E0303', message, { help, input: 1 });
  }
  if (bias) expectChannels(bias, outputs, 'bias', 2);
  return { dtype: 'f32', shape: [...x.shape.slice(0, -1), outputs] };
}

function evaluate(inputs: readonly Tensor[]): Tensor {
  const [x, weight, bias] = [operand(inputs, 0, action), operand(inputs, 1, action), inputs[2]];
  const shape = concreteShape(infer(inputs));
  const [outputs = 1, depth = 1] = weight.shape;
  const rows = elementCount(shape.slice(0, -1));
  const [source, weights] = [float64Of(x), float64Of(weight)];
  const biases = bias ? float64Of(bias) : new Float64Array(outputs);
  const result = new Float64Array(rows * outputs);
  for (let row = 0; row < rows; row++) {
    const from = row * depth;
    for (let output = 0; output < outputs; output++) {
      const start = output * depth;
      let sum = 0;
      for (let k = 0; k < depth; k++) sum += (source[from + k] ?? 0) * (weights[start + k] ?? 0);
      result[row * outputs + output] = sum + (biases[output] ?? 0);
    }
  }
  return { dtype: 'f32', shape, data: result };
}

/** Multiply-accumulates as torchvision counts them: the bias is free. */
const macs = (inputs: readonly TensorType[], result: TensorType): Dim =>
  multiplyDims(productOf(result.shape), operand(inputs, 1, action).shape[1] ?? 1);

function sample(name: string, x: readonly number[], outputs: number, bias = true): Sample<LinearAttrs> {
  const biases = bias ? [{ shape: [outputs], constant: true } as const] : [];
  const weight = { shape: [outputs, x.at(-1) ?? 1], constant: true } as const;
  return { name, inputs: [{ shape: x }, weight, ...biases], attrs: {} };
}

export const linear: Op<LinearAttrs> = {
  name: 'linear',
  summary: 'a fully connected layer',
  operands: ['x', 'weight', 'bias?'],
  infer,
  evaluate,
  macs,
  traits: { kind: 'layer' },
  samples: [
    sample('aligned', [1, 16], 8),
    sample('unaligned', [3, 10], 7),
    sample('without bias', [2, 13], 10, false),
    sample('one output', [4, 6], 1),
    sample('one feature', [2, 1], 5),
    sample('many features', [1, 300], 130),
    sample('large batch', [37, 9], 11),
    sample('sequence', [2, 5, 6], 9),
  ],
};
