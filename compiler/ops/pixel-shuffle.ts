/** `pixelShuffle`: factor * factor channels become factor by factor pixels (Shi et al. 2016). */
import { divideDims, formatDim, multiplyDims } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectInteger, expectRank, operand } from './rules/expect.ts';
import { concreteShape, gather } from './rules/storage.ts';

export type PixelShuffleAttrs = { readonly factor: number };

const action = 'shuffle the pixels of';

function infer(inputs: readonly TensorType[], { factor }: PixelShuffleAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectRank(x, 4, action, '[N, C, H, W]');
  expectInteger(factor, 1, 'factor');
  const [batch = 1, channels = 1, height = 1, width = 1] = x.shape;
  const outputs = divideDims(channels, factor * factor);
  if (outputs === undefined) {
    const message = `${factor} * ${factor} does not divide the ${formatDim(channels)} channels of ${formatType(x)}`;
    throw new OpError('E0304', message, { input: 0 });
  }
  return { dtype: x.dtype, shape: [batch, outputs, multiplyDims(height, factor), multiplyDims(width, factor)] };
}

/** `y[n, c, h*f + i, w*f + j] = x[n, (c*f + i)*f + j, h, w]`. */
function evaluate(inputs: readonly Tensor[], attrs: PixelShuffleAttrs): Tensor {
  const shape = concreteShape(infer(inputs, attrs));
  const x = operand(inputs, 0, action);
  const { factor } = attrs;
  const [batch = 1, channels = 1, height = 1, width = 1] = x.shape;
  const plane = height * width;
  const split = [batch, channels / factor ** 2, height, factor, width, factor];
  const strides = [channels * plane, factor * factor * plane, width, factor * plane, 1, plane];
  return { ...gather(x, split, strides), shape };
}

const sample = (name: string, shape: readonly number[], factor: number): Sample<PixelShuffleAttrs> => ({
  name,
  inputs: [{ shape }],
  attrs: { factor },
});

export const pixelShuffle: Op<PixelShuffleAttrs> = {
  name: 'pixelShuffle',
  summary: 'channels become blocks of pixels',
  operands: ['x'],
  infer,
  evaluate,
  traits: { kind: 'move', isMovement: true },
  samples: [
    sample('by two', [2, 16, 3, 4], 2),
    sample('by two unaligned', [1, 12, 4, 3], 2),
    sample('to one channel', [2, 4, 3, 5], 2),
    sample('by three', [1, 27, 2, 3], 3),
    sample('by four to five channels', [1, 80, 2, 2], 4),
    sample('by one', [1, 5, 3, 2], 1),
  ],
};
