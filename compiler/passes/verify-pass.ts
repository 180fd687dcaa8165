/** Runs a graph before and after a pass in the interpreter and names the first op that computes something else. */
import { formatLocation } from '../../grammar/source.ts';
import { symbolsOf } from '../ir/dim.ts';
import { evaluateGraph } from '../ir/evaluate.ts';
import { isInput, isParameter, type ParameterAttrs } from '../ir/leaves.ts';
import { makeGraph, topologicalOrder, type Graph, type Node } from '../ir/node.ts';
import { allocate, randomTensor } from '../ir/tensor-literal.ts';
import { elementCount, type Tensor, type TensorType } from '../ir/type.ts';
import { evaluateDim, type Bindings } from '../ir/dim.ts';

export interface CheckOptions {
  /** Name of the pass, for the report. */
  readonly pass: string;
  readonly seed: number;
  /** Largest allowed difference, as a part of the largest magnitude in the tensor (at least 1); default 1e-5. */
  readonly tolerance?: number;
  /** Sizes of symbols; others are drawn: N from 1 to 3, the rest from 16, 24 and 32. */
  readonly symbols?: Bindings;
  /** Values of parameters; others are drawn. */
  readonly parameters?: Readonly<Record<string, Tensor>>;
}

export interface PassDifference {
  readonly pass: string;
  /** The first output that differs. */
  readonly output: string;
  readonly largest: number;
  readonly tolerance: number;
  /** The first op after the pass that computes what nothing computed before. */
  readonly op: string;
  /** Parameter scope of that op; empty where unknown. */
  readonly path: string;
  /** `file:line:column` of that op; undefined where it has no source place. */
  readonly location: string | undefined;
}

/**
 * The largest difference of two tensors as a part of the largest magnitude in `wanted` (at least 1); infinite where the
 * shapes differ or one holds NaN or an infinity that the other does not.
 */
export function relativeDifference(wanted: Tensor, actual: Tensor): number {
  if (wanted.shape.join() !== actual.shape.join() || wanted.dtype !== actual.dtype) return Infinity;
  let [largest, magnitude] = [0, 1];
  for (let at = 0; at < wanted.data.length; at++) {
    const [w, a] = [wanted.data[at] ?? 0, actual.data[at] ?? 0];
    if (Object.is(w, a) || w === a) continue;
    if (!Number.isFinite(w) || !Number.isFinite(a)) return Infinity;
    largest = Math.max(largest, Math.abs(w - a));
    magnitude = Math.max(magnitude, Math.abs(w));
  }
  for (const w of wanted.data) if (Number.isFinite(w)) magnitude = Math.max(magnitude, Math.abs(w));
  return largest / magnitude;
}

/** Different seeds for different values, from one seed. */
const seedOf = (seed: number, index: number): number =>
  Math.imul(seed + 1, 0x9e3779b1) + Math.imul(index + 1, 0x85ebca6b);

function drawSymbols(leaves: readonly Node[], { seed, symbols }: CheckOptions): Bindings {
  const names = [...new Set(leaves.flatMap((leaf) => leaf.type.shape.flatMap(symbolsOf)))];
  const drawn = names.map((name, index): [string, number] => {
    const third = (seedOf(seed, index) >>> 8) % 3;
    return [name, name === 'N' ? 1 + third : 16 + 8 * third];
  });
  return { ...Object.fromEntries(drawn), ...symbols };
}

/** Uniform values: [0.5, 1.5] for parameters that begin as ones (they may be variances), else [-1, 1]. */
function drawTensor(
  type: TensorType,
  init: ParameterAttrs['init'] | undefined,
  symbols: Bindings,
  seed: number,
): Tensor {
  const shape = type.shape.map((size) => evaluateDim(size, symbols));
  const tensor = init?.kind === 'ones' ? randomTensor(shape, seed, 0.5, 1.5) : randomTensor(shape, seed);
  if (type.dtype === 'f32') return tensor;
  const data = allocate(type.dtype, elementCount(shape));
  data.set(Array.from(tensor.data, (value) => Math.floor(value * 8) + (type.dtype === 'u8' ? 8 : 0)));
  return { dtype: type.dtype, shape, data };
}

interface Operands {
  readonly inputs: Record<string, Tensor>;
  readonly parameters: Record<string, Tensor>;
  readonly symbols: Bindings;
}

/** Values for every input and parameter of both graphs, drawn by name, so that both graphs see the same. */
function drawOperands(graphs: readonly Graph[], options: CheckOptions): Operands {
  const leaves = graphs.flatMap(topologicalOrder).filter((node) => isInput(node) || isParameter(node));
  const symbols = drawSymbols(leaves, options);
  const [inputs, parameters]: Record<string, Tensor>[] = [{}, { ...options.parameters }];
  for (const leaf of leaves) {
    const { name } = leaf.attrs;
    const target = isInput(leaf) ? inputs : parameters;
    if (!target || target[name]) continue;
    const seed = seedOf(options.seed, 100 + Object.keys(target).length);
    target[name] = drawTensor(leaf.type, isParameter(leaf) ? leaf.attrs.init : undefined, symbols, seed);
  }
  return { inputs: inputs ?? {}, parameters: parameters ?? {}, symbols };
}

