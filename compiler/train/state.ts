/** Flat vectors of state: tensors one after another in storage order, so that one op updates all of them. */
import { makeNode, type Node } from '../ir/node.ts';
import { fromStorage, parameter } from '../ops/index.ts';
import { storedLength } from '../ops/rules/storage-order.ts';
import { originOf } from './provenance.ts';

/** `auxiliary`: learned, but no part of the model. */
export type StateKind = 'parameter' | 'auxiliary' | 'statistic' | 'slot' | 'ema' | 'total';

/** A tensor inside a vector; these are what checkpoints hold. */
export interface StateTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** In elements from the start of the vector; a multiple of four. */
  readonly offset: number;
  readonly kind: StateKind;
}

export interface StateVector {
  readonly name: string;
  /** The IR's `parameter`, `f32[1, length]`; both programs read the same node. */
  readonly parameter: Node;
  readonly length: number;
  readonly tensors: readonly StateTensor[];
}

export function stateVector(name: string, length: number, tensors: readonly StateTensor[]): StateVector {
  const attrs = { name, dtype: 'f32', shape: [1, length], init: { kind: 'zeros' } } as const;
  return { name, parameter: makeNode(parameter, [], attrs), length, tensors };
}

/** A vector of tensors one after another. */
export function packedVector(name: string, tensors: readonly Omit<StateTensor, 'offset'>[]): StateVector {
  let length = 0;
  const placed = tensors.map((tensor) => {
    const offset = length;
    length += storedLength(tensor.shape);
    return { ...tensor, offset };
  });
  return stateVector(name, length, placed);
}

/** A vector whose tensors lie as those of another do. */
export const alike = (name: string, vector: StateVector, kind: StateKind, prefix: string): StateVector =>
  stateVector(
    name,
    vector.length,
    vector.tensors.map((tensor) => ({ ...tensor, name: `${prefix}.${tensor.name}`, kind })),
  );

/** The tensor as a value of the graph; its path is that of the layer. */
export const tensorIn = (vector: StateVector, { name, offset, shape }: StateTensor): Node =>
  makeNode(fromStorage, [vector.parameter], { offset, shape }, originOf(name.replace(/\.?[^.]*$/, '')));

/** `name`, `name.1`, `name.2`, ... */
export const numbered = (name: string, index: number): string => (index === 0 ? name : `${name}.${index}`);
