import { describe, expect, it } from 'vitest';
import { isParameter } from '../../compiler/ir/leaves.ts';
import { topologicalOrder, usersOf } from '../../compiler/ir/node.ts';
import { optimizerOf } from '../../compiler/train/optimizers/index.ts';
import { isExcepted, restraintOf, roleOf, type Regularizer } from '../../compiler/train/regularize.ts';
import { graphOf } from './reference-training.ts';

describe('a pattern of except', () => {
  it.each([
    ['bias', 'fc.bias', 'bias', true],
    ['bias', 'bn1.bias', 'norm', false],
    ['bn', 'bn1.bias', 'norm', true],
    ['bn', 'layer.0.weight', 'norm', true],
    ['bn', 'bn.weight', 'weight', false],
    ['fc', 'fc.weight', 'weight', true],
    ['fc', 'fc2.weight', 'weight', false],
    ['fc', 'head.fc.weight', 'weight', false],
    ['*.fc', 'head.fc.weight', 'weight', true],
    ['layer1', 'layer1.0.conv1.weight', 'weight', true],
    ['layer?', 'layer1.weight', 'weight', false],
    ['layer.0', 'layerx0.weight', 'weight', false],
    ['*.weight', 'a.b.weight', 'weight', true],
    ['*.weight', 'a.weights', 'weight', false],
    ['*', 'anything', 'weight', true],
  ] as const)('%s takes %s (%s): %s', (pattern, name, role, takes) => {
    expect(isExcepted(pattern, name, role)).toBe(takes);
  });
});

describe('the role of a parameter', () => {
  it('is read off the layer, not the name', () => {
    const graph = graphOf('golden-nets.cnn', 'ClassNet');
    const users = usersOf(graph);
    const roles = topologicalOrder(graph)
      .filter(isParameter)
      .filter(({ attrs }) => !attrs.name.includes('running'))
      .map((node): [string, string] => [node.attrs.name, roleOf(node, users.get(node) ?? [])]);
    expect(Object.fromEntries(roles)).toEqual({
      'conv1.weight': 'weight',
      'conv1.bias': 'bias',
      'bn1.weight': 'norm',
      'bn1.bias': 'norm',
      'conv2.weight': 'weight',
      'bn2.weight': 'norm',
      'bn2.bias': 'norm',
      'fc.weight': 'weight',
      'fc.bias': 'bias',
    });
  });
});

describe('what holds a parameter down', () => {
  const regularizers: readonly Regularizer[] = [
    { kind: 'l1', value: 0.1, except: ['conv'] },
    { kind: 'l2', value: 0.2, except: [] },
    { kind: 'weight_decay', value: 0.3, except: ['bias'] },
    { kind: 'l2', value: 0.05, except: ['fc'] },
  ];
  const adam = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 } as const;
  const sgd = optimizerOf({ kind: 'sgd', momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 }, false);

  it('sums up by kind', () => {
    const conv = restraintOf('conv.weight', 'weight', regularizers, sgd, 0.5);
    expect(conv).toEqual({ l1: 0, l2: 0.25, decay: 0.8, decoupled: 0 });
    const fc = restraintOf('fc.bias', 'bias', regularizers, sgd, 0.5);
    expect(fc).toEqual({ l1: 0.1, l2: 0.2, decay: 0.5, decoupled: 0 });
  });

  it.each([
    ['adam', 0.5, 0.3],
    ['adamw', 0, 0.8],
  ] as const)('follows %s in what its decay is', (kind, decay, decoupled) => {
    const held = restraintOf('conv.weight', 'weight', regularizers, optimizerOf({ ...adam, kind }, false), 0.5);
    expect(held).toMatchObject({ decay, decoupled });
  });
});
