/** Every kernel, the preferred first: the first that supports a node and its profile runs it. */
import type { Kernel } from './kernel.ts';
import { channelFold } from './channel-fold.ts';
import { channelSums } from './channel-sums.ts';
import { convTranspose } from './conv-transpose.ts';
import { convTransposeGrouped } from './conv-transpose-grouped.ts';
import { conv2dDirect } from './conv2d-direct.ts';
import { conv2dGrouped } from './conv2d-grouped.ts';
import { conv2dTiled } from './conv2d-tiled.ts';
import { depthwise } from './depthwise.ts';
import { depthwiseTranspose } from './depthwise-transpose.ts';
import { dilate } from './dilate.ts';
import { dropoutMask } from './dropout-mask.ts';
import { elementwise } from './elementwise.ts';
import { gather } from './gather.ts';
import { groupNorm } from './group-norm.ts';
import { argMax, oneHot } from './labels.ts';
import { linear } from './linear.ts';
import { maxPoolGrad } from './max-pool-grad.ts';
import { maxPoolGradRows } from './max-pool-grad-rows.ts';
import { mergeMoments } from './merge-moments.ts';
import { packWeightsKernel } from './pack-weights.ts';
import { globalPool, pool } from './pool.ts';
import { quantizedCells } from './quantized-cells.ts';
import { quantizedConv2dDirect } from './quantized-conv2d-direct.ts';
import { quantizedConv2dGrouped } from './quantized-conv2d-grouped.ts';
import { quantizedConv2dTiled } from './quantized-conv2d-tiled.ts';
import { quantizedDepthwise } from './quantized-depthwise.ts';
import { quantizedLinear } from './quantized-linear.ts';
import { quantizedPool } from './quantized-pool.ts';
import { reduce } from './reduce.ts';
import { resize } from './resize.ts';
import { softmax } from './softmax.ts';
import { spread } from './spread.ts';
import { storageKernel } from './storage.ts';
import { sumSlicesKernel } from './sum-slices.ts';
import { totals } from './totals.ts';
import { weightGradDepthwise } from './weight-grad-depthwise.ts';
import { weightGradDirect } from './weight-grad-direct.ts';
import { weightGradGrouped } from './weight-grad-grouped.ts';
import { weightGradTiled } from './weight-grad-tiled.ts';

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
  weightGradDepthwise,
  weightGradTiled,
  weightGradDirect,
  weightGradGrouped,
  quantizedLinear,
  quantizedDepthwise,
  quantizedConv2dDirect,
  quantizedConv2dTiled,
  quantizedConv2dGrouped,
  quantizedCells,
  quantizedPool,
  globalPool,
  pool,
  maxPoolGradRows,
  maxPoolGrad,
  spread,
  softmax,
  resize,
  groupNorm,
  channelSums,
  mergeMoments,
  totals,
  channelFold,
  reduce,
  argMax,
  oneHot,
  dilate,
  dropoutMask,
  gather,
  storageKernel,
  elementwise,
];
