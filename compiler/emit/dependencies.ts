/** Which steps a step waits for, and whether an order exists in which every step finds what it reads. */
import { isConstant } from '../ir/leaves.ts';
import type { Node } from '../ir/node.ts';
import { after } from '../ops/index.ts';
import type { Sharing } from './share-memory.ts';

/** Steps that must run before a step. */
export type Edges = ReadonlyMap<Node, ReadonlySet<Node>>;

/** The steps that write a value, through views and parts; none for leaves. */
export function writersOf({ parts, steps }: Sharing): (node: Node) => readonly Node[] {
  const isStep = new Set(steps);
  const known = new Map<Node, readonly Node[]>();
  const of = (node: Node): readonly Node[] => {
    const found = known.get(node);
    if (found) return found;
    // What a value waits for by `after` is written before it, too.
    const pieces = parts.get(node) ?? (node.op.name === after.name ? node.inputs : undefined);
    const [source] = node.inputs;
    const writers = isStep.has(node)
      ? [node]
      : pieces
        ? [...new Set(pieces.flatMap(of))]
        : source && !isConstant(node)
          ? of(source)
          : [];
    known.set(node, writers);
    return writers;
  };
  return of;
}

/** The steps that each step waits for: the writers of its operands, and those of `before`. */
export function dependencies(sharing: Sharing, before: Edges): Map<Node, Set<Node>> {
  const writers = writersOf(sharing);
  return new Map(
    sharing.steps.map((step) => {
      const waits = new Set([...step.inputs.flatMap(writers), ...(before.get(step) ?? [])]);
      waits.delete(step);
      return [step, waits];
    }),
  );
}

/** The steps in their given order as far as dependencies allow; undefined where they wait for each other in a circle. */
export function orderOf(sharing: Sharing, before: Edges): Node[] | undefined {
  const waits = dependencies(sharing, before);
  const order: Node[] = [];
  const done = new Set<Node>();
  const open = new Set<Node>();
  for (const root of sharing.steps) {
    const stack = [root];
    for (let step = stack.at(-1); step; step = stack.at(-1)) {
      if (done.has(step)) {
        stack.pop();
        continue;
      }
      const next = [...(waits.get(step) ?? [])].find((other) => !done.has(other));
      if (next && (open.has(next) || next === step)) return undefined;
      open.add(step);
      if (next) {
        stack.push(next);
        continue;
      }
      stack.pop();
      open.delete(step);
      done.add(step);
      order.push(step);
    }
  }
  return order;
}
