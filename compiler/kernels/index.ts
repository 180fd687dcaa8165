/** Every kernel, the preferred first: the first that supports a node and its profile runs it. */
import type { Kernel } from './kernel.ts';
import { conv2dDirect } from './conv2d-direct.ts';
import { conv2dGrouped } from './conv2d-grouped.ts';
import { conv2dTiled } from './conv2d-tiled.ts';
import { convTranspose } from './conv-transpose.ts';
import { convTransposeGrouped } from './conv-transpose-grouped.ts';
import { depthwise } from './depthwise.ts';
import { depthwiseTranspose } from './depthwise-transpose.ts';
import { elementwise } from './elementwise.ts';
import { gather } from './gather.ts';
import { groupNorm } from './group-norm.ts';
import { linear } from './linear.ts';
import { packWeightsKernel } from './pack-weights.ts';
import { globalPool, pool } from './pool.ts';
import { reduce } from './reduce.ts';
import { resize } from './resize.ts';
import { softmax } from './softmax.ts';
import { sumSlicesKernel } from './sum-slices.ts';

export const kernels: readonly Kernel[] = [
  linear,
  depthwise,
  conv2dDirect,
  conv2dTiled,
  conv2dGrouped,
  depthwiseTranspose,
  convTranspose,
  convTransposeGrouped,
  packWeightsKernel,
  sumSlicesKernel,
  globalPool,
  pool,
  softmax,
  resize,
  groupNorm,
  reduce,
  gather,
  elementwise,
];
