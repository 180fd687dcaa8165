/** Gradients of a loss beside central differences of it, both in float64, with the limits of torch.autograd.gradcheck. */
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { isInput, isParameter } from '../../compiler/ir/leaves.ts';
import { makeGraph, makeNode, type Node } from '../../compiler/ir/node.ts';
import { verifyGraph } from '../../compiler/ir/verify.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import { input, ops } from '../../compiler/ops/index.ts';
import { differentiate } from '../../compiler/train/differentiate.ts';
import { tensorOf, times, total } from '../../compiler/train/expressions.ts';
import { distinctTensors, type Draw } from './draw.ts';

export const eps = 1e-6;
const atol = 1e-5;
const rtol = 1e-3;

export type Values = Readonly<Record<string, Tensor>>;

/** An `input` node for a tensor. */
export const leafOf = (name: string, index: number, { shape }: Tensor): Node =>
  makeNode(input, [], { name, index, dtype: 'f32', shape });

export function nameOf(leaf: Node): string {
  if (isInput(leaf) || isParameter(leaf)) return leaf.attrs.name;
  throw new TypeError(`${leaf.op.name} is no input and no parameter`);
}

/** The one number that a loss is, for values of its inputs and parameters. */
export function lossAt(loss: Node, values: Values): number {
  const { result } = evaluateGraph(makeGraph({ result: loss }), values, { parameters: values });
  return result?.data[0] ?? Number.NaN;
}

/** A scalar that depends on every element of a value by a factor of its own. */
export function weighted(value: Node, draw: Draw): Node {
  const shape = value.type.shape.map(Number);
  const [factors] = distinctTensors(draw, [shape], [-2, 2]);
  return total(factors ? times(value, tensorOf(shape, [...factors.data])) : value);
}

const moved = (values: Values, name: string, at: number, by: number): Values => {
  const tensor = values[name];
  if (!tensor) throw new RangeError(`${name} has no value`);
  const data = Float64Array.from(tensor.data);
  data[at] = (data[at] ?? 0) + by;
  return { ...values, [name]: { ...tensor, data } };
};

/** The elements of a tensor to check: all, or as many as `most` at random. */
function elementsOf(tensor: Tensor, draw: Draw, most: number): number[] {
  const all = [...tensor.data.keys()];
  return all.length <= most ? all : draw.shuffled(all).slice(0, most);
}

/**
 * Where the gradients of a loss by some of its inputs or parameters differ from central differences, as a sentence;
 * undefined where they agree. The graph of the gradients must be sound as well. Keep the values away from kinks.
 */
export function gradientFault(
  loss: Node,
  wrt: readonly Node[],
  values: Values,
  draw: Draw,
  most = 40,
): string | undefined {
  const named = new Map(wrt.map((leaf) => [nameOf(leaf), leaf]));
  const found = differentiate(loss, wrt);
  const graph = makeGraph(
    Object.fromEntries([...named].map(([name, leaf]): [string, Node] => [name, found.get(leaf) ?? leaf])),
  );
  const faults = verifyGraph(graph, ops);
  if (faults.length > 0) return faults.join('\n');
  const gradients = evaluateGraph(graph, values, { parameters: values });
  for (const name of named.keys()) {
    const [tensor, gradient] = [values[name], gradients[name]];
    if (!tensor || !gradient) return `${name} has no value or no gradient`;
    if (gradient.shape.join() !== tensor.shape.join()) return `the gradient of ${name} is [${gradient.shape.join()}]`;
    for (const at of elementsOf(tensor, draw, most)) {
      const numeric =
        (lossAt(loss, moved(values, name, at, eps)) - lossAt(loss, moved(values, name, at, -eps))) / (2 * eps);
      const analytic = gradient.data[at] ?? Number.NaN;
      const agree = Math.abs(analytic - numeric) <= atol + rtol * Math.abs(numeric);
      if (!agree) return `d loss / d ${name}[${at}] is ${analytic}, by differences ${numeric}`;
    }
  }
  return undefined;
}
