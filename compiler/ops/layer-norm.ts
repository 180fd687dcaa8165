/** `layerNorm`: the trailing axes that gamma has, to mean 0 and variance 1, then scaled and shifted (Ba et al. 2016). */
import { shapesEqual } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { elementCount, formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectFloat, operand } from './rules/expect.ts';
import { expectEps, standardise } from './rules/normalise.ts';
import { float64Of } from './rules/storage.ts';

export type LayerNormAttrs = { readonly eps: number };

const action = 'normalise';

function infer(inputs: readonly TensorType[], { eps }: LayerNormAttrs): TensorType {
  const [x, gamma] = [operand(inputs, 0, action), operand(inputs, 1, action)];
  expectAtMost(inputs, 3, action);
  expectFloat(inputs, action);
  expectEps(eps);
  const rank = gamma.shape.length;
  if (rank === 0 || rank > x.shape.length || !shapesEqual(gamma.shape, x.shape.slice(-rank))) {
    const message = `the gamma ${formatType(gamma)} has not the last axes of ${formatType(x)}`;
    throw new OpError('E0303', message, { input: 1, help: 'its shape says over which axes to normalise' });
  }
  const beta = operand(inputs, 2, action);
  if (shapesEqual(beta.shape, gamma.shape)) return x;
  throw new OpError('E0303', `the beta ${formatType(beta)} has another shape than ${formatType(gamma)}`, { input: 2 });
}

function evaluate(inputs: readonly Tensor[], attrs: LayerNormAttrs): Tensor {
  infer(inputs, attrs);
  const [x, gamma, beta] = [operand(inputs, 0, action), operand(inputs, 1, action), operand(inputs, 2, action)];
  const size = elementCount(gamma.shape);
  const data = standardise(float64Of(x), elementCount(x.shape) / size, attrs.eps);
  for (let at = 0; at < data.length; at++) {
    data[at] = (data[at] ?? 0) * (gamma.data[at % size] ?? 1) + (beta.data[at % size] ?? 0);
  }
  return { dtype: 'f32', shape: x.shape, data };
}

function sample(name: string, shape: readonly number[], axes: number, eps = 1e-5): Sample<LayerNormAttrs> {
  const parameter = { shape: shape.slice(-axes), constant: true } as const;
  return { name, inputs: [{ shape, range: [-1, 3] }, parameter, parameter], attrs: { eps } };
}

export const layerNorm: Op<LayerNormAttrs> = {
  name: 'layerNorm',
  summary: 'mean 0 and variance 1 over the last axes, then scale and shift',
  operands: ['x', 'gamma', 'beta'],
  infer,
  evaluate,
  traits: { kind: 'norm' },
  samples: [
    sample('matrix', [3, 10], 1),
    sample('aligned matrix', [2, 16], 1),
    sample('sequence', [2, 5, 7], 1),
    sample('image', [2, 6, 4, 5], 3),
    sample('planes', [2, 5, 3, 4], 2),
    sample('rows', [1, 3, 4, 6], 1),
    sample('everything', [2, 3, 4], 3),
    sample('large eps', [2, 9], 1, 0.5),
  ],
};
