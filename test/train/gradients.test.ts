/** Every gradient rule against central differences in float64, and what PyTorch does where there is no derivative. */
import { describe, expect, it } from 'vitest';
import { makeNode } from '../../compiler/ir/node.ts';
import { batchNormTraining, ops } from '../../compiler/ops/index.ts';
import { gradients, noContribution, notDifferentiable } from '../../compiler/train/gradients/index.ts';
import { distinctTensors, drawOf, runSeed } from './draw.ts';
import { gradientFault, leafOf, weighted } from './finite-difference.ts';
import { generators, type Generator } from './gradient-cases.ts';

const casesOfEach = 24;

/** What is wrong with an op's gradients in one random case; undefined where nothing is. */
function faultOf(generator: Generator, ...keys: readonly (string | number)[]): string | undefined {
  const draw = drawOf(runSeed, ...keys);
  const { operands, build } = generator(draw);
  const names = operands.map((_, index) => `x${index}`);
  const leaves = operands.map((tensor, index) => leafOf(`x${index}`, index, tensor));
  const values = Object.fromEntries(operands.map((tensor, index) => [names[index], tensor]));
  return gradientFault(weighted(build(leaves), draw), leaves, values, draw);
}

describe('the tables', () => {
  it('say of every op whether it has a gradient, and why where it has none', () => {
    const undecided = [...ops.keys()].filter((name) => gradients.has(name) === notDifferentiable.has(name));
    expect(undecided).toEqual([]);
    const unknown = [...gradients.keys(), ...notDifferentiable.keys()].filter((name) => !ops.has(name));
    expect(unknown).toEqual([]);
  });

  it('have every rule tested here, but of those that contribute nothing', () => {
    // Straight-through estimators are not what differences give: test/train/fake-quantize.test.ts.
    const tested = ([name, rule]: [string, unknown]) => rule !== noContribution && name !== 'fakeQuantize';
    const rules = [...gradients].filter(tested).map(([name]) => name);
    expect(Object.keys(generators).toSorted()).toEqual(rules.toSorted());
  });
});

describe('the check by differences', () => {
  it('finds a gradient that is wrong: of batch normalisation by moments that are not those of its operand', () => {
    const draw = drawOf(3);
    const tensors = distinctTensors(draw, [[2, 3, 2, 2], [3, 3], [3], [3]], [0.5, 2]);
    const leaves = tensors.map((tensor, index) => leafOf(`x${index}`, index, tensor));
    const values = Object.fromEntries(tensors.map((tensor, index) => [`x${index}`, tensor]));
    const loss = weighted(makeNode(batchNormTraining, leaves, { eps: 1e-5 }), draw);
    expect(gradientFault(loss, leaves.slice(2), values, draw)).toBeUndefined();
    expect(gradientFault(loss, leaves.slice(0, 1), values, draw)).toMatch(/^d loss \/ d x0\[\d+\] is /);
  });
});

describe(`gradients agree with differences (CNNC_SEED=${runSeed})`, () => {
  it.each(Object.entries(generators))('%s', (name, list) => {
    for (const [index, generator] of list.entries()) {
      for (let number = 0; number < casesOfEach; number++) {
        const fault = faultOf(generator, name, index, number);
        expect(fault, `case ${index}/${number} of ${name}; replay with CNNC_SEED=${runSeed}`).toBeUndefined();
      }
    }
  });
});
