/** `equalize`: channels between two convolutions are scaled so that no range dwarfs another (Nagel et al. 2019, 4.1). */
import { isConstant } from '../../ir/leaves.ts';
import { makeGraph, makeNode, rootsOf, topologicalOrder, usersOf, type Graph, type Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { mergeOrigins, withInputs } from '../../ir/rewrite.ts';
import type { Tensor } from '../../ir/type.ts';
import { conv2d, relu6, reshape } from '../../ops/index.ts';
import { constantNode } from '../constants.ts';
import type { Pass } from '../pass.ts';
import { isAnchor } from './groups.ts';

const name = 'equalize';

/** A producer of channels, and the one reader that they have. */
interface Pair {
  readonly from: Node;
  readonly to: Node;
}

/** A pair that is left as it is, and why. */
export interface Unequalized {
  readonly from: Node;
  readonly reason: string;
}

/** `f(s x) = s f(x)` channel by channel for s > 0, and the channels stay where they are. */
function passesScales(node: Node): boolean {
  if (isOp(node, reshape)) {
    const [x] = node.inputs;
    const [, channels] = x?.type.shape ?? [];
    return node.type.shape.length === 2 && node.type.shape[1] === channels;
  }
  return node.op.traits?.isHomogeneous === true;
}

const hasConstants = (anchor: Node): boolean => isAnchor(anchor) && anchor.inputs.slice(1).every(isConstant);

function pairsOf(graph: Graph): { pairs: Pair[]; skipped: Unequalized[] } {
  const [users, roots] = [usersOf(graph), new Set(rootsOf(graph))];
  const [pairs, skipped]: [Pair[], Unequalized[]] = [[], []];
  for (const from of topologicalOrder(graph)) {
    if (!hasConstants(from)) continue;
    let node = from;
    for (let next = soleUser(node, users, roots); ; next = soleUser(node, users, roots)) {
      if (next && passesScales(next)) node = next;
      else {
        if (next && hasConstants(next) && next.inputs[0] === node) pairs.push({ from, to: next });
        else if (next && isOp(next, relu6))
          skipped.push({ from, reason: 'relu6 cuts every channel at the same value' });
        else skipped.push({ from, reason: reasonAgainst(node, next, users, roots) });
        break;
      }
    }
  }
  return { pairs, skipped };
}

type Users = ReadonlyMap<Node, readonly Node[]>;

function soleUser(node: Node, users: Users, roots: ReadonlySet<Node>): Node | undefined {
  const [user, ...others] = users.get(node) ?? [];
  return roots.has(node) || others.length > 0 ? undefined : user;
}

function reasonAgainst(node: Node, next: Node | undefined, users: Users, roots: ReadonlySet<Node>): string {
  if (roots.has(node)) return 'its channels leave the graph';
  if (!next) return `its channels have ${users.get(node)?.length ?? 0} readers`;
  return `${next.op.name} does not let scales of channels through`;
}

/** Weights and bias of one convolution while they change. */
interface Working {
  readonly weight: Tensor & { readonly data: Float64Array };
  readonly bias: Float64Array | undefined;
}

function workingOf(anchor: Node): Working | undefined {
  const [, weight, bias] = anchor.inputs;
  if (!weight || !isConstant(weight)) return undefined;
  const { tensor } = weight.attrs;
  const biases = bias && isConstant(bias) ? new Float64Array(bias.attrs.tensor.data) : undefined;
  return { weight: { ...tensor, data: new Float64Array(tensor.data) }, bias: biases };
}

/** Calls `visit` with each index of a weight and its output and input channel. */
function eachTap(anchor: Node, { weight }: Working, visit: (at: number, output: number, input: number) => void): void {
  const [outputs = 1, perGroup = 1, ...taps] = weight.shape;
  const size = taps.reduce((product, length) => product * length, 1);
  const groups = isOp(anchor, conv2d) ? anchor.attrs.groups : 1;
  for (let at = 0; at < weight.data.length; at++) {
    const output = Math.floor(at / (perGroup * size));
    const input = Math.floor(output / (outputs / groups)) * perGroup + (Math.floor(at / size) % perGroup);
    visit(at, output, input);
  }
}

/** Beyond it a channel is as good as dead, and scaling it would only blow up noise. */
const largestScale = 1e3;

/** `s = sqrt(r1 / r2)` per channel: behind it both ranges are `sqrt(r1 r2)`. Returns the largest |log s|. */
function equalizePair({ from, to }: Pair, first: Working, second: Working): number {
  const channels = first.weight.shape[0] ?? 1;
  const [out, into] = [new Float64Array(channels), new Float64Array(channels)];
  const widen = (ranges: Float64Array, channel: number, value: number): void => {
    ranges[channel] = Math.max(ranges[channel] ?? 0, Math.abs(value));
  };
  eachTap(from, first, (at, output) => widen(out, output, first.weight.data[at] ?? 0));
  eachTap(to, second, (at, _, input) => widen(into, input, second.weight.data[at] ?? 0));
  const scales = out.map((range, channel) => {
    const other = into[channel] ?? 0;
    if (range === 0 || other === 0) return 1;
    return Math.min(Math.max(Math.sqrt(range / other), 1 / largestScale), largestScale);
  });
  const scaleOf = (channel: number): number => scales[channel] ?? 1;
  eachTap(from, first, (at, output) => (first.weight.data[at] = (first.weight.data[at] ?? 0) / scaleOf(output)));
  eachTap(to, second, (at, _, input) => (second.weight.data[at] = (second.weight.data[at] ?? 0) * scaleOf(input)));
  const { bias } = first;
  if (bias)
    for (let channel = 0; channel < channels; channel++) bias[channel] = (bias[channel] ?? 0) / scaleOf(channel);
  return scales.reduce((most, scale) => Math.max(most, Math.abs(Math.log(scale))), 0);
}

/** Chains settle within a few rounds; one more changes nothing that int8 could show. */
const [mostRounds, settled] = [40, 1e-3];

function run(graph: Graph): Graph {
  const { pairs } = pairsOf(graph);
  const working = new Map<Node, Working>();
  for (const node of pairs.flatMap(({ from, to }) => [from, to])) {
    const own = working.has(node) ? undefined : workingOf(node);
    if (own) working.set(node, own);
  }
  for (let round = 0, change = Infinity; round < mostRounds && change > settled; round++) {
    change = 0;
    for (const pair of pairs) {
      const [first, second] = [working.get(pair.from), working.get(pair.to)];
      if (first && second) change = Math.max(change, equalizePair(pair, first, second));
    }
  }
  return pairs.length === 0 ? graph : rebuilt(graph, working);
}

function rebuilt(graph: Graph, working: ReadonlyMap<Node, Working>): Graph {
  const made = new Map<Node, Node>();
  const of = (node: Node): Node => made.get(node) ?? node;
  for (const node of topologicalOrder(graph)) {
    const own = working.get(node);
    const [x = node, weight, bias] = node.inputs.map(of);
    if (!own || !weight || !isConstant(weight)) {
      made.set(node, withInputs(node, node.inputs.map(of)));
      continue;
    }
    const origin = mergeOrigins([weight], name);
    const operands = [x, constantNode(own.weight, weight.attrs.name, origin)];
    if (bias && isConstant(bias) && own.bias) {
      const tensor: Tensor = { ...bias.attrs.tensor, data: own.bias };
      operands.push(constantNode(tensor, bias.attrs.name, mergeOrigins([bias], name)));
    }
    made.set(node, makeNode(node.op, operands, node.attrs, mergeOrigins([node], name)));
  }
  const outputs = Object.entries(graph.outputs).map(([key, node]) => [key, of(node)] as const);
  return makeGraph(Object.fromEntries(outputs), graph.updates);
}

/** The layers that `equalize` leaves as they are, and why. */
export const unequalized = (graph: Graph): Unequalized[] => pairsOf(graph).skipped;

/** Weights of every reader are known, so the function of the graph stays the same; expects what `int8Preparation` makes. */
export const equalize: Pass = {
  name,
  summary: 'scale channels between convolutions so that their ranges are alike',
  run,
};
