/** The verifier: what must hold for every graph between passes. */
import { isGraph } from './attributes.ts';
import { shapesEqual } from './dim.ts';
import { isConstant, isInput, isParameter } from './leaves.ts';
import { topologicalOrder, type Graph, type Node } from './node.ts';
import { OpError, type Op } from './op.ts';
import { allocate } from './tensor-literal.ts';
import { elementCount, formatType, type Tensor, type TensorType } from './type.ts';

const typesEqual = (a: TensorType, b: TensorType): boolean => a.dtype === b.dtype && shapesEqual(a.shape, b.shape);

function inferredType(node: Node): TensorType | string {
  try {
    return node.op.infer(
      node.inputs.map((input) => input.type),
      node.attrs,
    );
  } catch (error) {
    if (error instanceof OpError || error instanceof RangeError || error instanceof TypeError) return error.message;
    throw error;
  }
}

/** f32 data may lie in float64, so that the interpreter computes with coefficients as exact as it is itself. */
function tensorFault(tensor: Tensor): string | undefined {
  const { dtype, shape, data } = tensor;
  const isHeldIn64 = dtype === 'f32' && data instanceof Float64Array;
  if (!isHeldIn64 && data.constructor !== allocate(dtype, 0).constructor)
    return `${dtype} data lies in a ${data.constructor.name}`;
  if (shape.some((size) => !Number.isInteger(size) || size < 0)) return `the shape [${shape.join(', ')}] has no size`;
  const count = elementCount(shape);
  return data.length === count ? undefined : `${formatType(tensor)} holds ${data.length} elements`;
}

/** A body may hold inputs and constants as leaves, and its inputs must have the operands' types. */
function bodyFaults(node: Node, body: Graph, ops: ReadonlyMap<string, Op> | undefined): string[] {
  const faults = verifyGraph(body, ops).map((fault) => `in its body: ${fault}`);
  if (Object.keys(body.outputs).join() !== 'result' || body.updates.size > 0) {
    faults.push('its body must have the one output result and no updates');
  }
  const read = new Set<number>();
  for (const leaf of topologicalOrder(body)) {
    if (isParameter(leaf)) faults.push(`its body reads the parameter ${leaf.attrs.name}`);
    if (!isInput(leaf)) continue;
    const operand = node.inputs[leaf.attrs.index];
    read.add(leaf.attrs.index);
    if (!operand) faults.push(`its body reads operand ${leaf.attrs.index} of ${node.inputs.length}`);
    else if (!typesEqual(operand.type, leaf.type)) {
      faults.push(`operand ${leaf.attrs.index} is ${formatType(operand.type)}, its body has ${formatType(leaf.type)}`);
    }
  }
  for (const index of node.inputs.keys()) if (!read.has(index)) faults.push(`its body does not read operand ${index}`);
  return faults;
}

function nodeFaults(node: Node, ops: ReadonlyMap<string, Op> | undefined): string[] {
  const faults: string[] = [];
  if (ops && ops.get(node.op.name) !== node.op) faults.push('its op is not in the registry');
  const type = inferredType(node);
  if (typeof type === 'string') faults.push(type);
  else if (!typesEqual(type, node.type))
    faults.push(`its type is ${formatType(node.type)}, infer gives ${formatType(type)}`);
  const tensor = isConstant(node) ? tensorFault(node.attrs.tensor) : undefined;
  if (tensor !== undefined) faults.push(tensor);
  const body = node.attrs['body'];
  if (isGraph(body)) faults.push(...bodyFaults(node, body, ops));
  return faults;
}

/** Names and indices that must be unique in one graph. */
function leafFaults(order: readonly Node[]): string[] {
  const seen = new Set<string>();
  const faults: string[] = [];
  const claim = (key: string): void => {
    if (seen.has(key)) faults.push(`two nodes are ${key}`);
    seen.add(key);
  };
  for (const node of order) {
    if (isInput(node)) {
      claim(`input ${node.attrs.name}`);
      claim(`the input at index ${node.attrs.index}`);
    } else if (isParameter(node)) claim(`parameter ${node.attrs.name}`);
  }
  return faults;
}

function updateFaults(graph: Graph): string[] {
  return [...graph.updates].flatMap(([state, next]) => {
    if (!isParameter(state)) return [`${state.op.name} is updated but is no parameter`];
    const { name } = state.attrs;
    return typesEqual(state.type, next.type)
      ? []
      : [`the update of ${name} changes its type to ${formatType(next.type)}`];
  });
}

/**
 * The faults of a graph, one sentence each; empty where it is sound. With `ops`, every node must use an op of that
 * registry.
 */
export function verifyGraph(graph: Graph, ops?: ReadonlyMap<string, Op>): string[] {
  const order = topologicalOrder(graph);
  const placed = new Map(order.map((node, at) => [node, at]));
  const faults = [...leafFaults(order), ...updateFaults(graph)];
  for (const [at, node] of order.entries()) {
    const name = `%${at} = ${node.op.name}`;
    const isLate = (input: Node): boolean => (placed.get(input) ?? at) >= at;
    if (node.inputs.some(isLate)) faults.push(`${name}: it depends on itself`);
    faults.push(...nodeFaults(node, ops).map((fault) => `${name}: ${fault}`));
  }
  return faults;
}
