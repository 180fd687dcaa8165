/** Telling attribute values apart. */
import type { SymbolicDim } from './dim.ts';
import type { Graph } from './node.ts';
import type { AttrValue } from './op.ts';
import type { Tensor } from './type.ts';

export const isList = (value: AttrValue): value is readonly AttrValue[] => Array.isArray(value);

export const isSymbolicDim = (value: AttrValue): value is SymbolicDim => typeof value === 'object' && 'terms' in value;

export const isGraph = (value: AttrValue | undefined): value is Graph =>
  typeof value === 'object' && 'outputs' in value && 'updates' in value;

export const isTensor = (value: AttrValue): value is Tensor =>
  typeof value === 'object' && 'data' in value && 'dtype' in value;