const shapeKey = (tensor: Tensor): string => `${tensor.dtype}[${tensor.shape.join()}]`;

function valuesOf(graph: Graph, { inputs, parameters, symbols }: Operands): Map<Node, Tensor> {
  const values = new Map<Node, Tensor>();
  evaluateGraph(graph, inputs, { parameters, symbols, onValue: (node, value) => values.set(node, value) });
  return values;
}

/** Nodes of `after` from which a path of new values, ones that nothing computed before, leads to the output. */
function newValuesBelow(output: Node, isKnown: (node: Node) => boolean): Set<Node> {
  const found = new Set<Node>();
  const stack = [output];
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (found.has(node) || isKnown(node)) continue;
    found.add(node);
    stack.push(...node.inputs);
  }
  return found;
}

/**
 * The op to blame for a wrong output: going back from it through values that the graph before the pass does not have,
 * the first in topological order whose own inputs it has. An op inside one source line thus names that line.
 */
function blame(before: Graph, after: Graph, output: Node, operands: Operands, tolerance: number): Node {
  const known = new Map<string, Tensor[]>();
  for (const value of valuesOf(before, operands).values()) {
    known.set(shapeKey(value), [...(known.get(shapeKey(value)) ?? []), value]);
  }
  const values = valuesOf(after, operands);
  const isKnown = (node: Node): boolean => {
    const value = values.get(node);
    // Weights are new after folding; a constant is never the op that computes something else.
    if (!value || node.inputs.length === 0) return true;
    return (known.get(shapeKey(value)) ?? []).some((candidate) => relativeDifference(candidate, value) <= tolerance);
  };
  const suspects = newValuesBelow(output, isKnown);
  return topologicalOrder(after).find((node) => suspects.has(node)) ?? output;
}

/** The graph with the next value of each state as an output too. */
function withUpdates({ outputs, updates }: Graph): Graph {
  const next = [...updates].map(([state, value]): [string, Node] => [
    `next ${isParameter(state) ? state.attrs.name : state.op.name}`,
    value,
  ]);
  return makeGraph({ ...outputs, ...Object.fromEntries(next) });
}

/**
 * Compares a graph before and after a pass on random operands, in float64: its outputs and the next values of its
 * state. Returns undefined where all agree. Throws a RangeError where a drawn size does not fit the graph.
 */
export function checkPass(first: Graph, second: Graph, options: CheckOptions): PassDifference | undefined {
  if (first === second) return undefined;
  const [before, after] = [withUpdates(first), withUpdates(second)];
  const tolerance = options.tolerance ?? 1e-5;
  const operands = drawOperands([before, after], options);
  const { parameters, symbols } = operands;
  const wanted = evaluateGraph(before, operands.inputs, { parameters, symbols });
  const actual = evaluateGraph(after, operands.inputs, { parameters, symbols });
  for (const [output, value] of Object.entries(wanted)) {
    const [result, node] = [actual[output], after.outputs[output]];
    const largest = result ? relativeDifference(value, result) : Infinity;
    if (largest <= tolerance) continue;
    const culprit = node && blame(before, after, node, operands, tolerance);
    const [span] = culprit?.origin?.spans ?? [];
    return {
      pass: options.pass,
      output,
      largest,
      tolerance,
      op: culprit?.op.name ?? 'none',
      path: culprit?.origin?.path ?? '',
      location: span && formatLocation(span),
    };
  }
  return undefined;
}

/**
 * Signal to noise of the outputs before and after a pass that rounds, in decibels, on random operands: what `checkPass`
 * compares, for passes that cannot be exact. Infinite where nothing differs.
 */
export function outputNoise(before: Graph, after: Graph, options: Pick<CheckOptions, 'seed' | 'symbols'>): number {
  const { inputs, parameters, symbols } = drawOperands([before, after], { pass: '', ...options });
  const wanted = evaluateGraph(before, inputs, { parameters, symbols });
  const actual = evaluateGraph(after, inputs, { parameters, symbols });
  let [signal, noise] = [0, 0];
  for (const [name, { data }] of Object.entries(wanted)) {
    const other = actual[name]?.data;
    for (let at = 0; at < data.length; at++) {
      signal += (data[at] ?? 0) ** 2;
      noise += ((data[at] ?? 0) - (other?.[at] ?? NaN)) ** 2;
    }
  }
  return 10 * Math.log10(signal / noise);
}

/** One sentence: `fold-batch-norm changes the output y by 0.3 at conv2d layer1.0.conv1 (model.cnn:3:5)`. */
export function formatDifference({ pass, output, largest, op, path, location }: PassDifference): string {
  const place = [op, path].filter((part) => part !== '').join(' ');
  const where = location === undefined ? place : `${place} (${location})`;
  return `${pass} changes the output ${output} by ${largest.toPrecision(3)} at ${where}`;
}
