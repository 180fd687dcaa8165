/** Sizes of the compiler's dimensions in the artifact's form. */
import type { Dim } from '../ir/dim.ts';
import type { Extent } from '../kernels/kernel.ts';
import type { Size } from '../../runtime/artifact.ts';

export function sizeOf(extent: Extent): Size {
  if (typeof extent === 'number') return extent;
  if ('product' in extent) return { product: extent.product.map(sizeOf), divisor: extent.divisor };
  return { terms: extent.terms.map(({ coefficient, symbols }) => [coefficient, [...symbols]]) };
}

/** The word of a uniform block that holds a float. */
export function floatWord(value: number): number {
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setFloat32(0, value);
  return bytes.getUint32(0);
}

/** A dimension with every symbol at one: the size of one sample. */
export const sizeOfOne = (dim: Dim): number =>
  typeof dim === 'number' ? dim : dim.terms.reduce((sum, term) => sum + term.coefficient, 0);
