/** `instance_norm` against what PyTorch computed: values, and gradients of the image and of what is learnt. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { isInput, isParameter } from '../../compiler/ir/leaves.ts';
import { makeGraph, topologicalOrder } from '../../compiler/ir/node.ts';
import { differentiate } from '../../compiler/train/differentiate.ts';
import { tensorOf, times, total } from '../../compiler/train/expressions.ts';
import { expectTensor, f32 } from '../ops/check-op.ts';
import { nameOf } from '../train/finite-difference.ts';
import { built, faultsOf } from './memory-host.ts';

interface Recorded {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Case {
  readonly call: string;
  readonly image: Recorded;
  /** The gradients are those of the sum of the result times these. */
  readonly factors: Recorded;
  readonly result: Recorded;
  readonly gradient: Recorded;
  readonly parameters: Readonly<Record<string, { readonly value: Recorded; readonly gradient: Recorded }>>;
}

const cases = JSON.parse(
  readFileSync(new URL('../golden/analyze/instance-norm.json', import.meta.url), 'utf8'),
) as readonly Case[];

const model = (shape: readonly number[], call: string): string =>
  `model M(image: f32[${shape.join(', ')}]) {\n  return image |> ${call}\n}`;

describe('instance_norm', () => {
  it.each(cases)('$call of $image.shape is PyTorch’s', ({ call, image, factors, result, gradient, parameters }) => {
    const { graph, parameters: learnt } = built(model(image.shape, call));
    expect(learnt.map(({ name }) => name)).toEqual(Object.keys(parameters));
    const values = Object.fromEntries(
      Object.entries(parameters).map(([name, { value }]) => [name, f32(value.shape, value.data)]),
    );
    const [output] = Object.values(graph.outputs);
    if (!output) throw new Error('no output');
    const leaves = topologicalOrder(graph).filter((node) => isInput(node) || isParameter(node));
    const found = differentiate(total(times(output, tensorOf([...factors.shape], [...factors.data]))), leaves);
    const gradients = Object.fromEntries(leaves.map((leaf) => [`d ${nameOf(leaf)}`, found.get(leaf) ?? leaf]));
    const results = evaluateGraph(
      makeGraph({ result: output, ...gradients }),
      { image: f32(image.shape, image.data) },
      { parameters: values },
    );
    const wanted = {
      result,
      'd image': gradient,
      ...Object.fromEntries(Object.entries(parameters).map(([name, each]) => [`d ${name}`, each.gradient])),
    };
    expect(Object.keys(results).toSorted()).toEqual(Object.keys(wanted).toSorted());
    for (const [name, tensor] of Object.entries(wanted)) expectTensor(results[name] ?? f32([], []), tensor);
  });

  it('has weights of the names of PyTorch where it learns, and else none', () => {
    const { parameters } = built(model([1, 6, 4, 4], 'n: instance_norm(affine=true)'));
    expect(parameters.map(({ name, shape }) => [name, shape])).toEqual([
      ['n.weight', [6]],
      ['n.bias', [6]],
    ]);
    expect(built(model([1, 6, 4, 4], 'instance_norm |> instance_norm')).parameters).toEqual([]);
  });

  it.each([
    [[1, 6, 1, 1], 'E0310 2:19 one pixel has no variance: `instance_norm` of f32[1, 6, 1, 1] is zero'],
    [[1, 6], 'E0301 2:19 cannot normalise f32[1, 6]: its rank is 2, less than 3'],
  ])('does not take %j', (shape, fault) => {
    expect(faultsOf(model(shape, 'instance_norm'))).toEqual([fault]);
  });
});
