/** Gradients of pools and of resizing; those of the linear ones are each other's, so they have gradients as well. */
import { makeNode, type Node } from '../../ir/node.ts';
import {
  adaptiveAveragePool2d,
  adaptiveAveragePool2dGrad,
  averagePool2d,
  averagePool2dGrad,
  globalAveragePool,
  maxPool2d,
  maxPool2dGrad,
  resize,
  resizeGrad,
} from '../../ops/index.ts';
import type { AveragePool2dAttrs } from '../../ops/average-pool2d.ts';
import type { Pair } from '../../ops/rules/expect.ts';
import { expanded, over, sizeOf } from '../expressions.ts';
import { ruleOfOne, type Entry } from './rule.ts';

const planeOf = (x: Node): Pair => [sizeOf(x, 2), sizeOf(x, 3)];

/** The attributes that a pool has itself. */
const windowsOf = ({ kernel, stride, padding, ceilMode, countIncludePad }: AveragePool2dAttrs): AveragePool2dAttrs => ({
  kernel,
  stride,
  padding,
  ceilMode,
  countIncludePad,
});

export const pooling: readonly Entry[] = [
  // Equal cells of a window: the first in row-major order takes it all, as in PyTorch.
  ruleOfOne(maxPool2d, (g, { attrs }, x) => makeNode(maxPool2dGrad, [x, g], attrs)),
  ruleOfOne(averagePool2d, (g, { attrs }, x) => makeNode(averagePool2dGrad, [g], { ...attrs, size: planeOf(x) })),
  ruleOfOne(averagePool2dGrad, (g, { attrs }) => makeNode(averagePool2d, [g], windowsOf(attrs))),
  ruleOfOne(globalAveragePool, (g, _, x) => expanded(over(g, sizeOf(x, 2) * sizeOf(x, 3)), x.type.shape)),
  ruleOfOne(adaptiveAveragePool2d, (g, _, x) => makeNode(adaptiveAveragePool2dGrad, [g], { size: planeOf(x) })),
  ruleOfOne(adaptiveAveragePool2dGrad, (g, _, x) => makeNode(adaptiveAveragePool2d, [g], { size: planeOf(x) })),
  ruleOfOne(resize, (g, { attrs: { mode } }, x) => makeNode(resizeGrad, [g], { mode, size: planeOf(x) })),
  ruleOfOne(resizeGrad, (g, { attrs: { mode } }, x) => makeNode(resize, [g], { mode, size: planeOf(x) })),
];
