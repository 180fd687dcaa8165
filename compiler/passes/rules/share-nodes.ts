/** Common subexpressions by hash-consing: nodes with equal op, attributes and inputs become one. */
import { isGraph, isList, isSymbolicDim, isTensor } from '../../ir/attributes.ts';
import { formatDim } from '../../ir/dim.ts';
import { isConstant, isInput, isParameter } from '../../ir/leaves.ts';
import type { Node } from '../../ir/node.ts';
import type { AttrValue } from '../../ir/op.ts';
import { formatNumber, formatTensor } from '../../ir/tensor-literal.ts';
import type { Visit } from '../../ir/rewrite.ts';
import type { Tensor } from '../../ir/type.ts';

/** Constants of at most this many elements are compared by content, larger ones by identity. */
const comparedElements = 32;

const tensorKey = (tensor: Tensor, numberOf: (value: object) => string): string =>
  tensor.data.length <= comparedElements
    ? formatTensor({ ...tensor }, false)
    : `${tensor.dtype}[${tensor.shape.join()}]${numberOf(tensor.data)}`;

/** A visit that replaces a node by an equal one seen before. */
export function shareNodes(): Visit {
  const numbers = new Map<object, number>();
  const numberOf = (value: object): string => {
    const number = numbers.get(value) ?? numbers.size;
    numbers.set(value, number);
    return `#${number}`;
  };
  const keyOf = (value: AttrValue): string => {
    if (typeof value === 'number') return formatNumber(value);
    if (typeof value === 'string') return JSON.stringify(value);
    if (typeof value === 'boolean') return String(value);
    if (isList(value)) return `[${value.map(keyOf).join()}]`;
    if (isGraph(value)) return numberOf(value);
    if (isTensor(value)) return tensorKey(value, numberOf);
    if (isSymbolicDim(value)) return formatDim(value);
    return `{${Object.entries(value)
      .map(([name, item]) => `${name}:${keyOf(item)}`)
      .join()}}`;
  };
  const seen = new Map<string, Node>();
  return (node) => {
    if (isInput(node) || isParameter(node)) return undefined;
    const key = `${node.op.name}(${node.inputs.map(numberOf).join()})${keyOf(node.attrs)}`;
    const first = seen.get(key);
    if (first && (first.op === node.op || isConstant(first))) return first;
    seen.set(key, node);
    return undefined;
  };
}
