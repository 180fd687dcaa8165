/** Decides where the next values of state are computed: in place of the old ones where nothing reads those later. */
import { isConstant, isParameter } from '../ir/leaves.ts';
import { makeNode, type Graph, type Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import { shapesEqual } from '../ir/dim.ts';
import { storageKernel } from '../kernels/movement/storage.ts';
import { fromStorage, packWeights } from '../ops/index.ts';
import { orderOf, type Edges } from './dependencies.ts';
import { bordersOf, copyOf, densePlacement, rootOf, type Sharing } from './share-memory.ts';

export interface Updated {
  /** The node that holds each output when all steps have run. */
  readonly outputs: ReadonlyMap<string, Node>;
  /** Steps that must run before a step although it does not read them: they read what it overwrites. */
  readonly before: Edges;
  /** State that is overwritten by a step of its own at the end, by name; for reports and tests. */
  readonly copied: readonly string[];
}

/** A value of its own that keeps what a view of old state holds. */
function keep(sharing: Sharing, node: Node): Node {
  const flat = copyOf(sharing, node, 0);
  const kept = makeNode(fromStorage, [flat], { offset: 0, shape: node.type.shape.map(Number) }, node.origin);
  sharing.selections.set(kept, { kernel: storageKernel, schedule: {} });
  if (node.type.shape.length === 1) sharing.steps.push(kept);
  else
    sharing.relations.set(kept, {
      source: flat,
      placed: ({ channelOffset }) => densePlacement(kept.type, channelOffset),
    });
  return kept;
}

const isDenseRoot = (sharing: Sharing, node: Node): boolean =>
  (bordersOf(sharing).get(node) ?? []).every((side) => side === 0);

/** Whether a step may overwrite state while it reads it: element by element at the same place, and alone. */
function overwrites(sharing: Sharing, step: Node, next: Node, state: Node): boolean {
  const { kernel } = sharing.selections.get(step) ?? {};
  // A view of state of the state's own shape begins where the state does, and so lies as the result will.
  const liesAlike = (input: Node): boolean =>
    isConstant(input) || rootOf(sharing, input) !== state || shapesEqual(input.type.shape, state.type.shape);
  return kernel?.inPlace === true && step === next && step.inputs.every(liesAlike);
}

interface Attempt {
  readonly sharing: Sharing;
  readonly before: Edges;
}

/**
 * The order that overwriting `state` by `next` asks for: every step that reads the old value comes before every step
 * that writes the new one. Undefined where `next` has no memory of its own or a step both reads and writes.
 */
function precedence({ sharing }: Attempt, state: Node, next: Node): [Node, Node][] | undefined {
  const isOwn = sharing.steps.includes(next) || sharing.parts.has(next);
  if (!isOwn || sharing.relations.has(next) || isOp(next, packWeights)) return undefined;
  if (!isDenseRoot(sharing, next) || !shapesEqual(next.type.shape, state.type.shape)) return undefined;
  const readers = sharing.steps.filter((step) =>
    step.inputs.some((input) => !isConstant(input) && rootOf(sharing, input) === state),
  );
  const writers = sharing.steps.filter((step) => rootOf(sharing, step) === next);
  const pairs: [Node, Node][] = [];
  for (const reader of readers) {
    for (const writer of writers) {
      if (reader !== writer) pairs.push([reader, writer]);
      else if (!overwrites(sharing, writer, next, state)) return undefined;
    }
  }
  return pairs;
}

function withPairs(before: Edges, pairs: readonly [Node, Node][]): Map<Node, Set<Node>> {
  const grown = new Map([...before].map(([step, earlier]): [Node, Set<Node>] => [step, new Set(earlier)]));
  for (const [reader, writer] of pairs) grown.set(writer, (grown.get(writer) ?? new Set<Node>()).add(reader));
  return grown;
}

/** A step at the end that writes the next value over the old one. */
function overwriteLast(sharing: Sharing, state: Node, next: Node): [Node, Node][] {
  const shape = state.type.shape.map(Number);
  const copy = makeNode(fromStorage, [next], { offset: 0, shape }, next.origin);
  const readers = sharing.steps.filter((step) =>
    step.inputs.some((input) => !isConstant(input) && rootOf(sharing, input) === state),
  );
  sharing.selections.set(copy, { kernel: storageKernel, schedule: {} });
  sharing.relations.set(copy, { source: state, placed: (place) => place });
  sharing.steps.push(copy);
  return readers.map((reader) => [reader, copy]);
}

/**
 * Adds to `sharing` what updates need. Whatever still wants old values when state is overwritten, outputs and next
 * values of other state, keeps a copy of them first. Then a state is overwritten in place where an order of the steps
 * exists in which all readers of its old value come before, and at the end where none does.
 */
export function updateState(graph: Graph, sharing: Sharing): Updated {
  const isOld = (node: Node): boolean => {
    const root = rootOf(sharing, node);
    return isParameter(root) && graph.updates.has(root);
  };
  const kept = new Map<Node, Node>();
  const lasting = (node: Node): Node => {
    if (isConstant(node) || !isOld(node)) return node;
    const copy = kept.get(node) ?? keep(sharing, node);
    kept.set(node, copy);
    return copy;
  };
  const outputs = new Map(Object.entries(graph.outputs).map(([name, node]) => [name, lasting(node)]));
  const pending = [...graph.updates].filter(([state, next]) => state !== next);
  const updates = pending.map(([state, next]): [Node, Node] => [state, lasting(next)]);
  let before: Map<Node, Set<Node>> = new Map();
  const rest: [Node, Node][] = [];
  for (const [state, next] of updates) {
    const pairs = isConstant(next) ? undefined : precedence({ sharing, before }, state, next);
    const grown = pairs && withPairs(before, pairs);
    if (!grown || !orderOf(sharing, grown)) {
      rest.push([state, next]);
      continue;
    }
    before = grown;
    sharing.relations.set(next, { source: state, placed: (place) => place });
  }
  for (const [state, next] of rest) before = withPairs(before, overwriteLast(sharing, state, next));
  const copied = rest.map(([state]) => (isParameter(state) ? state.attrs.name : ''));
  return { outputs, before, copied };
}
