/** Common subexpressions by hash-consing: nodes with equal op, attributes and inputs become one. */
import { isConstant, isInput, isParameter } from '../../ir/leaves.ts';
import type { Graph, Node } from '../../ir/node.ts';
import type { AttrValue } from '../../ir/op.ts';
import { formatNumber, formatTensor } from '../../ir/tensor-literal.ts';
import { formatDim, type SymbolicDim } from '../../ir/dim.ts';
import type { Visit } from '../../ir/rewrite.ts';
import type { Tensor } from '../../ir/type.ts';

const isTensor = (value: object): value is Tensor => 'data' in value && 'dtype' in value;
const isGraph = (value: object): value is Graph => 'outputs' in value && 'updates' in value;
const isDim = (value: object): value is SymbolicDim => 'terms' in value;

/** Constants of at most this many elements are compared by content, larger ones by identity. */
const comparedElements = 32;

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
    if (Array.isArray(value)) return `[${value.map((item: AttrValue) => keyOf(item)).join()}]`;
    if (isGraph(value)) return numberOf(value);
    if (isTensor(value)) {
      return value.data.length <= comparedElements ? formatTensor({ ...value }, false) : numberOf(value.data) + formatShape(value);
    }
    if (isDim(value)) return formatDim(value);
    return `{${Object.entries(value).map(([name, item]) => `${name}:${keyOf(item)}`).join()}}`;
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

const formatShape = (tensor: Tensor): string => `${tensor.dtype}[${tensor.shape.join()}]`;
