/** Every kernel, the preferred first: the first that supports a node and its profile runs it. */
import type { Kernel } from './kernel.ts';
import { channelFold } from './reduction/channel-fold.ts';
import { channelSums } from './reduction/channel-sums.ts';
import { convTranspose } from './convolution/conv-transpose.ts';
import { convTransposeGrouped } from './convolution/conv-transpose-grouped.ts';
import { conv2dDirect } from './convolution/conv2d-direct.ts';
import { conv2dGrouped } from './convolution/conv2d-grouped.ts';
import { conv2dTiled } from './convolution/conv2d-tiled.ts';
import { depthwise } from './convolution/depthwise.ts';
import { depthwiseTranspose } from './convolution/depthwise-transpose.ts';
import { dilate } from './movement/dilate.ts';
import { dropoutMask } from './movement/dropout-mask.ts';
import { elementwise } from './movement/elementwise.ts';
import { gather } from './movement/gather.ts';
import { groupNorm } from './reduction/group-norm.ts';
import { argMax, oneHot } from './movement/labels.ts';
import { linear } from './convolution/linear.ts';
import { maxPoolGrad } from './reduction/max-pool-grad.ts';
import { maxPoolGradRows } from './reduction/max-pool-grad-rows.ts';
import { mergeMoments } from './reduction/merge-moments.ts';
import { packWeightsKernel } from './movement/pack-weights.ts';
import { globalPool, pool } from './reduction/pool.ts';
import { quantizedCells } from './quantized/quantized-cells.ts';
import { quantizedConv2dDirect } from './quantized/quantized-conv2d-direct.ts';
import { quantizedConv2dGrouped } from './quantized/quantized-conv2d-grouped.ts';
import { quantizedConv2dTiled } from './quantized/quantized-conv2d-tiled.ts';
import { quantizedDepthwise } from './quantized/quantized-depthwise.ts';
import { quantizedLinear } from './quantized/quantized-linear.ts';
import { quantizedPool } from './quantized/quantized-pool.ts';
import { reduce } from './reduction/reduce.ts';
import { resize } from './movement/resize.ts';
import { softmax } from './reduction/softmax.ts';
import { spread } from './reduction/spread.ts';
import { storageKernel } from './movement/storage.ts';
import { sumSlicesKernel } from './reduction/sum-slices.ts';
import { totals } from './reduction/totals.ts';
import { weightGradDepthwise } from './convolution/weight-grad-depthwise.ts';
import { weightGradDirect } from './convolution/weight-grad-direct.ts';
import { weightGradGrouped } from './convolution/weight-grad-grouped.ts';
import { weightGradTiled } from './convolution/weight-grad-tiled.ts';

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
