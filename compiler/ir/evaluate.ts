/** The reference interpreter: a graph's outputs from its inputs, in float64 or narrowed to float32 op by op. */
import { bindAttrs, bindDim } from './bind-sizes.ts';
import { evaluateDim, formatDim, type Bindings } from './dim.ts';
import { isConstant, isInput, isParameter } from './leaves.ts';
import { topologicalOrder, type Graph, type Node } from './node.ts';
import { formatType, type Tensor } from './type.ts';

export type Precision = 'f64' | 'f32';

export interface EvaluateOptions {
  /** `f64` (default) keeps every f32 value in float64; `f32` rounds every result to float32. */
  readonly precision?: Precision;
  /** Values of `parameter` nodes by name. */
  readonly parameters?: Readonly<Record<string, Tensor>>;
  /** Sizes of symbols that the inputs do not determine. */
  readonly symbols?: Bindings;
  /** Sees every value once, in topological order; for layer-by-layer comparison. */
  readonly onValue?: (node: Node, value: Tensor) => void;
}

/** The tensor with its f32 data held as the precision asks; other types stay as they are. */
export function withPrecision(tensor: Tensor, precision: Precision): Tensor {
  if (tensor.dtype !== 'f32') return tensor;
  const Wanted = precision === 'f32' ? Float32Array : Float64Array;
  return tensor.data instanceof Wanted ? tensor : { ...tensor, data: new Wanted(tensor.data) };
}

/** One op applied to given tensors. */
export function evaluateNode(node: Node, inputs: readonly Tensor[], options: EvaluateOptions = {}): Tensor {
  const attrs = isConstant(node) ? node.attrs : bindAttrs(node.attrs, options.symbols ?? {});
  return withPrecision(node.op.evaluate(inputs, attrs), options.precision ?? 'f64');
}

/** Binds symbols from given tensors and checks their shapes. Throws a RangeError on a mismatch. */
function bindShapes(given: ReadonlyMap<Node, Tensor>, symbols: Bindings): Bindings {
  const bindings: Record<string, number> = { ...symbols };
  for (const [node, { shape }] of given) {
    for (const [axis, dim] of node.type.shape.entries()) bindDim(dim, shape[axis] ?? -1, bindings);
  }
  for (const [node, { dtype, shape }] of given) {
    const fits =
      dtype === node.type.dtype &&
      shape.length === node.type.shape.length &&
      node.type.shape.every((dim, axis) => evaluateDim(dim, bindings) === shape[axis]);
    const name = isInput(node) || isParameter(node) ? node.attrs.name : node.op.name;
    if (!fits) throw new RangeError(`${name} is ${dtype}[${shape.join(', ')}], not ${formatType(node.type)}`);
  }
  return bindings;
}

function givenValues(
  order: readonly Node[],
  inputs: Readonly<Record<string, Tensor>>,
  parameters: Readonly<Record<string, Tensor>>,
): Map<Node, Tensor> {
  const given = new Map<Node, Tensor>();
  for (const node of order) {
    if (!isInput(node) && !isParameter(node)) continue;
    const tensor = (isInput(node) ? inputs : parameters)[node.attrs.name];
    if (!tensor) throw new RangeError(`${node.op.name} ${node.attrs.name} has no value`);
    given.set(node, tensor);
  }
  return given;
}

/** The values of the given roots, by root; values are dropped after their last use. */
function evaluateRoots(
  roots: readonly Node[],
  inputs: Readonly<Record<string, Tensor>>,
  options: EvaluateOptions,
): (root: Node) => Tensor {
  const order = topologicalOrder({ outputs: Object.fromEntries(roots.entries()), updates: new Map() });
  const precision = options.precision ?? 'f64';
  const given = givenValues(order, inputs, options.parameters ?? {});
  const symbols = bindShapes(given, options.symbols ?? {});
  const values = evaluateOrder(order, new Set(roots), given, { ...options, precision, symbols });
  return (root) => requireValue(values, root);
}

/**
 * The outputs of a graph (its updates are not computed). Symbols such as N take their sizes from the inputs' shapes.
 * Values are dropped after their last use. Throws a RangeError where a value is missing or has the wrong shape.
 */
export function evaluateGraph(
  graph: Graph,
  inputs: Readonly<Record<string, Tensor>>,
  options: EvaluateOptions = {},
): Record<string, Tensor> {
  const valueOf = evaluateRoots(Object.values(graph.outputs), inputs, options);
  return Object.fromEntries(Object.entries(graph.outputs).map(([name, node]) => [name, valueOf(node)]));
}

/** What one step computes: the outputs, and the next value of every parameter that the graph updates. */
export interface Step {
  readonly outputs: Record<string, Tensor>;
  readonly next: Record<string, Tensor>;
}

/** As `evaluateGraph`, together with the updates: all of them from the values that `options.parameters` gives. */
export function evaluateStep(
  graph: Graph,
  inputs: Readonly<Record<string, Tensor>>,
  options: EvaluateOptions = {},
): Step {
  const valueOf = evaluateRoots([...Object.values(graph.outputs), ...graph.updates.values()], inputs, options);
  const next = [...graph.updates].map(([state, value]): [string, Tensor] => {
    if (isParameter(state)) return [state.attrs.name, valueOf(value)];
    throw new TypeError(`${state.op.name} is updated but is no parameter`);
  });
  return {
    outputs: Object.fromEntries(Object.entries(graph.outputs).map(([name, node]) => [name, valueOf(node)])),
    next: Object.fromEntries(next),
  };
}

function requireValue(values: ReadonlyMap<Node, Tensor>, node: Node): Tensor {
  const value = values.get(node);
  if (!value) throw new RangeError(`${node.op.name} was read before it was computed`);
  return value;
}

function evaluateOrder(
  order: readonly Node[],
  kept: ReadonlySet<Node>,
  given: ReadonlyMap<Node, Tensor>,
  options: EvaluateOptions & { readonly precision: Precision },
): Map<Node, Tensor> {
  const usesLeft = new Map<Node, number>();
  for (const node of order) for (const input of node.inputs) usesLeft.set(input, (usesLeft.get(input) ?? 0) + 1);
  const values = new Map<Node, Tensor>();
  for (const node of order) {
    const operands = node.inputs.map((input) => requireValue(values, input));
    const leaf = given.get(node);
    const value = leaf ? withPrecision(leaf, options.precision) : evaluateNode(node, operands, options);
    checkResult(node, value, options.symbols ?? {});
    values.set(node, value);
    options.onValue?.(node, value);
    for (const input of node.inputs) {
      const left = (usesLeft.get(input) ?? 0) - 1;
      usesLeft.set(input, left);
      if (left === 0 && !kept.has(input)) values.delete(input);
    }
  }
  return values;
}

/** Every value must have the shape that `infer` promised. */
function checkResult(node: Node, value: Tensor, symbols: Bindings): void {
  const { shape } = node.type;
  const fits =
    shape.length === value.shape.length && shape.every((d, axis) => evaluateDim(d, symbols) === value.shape[axis]);
  if (fits) return;
  const wanted = shape.map(formatDim).join(', ');
  throw new RangeError(`${node.op.name} computed [${value.shape.join(', ')}] where infer promised [${wanted}]`);
}
