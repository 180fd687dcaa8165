/** Weights as i8: symmetric, one scale an output channel, coarser only where the bias would not fit i32 else. */
import type { Tensor } from '../../ir/type.ts';
import { roundHalfEven } from '../../ops/rules/integer.ts';

export interface QuantizedWeight {
  /** i8 in -127 to 127. */
  readonly values: Tensor;
  /** One an output, as float32. */
  readonly scales: Float32Array;
}

/** Biases stay below it in units of `inputScale * scale`. */
const largestBias = 2 ** 29;

export interface WeightOptions {
  /** Scale of the values that the weights meet. */
  readonly inputScale: number;
  readonly bias?: Tensor | undefined;
  /** One scale for all outputs. */
  readonly perTensor?: boolean;
}

/** `scale = max|w| / 127` over an output's slice, and at least `|bias| / (inputScale * 2^29)`; 1 where all are zero. */
function scaleOf(largest: number, bias: number, inputScale: number): number {
  const wanted = Math.max(largest / 127, Math.abs(bias) / (inputScale * largestBias));
  return wanted === 0 ? 1 : Math.max(Math.fround(wanted), 2 ** -60);
}

export function quantizeWeight(
  weight: Tensor,
  { inputScale, bias, perTensor = false }: WeightOptions,
): QuantizedWeight {
  const outputs = weight.shape[0] ?? 1;
  const length = weight.data.length / outputs;
  const largest = new Float64Array(outputs);
  for (let at = 0; at < weight.data.length; at++) {
    const output = Math.floor(at / length);
    largest[output] = Math.max(largest[output] ?? 0, Math.abs(weight.data[at] ?? 0));
  }
  if (perTensor) largest.fill(largest.reduce((a, b) => Math.max(a, b), 0));
  const scales = Float32Array.from(largest, (value, output) => scaleOf(value, bias?.data[output] ?? 0, inputScale));
  if (perTensor) scales.fill(scales.reduce((a, b) => Math.max(a, b), 0));
  const data = new Int8Array(weight.data.length);
  for (let at = 0; at < data.length; at++) {
    const steps = roundHalfEven((weight.data[at] ?? 0) / (scales[Math.floor(at / length)] ?? 1));
    data[at] = Math.min(Math.max(steps, -127), 127);
  }
  return { values: { dtype: 'i8', shape: weight.shape, data }, scales };
}
