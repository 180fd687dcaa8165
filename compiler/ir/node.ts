/** The immutable dataflow graph: one node is one value, a graph is only its roots. */
import type { Span } from '../../grammar/source.ts';
import type { Attrs, Op } from './op.ts';
import type { TensorType } from './type.ts';

/** Where a node came from, for messages, profiles and the manifest. */
export interface Origin {
  /** Source places, the most specific first. */
  readonly spans: readonly Span[];
  /** Path of the parameter scope, as in `layer2.0.conv1`. */
  readonly path: string;
  /** Passes that made or changed the node, in order. */
  readonly passes: readonly string[];
}

export interface Node<A extends Attrs = Attrs> {
  /** Creation order; unique in the process, of no other meaning. */
  readonly id: number;
  readonly op: Op<A>;
  readonly inputs: readonly Node[];
  readonly attrs: A;
  readonly type: TensorType;
  readonly origin: Origin | undefined;
}

/** `updates` maps a parameter or state to its next value; it is empty for inference. */
export interface Graph {
  readonly outputs: Readonly<Record<string, Node>>;
  readonly updates: ReadonlyMap<Node, Node>;
}

let nextId = 0;

/** A node with its type inferred. Throws an OpError where the inputs do not fit the op. */
export function makeNode<A extends Attrs>(op: Op<A>, inputs: readonly Node[], attrs: A, origin?: Origin): Node<A> {
  const type = op.infer(
    inputs.map((input) => input.type),
    attrs,
  );
  return { id: nextId++, op, inputs, attrs, type, origin };
}

export const makeGraph = (outputs: Readonly<Record<string, Node>>, updates?: ReadonlyMap<Node, Node>): Graph => ({
  outputs,
  updates: updates ?? new Map(),
});

/** The roots that keep a graph's nodes alive: outputs, then updates (state and its next value). */
export const rootsOf = (graph: Graph): Node[] => [...Object.values(graph.outputs), ...[...graph.updates].flat()];

/** Every node once, inputs before users; the walk keeps its own stack, so depth is unlimited. */
export function topologicalOrder(graph: Graph): Node[] {
  const order: Node[] = [];
  const done = new Set<Node>();
  const stack: { node: Node; next: number }[] = [];
  for (const root of rootsOf(graph)) {
    if (done.has(root)) continue;
    done.add(root);
    stack.push({ node: root, next: 0 });
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const input = top.node.inputs[top.next++];
      if (!input) {
        order.push(top.node);
        stack.pop();
      } else if (!done.has(input)) {
        done.add(input);
        stack.push({ node: input, next: 0 });
      }
    }
  }
  return order;
}

/** The users of each node, once per use; roots have no entry of their own. */
export function usersOf(graph: Graph): Map<Node, Node[]> {
  const users = new Map<Node, Node[]>();
  for (const node of topologicalOrder(graph)) {
    for (const input of node.inputs) {
      const list = users.get(input);
      if (list) list.push(node);
      else users.set(input, [node]);
    }
  }
  return users;
}
