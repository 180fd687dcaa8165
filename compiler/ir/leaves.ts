/** The three nodes without inputs: what a graph is given at run time, what is learned, and what is fixed. */
import type { Dim } from './dim.ts';
import type { Node } from './node.ts';
import type { DType, Tensor } from './type.ts';

export type InputAttrs = {
  readonly name: string;
  /** Position in the signature, from zero. */
  readonly index: number;
  readonly dtype: DType;
  readonly shape: readonly Dim[];
};

export type ParameterInit = {
  readonly kind: 'kaimingUniform' | 'uniform' | 'zeros' | 'ones' | 'constant';
  readonly fanIn?: number;
  /** Of `constant`. */
  readonly value?: number;
};

export type ParameterAttrs = {
  /** The state_dict path, as in `layer2.0.conv1.weight`. */
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Dim[];
  readonly init: ParameterInit;
};

export type ConstantAttrs = {
  readonly tensor: Tensor;
  /** The parameter it came from, or empty. */
  readonly name: string;
};

export const isInput = (node: Node): node is Node<InputAttrs> => node.op.name === 'input';
export const isParameter = (node: Node): node is Node<ParameterAttrs> => node.op.name === 'parameter';
export const isConstant = (node: Node): node is Node<ConstantAttrs> => node.op.name === 'constant';

/** A parameter as weights files know it. */
export interface ParameterShape {
  /** The state_dict path. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: ParameterInit;
  /** One value an element of axis 1 that files may hold with unit axes around it, or once for all, as slopes of PReLU. */
  readonly isSpread?: boolean | undefined;
}
