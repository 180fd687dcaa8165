/** Tensors as callers hold them. */

/** A row-major float32 tensor (NCHW for images). */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}
