/** `packWeights`: a weight as it is; the attributes say in which order its elements lie on the device. */
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectFloat, expectInteger, operand } from './rules/expect.ts';
import { float64Of } from './rules/storage.ts';

/**
 * `outputs`: for `conv2d` and `linear`; `transposed`: for `convTranspose2d`; `depthwise`: for either with one channel
 * a group on both sides.
 */
export type PackedForm = 'outputs' | 'transposed' | 'depthwise';

export type PackWeightsAttrs = {
  readonly form: PackedForm;
  /** Groups of the convolution that reads the weight. */
  readonly groups: number;
};

const action = 'pack';
const ranks: Readonly<Record<PackedForm, readonly number[]>> = { outputs: [2, 4], transposed: [4], depthwise: [4] };

function infer(inputs: readonly TensorType[], { form, groups }: PackWeightsAttrs): TensorType {
  const weight = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectFloat(inputs, action);
  expectInteger(groups, 1, 'groups');
  if (!Object.hasOwn(ranks, form)) throw new OpError('E0310', `no packed form is called ${form}`);
  const rank = weight.shape.length;
  if (!ranks[form].includes(rank)) {
    const message = `cannot pack ${formatType(weight)}: its rank is ${rank}, not ${ranks[form].join(' or ')}`;
    throw new OpError('E0301', message, { input: 0 });
  }
  const [outer = 1, inner = 1] = weight.shape;
  const fits = form === 'depthwise' ? outer === groups && inner === 1 : Number(outer) % groups === 0;
  if (fits) return weight;
  throw new OpError('E0304', `cannot pack ${formatType(weight)} as ${form} of ${groups} groups`, { input: 0 });
}

function evaluate(inputs: readonly Tensor[]): Tensor {
  const weight = operand(inputs, 0, action);
  return { ...weight, data: float64Of(weight) };
}

const sample = (name: string, shape: readonly number[], form: PackedForm, groups = 1): Sample<PackWeightsAttrs> => ({
  name,
  inputs: [{ shape }],
  attrs: { form, groups },
});

export const packWeights: Op<PackWeightsAttrs> = {
  name: 'packWeights',
  summary: 'a weight in the order in which a kernel reads it',
  operands: ['weight'],
  infer,
  evaluate,
  samples: [
    sample('outputs', [8, 4, 3, 3], 'outputs'),
    sample('outputs unaligned', [6, 5, 3, 2], 'outputs'),
    sample('outputs of a matrix', [7, 10], 'outputs'),
    sample('outputs in groups', [6, 2, 3, 3], 'outputs', 3),
    sample('transposed', [8, 4, 3, 3], 'transposed'),
    sample('transposed unaligned', [5, 6, 2, 3], 'transposed'),
    sample('transposed in groups', [6, 3, 3, 3], 'transposed', 3),
    sample('depthwise', [6, 1, 3, 3], 'depthwise', 6),
  ],
};
