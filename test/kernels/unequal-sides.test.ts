/** No sample of a convolution that is the same along both axes would show kernels that take one axis for the other. */
import { describe, expect, it } from 'vitest';
import { makeGraph, makeNode, type Node } from '../../compiler/ir/node.ts';
import type { Op, Sample } from '../../compiler/ir/op.ts';
import type { DType } from '../../compiler/ir/type.ts';
import { candidates } from '../../compiler/kernels/select.ts';
import { conv2d, conv2dWeightGrad, convTranspose2d, input, quantizedConv2d } from '../../compiler/ops/index.ts';
import { constantNode } from '../../compiler/passes/constants.ts';
import { legalize } from '../../compiler/passes/legalize.ts';

const convolutions: readonly Op[] = [conv2d, convTranspose2d, quantizedConv2d, conv2dWeightGrad];

function rootOf(op: Op, { inputs, attrs }: Sample): Node {
  const nodes = inputs.map(({ shape, dtype = 'f32', constant }, index) => {
    const count = shape.reduce((a, b) => a * b, 1);
    const data =
      dtype === 'f32' ? new Float32Array(count) : dtype === 'i8' ? new Int8Array(count) : new Int32Array(count);
    return constant ? constantNode({ dtype, shape, data }) : given(index, dtype, shape);
  });
  const root = makeNode(op, nodes, attrs);
  return op === quantizedConv2d ? root : (legalize.run(makeGraph({ root })).outputs['root'] ?? root);
}

const isSinglePixel = ({ type }: Node): boolean => type.shape.slice(2).every((size) => size === 1);

const given = (index: number, dtype: DType, shape: readonly number[]): Node =>
  makeNode(input, [], { name: `x${index}`, index, dtype, shape });

/** The kernel's height and width, as the sample has them. */
function kernelOf(op: Op, { inputs, attrs }: Sample): readonly unknown[] {
  if (op === conv2dWeightGrad) return Object(attrs['kernel']) as readonly unknown[];
  return inputs[1]?.shape.slice(2) ?? [];
}

/** Differs between the two axes in its kernel, and between all sides that a kernel could confuse in its padding. */
function hasUnequalSides(op: Op, sample: Sample): boolean {
  const [top, left, bottom, right] = Object(sample.attrs['padding']) as readonly number[];
  const [height, width] = kernelOf(op, sample);
  return height !== width && top !== left && top !== bottom && left !== right;
}

const stridesOf = ({ attrs }: Sample): readonly number[] => Object(attrs['stride']) as readonly number[];
const isStrided = (sample: Sample): boolean => stridesOf(sample).some((stride) => stride > 1);
const hasUnequalStrides = (sample: Sample): boolean => stridesOf(sample)[0] !== stridesOf(sample)[1];

describe.each(['software', 'gpu'] as const)('profile %s', (profile) => {
  it.each(convolutions.map((op) => [op.name, op] as const))(
    'kernels of %s are tried with all sides unequal',
    (_, op) => {
      const samples = op.samples.map((sample) => {
        const root = rootOf(op, sample);
        return { sample, root, kernels: candidates(root, profile).map(({ kernel }) => kernel.name) };
      });
      const kernelsOf = (chosen: (sample: Sample) => boolean): string[] =>
        [...new Set(samples.flatMap(({ sample, kernels }) => (chosen(sample) ? kernels : [])))].toSorted();
      // A kernel of single pixels has no sides.
      const sided = kernelsOf((sample) => !samples.some((each) => each.sample === sample && isSinglePixel(each.root)));
      const isSided = (name: string): boolean => sided.includes(name);
      expect(sided.length).toBeGreaterThan(0);
      expect(kernelsOf((sample) => hasUnequalSides(op, sample)).filter(isSided)).toEqual(sided);
      const unequal = kernelsOf((sample) => hasUnequalSides(op, sample) && hasUnequalStrides(sample));
      expect(unequal.filter(isSided)).toEqual(kernelsOf(isStrided).filter(isSided));
    },
  );
});
