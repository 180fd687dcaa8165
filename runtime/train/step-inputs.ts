/** The host-side numbers that enter a step, and the labels of a batch that count in it. */
import type { HostTensor } from '../host-tensor.ts';
import { isCounted } from './loop/metrics.ts';
import type { Recipe, Scalar } from './recipe.ts';
import type { Rates } from './loop/schedules.ts';
import type { Batch } from './loop/training-run.ts';

/** The scalar inputs of optimizer step `step`, counted from zero. */
export function scalarInputs({ scalars, seed }: Recipe, step: number, rates: Rates): Record<string, HostTensor> {
  return Object.fromEntries(scalars.map((scalar) => [scalar.input, scalarInput(scalar, seed, step, rates)]));
}

function scalarInput(scalar: Scalar, seed: number, step: number, { lr, momentum }: Rates): HostTensor {
  switch (scalar.kind) {
    case 'lr':
      return single(lr);
    case 'momentum':
      return single(momentum ?? 0);
    case 'biasCorrection':
      return single(1 - scalar.beta ** (step + 1));
    case 'inverseTime':
      return single(1 / (1 + scalar.decay * step));
    case 'rng':
      // All below 2^24, so that float32 holds them exactly.
      return { shape: [1, 4], data: Float32Array.of(step % 2 ** 24, seed & 0xffff, (seed >>> 16) & 0xffff, 0) };
  }
}

const single = (value: number): HostTensor => ({ shape: [1, 1], data: Float32Array.of(value) });

/** How many labels of a batch count in loss and accuracy. */
export function countLabels({ target }: Recipe, { inputs, count }: Batch): number {
  const labels = inputs['labels'];
  if (!labels) return count;
  const used = (labels.data.length / Math.max(1, labels.shape[0] ?? 1)) * count;
  return labels.data.subarray(0, used).reduce((sum, label) => sum + (isCounted(target, label) ? 1 : 0), 0);
}
