/** Orders the steps of a training graph so that few values are alive at the same time. */
import type { Node } from '../ir/node.ts';
import { bufferOf, type Assignment, type Buffer } from './assign-buffers.ts';
import { dependencies, orderOf, type Edges } from './dependencies.ts';
import { isConstant } from '../ir/leaves.ts';
import type { Sharing } from './share-memory.ts';

export interface OrderRequest {
  readonly sharing: Sharing;
  readonly before: Edges;
  readonly assignment: Assignment;
  /** Values that live to the end. */
  readonly outputs: readonly Node[];
  readonly bytesOf: (buffer: Buffer) => number;
}

/** The buffers of the arena that a step touches. */
function touched({ assignment }: OrderRequest, step: Node): Buffer[] {
  const values = [step, ...step.inputs].filter((node) => !isConstant(node));
  return [...new Set(values.map((node) => bufferOf(assignment, node)))].filter(({ state }) => state === undefined);
}

/** What memory looks like while steps run one after another. */
interface Memory {
  /** Bytes that a step adds: its result's, less what it is the last to touch. */
  readonly change: (step: Node) => number;
  readonly run: (step: Node) => void;
  readonly peak: () => number;
}

function beginMemory(request: OrderRequest, touches: ReadonlyMap<Node, readonly Buffer[]>): Memory {
  const left = new Map<Buffer, number>();
  for (const buffers of touches.values()) for (const buffer of buffers) left.set(buffer, (left.get(buffer) ?? 0) + 1);
  for (const output of request.outputs) left.set(bufferOf(request.assignment, output), Infinity);
  const alive = new Set<Buffer>();
  let [bytes, peak] = [0, 0];
  const own = (step: Node): Buffer => bufferOf(request.assignment, step);
  const grows = (step: Node): number => {
    const buffer = own(step);
    return alive.has(buffer) || buffer.state !== undefined ? 0 : request.bytesOf(buffer);
  };
  const dying = (step: Node): Buffer[] => (touches.get(step) ?? []).filter((buffer) => left.get(buffer) === 1);
  const frees = (step: Node): number => dying(step).reduce((sum, buffer) => sum + request.bytesOf(buffer), 0);
  return {
    change: (step) => grows(step) - frees(step),
    run: (step) => {
      bytes += grows(step);
      peak = Math.max(peak, bytes);
      bytes -= frees(step);
      if (own(step).state === undefined) alive.add(own(step));
      for (const buffer of touches.get(step) ?? []) left.set(buffer, (left.get(buffer) ?? 0) - 1);
    },
    peak: () => peak,
  };
}

/** Picks the next step among those that can run; `ranks` is the order to fall back on. */
type Choice = (ready: readonly Node[], memory: Memory, rankOf: (step: Node) => number) => Node | undefined;

const least = (steps: readonly Node[], key: (step: Node) => number): Node | undefined => {
  let [best, lowest]: [Node | undefined, number] = [undefined, Infinity];
  for (const step of steps) {
    const value = key(step);
    if (best && value >= lowest) continue;
    [best, lowest] = [step, value];
  }
  return best;
};

const inOrder: Choice = (ready, _memory, rankOf) => least(ready, rankOf);

/** What frees memory runs as soon as it can: a weight's gradient, so that its activation can go. */
const freeingFirst: Choice = (ready, memory, rankOf) => {
  const freeing = ready.filter((step) => memory.change(step) <= 0);
  return freeing.length > 0 ? least(freeing, (step) => memory.change(step)) : least(ready, rankOf);
};

/** The step that adds least, whatever it is. */
const smallestFirst: Choice = (ready, memory) => least(ready, memory.change);

interface Schedule {
  readonly steps: readonly Node[];
  readonly peak: number;
}

/** List scheduling: one step after another, each the choice among those whose dependencies have run. */
function schedule(request: OrderRequest, base: readonly Node[], choose: Choice): Schedule {
  const waits = new Map([...dependencies(request.sharing, request.before)].map(([step, on]) => [step, new Set(on)]));
  const users = new Map<Node, Node[]>();
  for (const [step, on] of waits) for (const other of on) users.set(other, [...(users.get(other) ?? []), step]);
  const rank = new Map(base.map((step, index) => [step, index]));
  const rankOf = (step: Node): number => rank.get(step) ?? 0;
  const memory = beginMemory(request, new Map(base.map((step) => [step, touched(request, step)])));
  let ready = base.filter((step) => waits.get(step)?.size === 0);
  const steps: Node[] = [];
  for (let step = choose(ready, memory, rankOf); step; step = choose(ready, memory, rankOf)) {
    const chosen = step;
    memory.run(chosen);
    steps.push(chosen);
    ready = ready.filter((other) => other !== chosen);
    for (const user of users.get(chosen) ?? []) {
      const on = waits.get(user);
      on?.delete(chosen);
      if (on?.size === 0) ready.push(user);
    }
  }
  return { steps, peak: memory.peak() };
}

/**
 * The order with the lowest peak of several. Topological order from the outputs alone would compute all weight
 * gradients at the end and keep every activation and every gradient of one until then.
 */
export function orderSteps(request: OrderRequest): readonly Node[] {
  const base = orderOf(request.sharing, request.before);
  if (!base) throw new RangeError('steps wait for each other in a circle');
  const schedules = [inOrder, freeingFirst, smallestFirst].map((choose) => schedule(request, base, choose));
  return schedules.reduce((best, other) => (other.peak < best.peak ? other : best)).steps;
}
