/** Functions of one value: elementwise regions that a clamp or a table of 256 entries computes. */
import { shapesEqual } from '../../ir/dim.ts';
import { evaluateNode } from '../../ir/evaluate.ts';
import { isConstant } from '../../ir/leaves.ts';
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import type { Tensor } from '../../ir/type.ts';
import { maximum, minimum } from '../../ops/index.ts';
import { intervalOf, type Interval } from '../../ops/rules/clamp.ts';
import { isScalarConstant, type Surroundings } from '../rules/fusion-group.ts';

/** How many nodes one function may have. */
const regionLimit = 24;

const reads = (node: Node, inside: ReadonlySet<Node>): boolean =>
  node.inputs.every((input) => inside.has(input) || isScalarConstant(input));

/** Whether a node is elementwise on values inside and constants of one element, and of their shape. */
const extendsRegion = (node: Node, inside: ReadonlySet<Node>, from: Node): boolean =>
  node.op.scalar !== undefined && shapesEqual(node.type.shape, from.type.shape) && reads(node, inside);

/** The nodes behind `from` up to the first one that all of its users lead to; undefined where one is more than unary. */
export function unaryAfter(from: Node, around: Surroundings): { nodes: Set<Node>; exit: Node } | undefined {
  if (around.roots.has(from)) return undefined;
  const inside = new Set([from]);
  const open = new Set(around.users.get(from) ?? []);
  const rankOf = (node: Node): number => around.rank.get(node) ?? 0;
  while (open.size > 0 && inside.size <= regionLimit) {
    const next = [...open].reduce((first, node) => (rankOf(node) < rankOf(first) ? node : first));
    open.delete(next);
    if (!extendsRegion(next, inside, from)) return undefined;
    inside.add(next);
    if (open.size === 0) {
      inside.delete(from);
      return { nodes: inside, exit: next };
    }
    if (around.roots.has(next)) return undefined;
    for (const user of around.users.get(next) ?? []) open.add(user);
  }
  return undefined;
}

/** The nodes from `from` (left out) to `exit`, inputs first, where `exit` is a function of `from` alone. */
export function unaryPath(from: Node, exit: Node): Node[] | undefined {
  const inside = new Set([from]);
  const order: Node[] = [];
  const stack = [exit];
  for (let node = stack.at(-1); node; node = stack.at(-1)) {
    const pending = inside.has(node) ? [] : node.inputs.filter((i) => !inside.has(i) && !isScalarConstant(i));
    if (pending.length > 0) {
      const fits = node.op.scalar !== undefined && shapesEqual(node.type.shape, from.type.shape);
      if (!fits || stack.length > regionLimit) return undefined;
      stack.push(...pending);
      continue;
    }
    stack.pop();
    if (inside.has(node)) continue;
    if (node.inputs.length === 0 || !extendsRegion(node, inside, from)) return undefined;
    inside.add(node);
    order.push(node);
  }
  return order;
}

/** The function that a path computes, in float64. */
export function functionOf(from: Node, path: readonly Node[]): (values: Float64Array) => Float64Array {
  return (values) => {
    const shape = from.type.shape.map((_, axis) => (axis === 0 ? values.length : 1));
    const known = new Map<Node, Tensor>([[from, { dtype: 'f32', shape, data: values }]]);
    for (const node of path) {
      const operands = node.inputs.flatMap(
        (input) => known.get(input) ?? (isConstant(input) ? input.attrs.tensor : []),
      );
      known.set(node, evaluateNode(node, operands));
    }
    return Float64Array.from(known.get(path.at(-1) ?? from)?.data ?? values);
  };
}

export const everything: Interval = { min: -Infinity, max: Infinity };

function clampOfOne(node: Node): Interval | undefined {
  const own = intervalOf(node);
  if (own) return own;
  const bound = node.inputs.find(isConstant)?.attrs.tensor.data[0];
  if (bound === undefined || node.inputs.length !== 2) return undefined;
  if (isOp(node, maximum)) return { min: bound, max: Infinity };
  return isOp(node, minimum) ? { min: -Infinity, max: bound } : undefined;
}

/** The interval of a path of clamps; undefined where one of its nodes is something else. */
export function clampOf(path: readonly Node[]): Interval | undefined {
  let { min, max } = everything;
  for (const node of path) {
    const next = clampOfOne(node);
    if (!next) return undefined;
    min = Math.min(Math.max(min, next.min), next.max);
    max = Math.min(Math.max(max, next.min), next.max);
  }
  return { min, max };
}
