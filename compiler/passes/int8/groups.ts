/** What one integer op computes: a core with the residual, the clamp or the table behind it. */
import { isConstant, isParameter } from '../../ir/leaves.ts';
import type { Graph, Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { shapesEqual } from '../../ir/dim.ts';
import {
  adaptiveAveragePool2d,
  add,
  averagePool2d,
  conv2d,
  globalAveragePool,
  linear,
  mul,
  sub,
} from '../../ops/index.ts';
import { isScalarConstant, surroundingsOf, type Surroundings } from '../rules/fusion-group.ts';
import { meanWindow } from './mean-window.ts';
import { clampOf, unaryAfter, unaryPath } from './unary.ts';

export type GroupKind = 'convolution' | 'sum' | 'product' | 'mean' | 'function';

export interface IntegerGroup {
  readonly kind: GroupKind;
  readonly core: Node;
  /** The one value that leaves the group. */
  readonly exit: Node;
  /** The value in front of a table, which has a range of its own. */
  readonly beforeTable: Node | undefined;
  /** What is read as i8. */
  readonly operands: readonly Node[];
  readonly members: ReadonlySet<Node>;
}

const isLearned = (node: Node | undefined): boolean => node !== undefined && (isConstant(node) || isParameter(node));

/** A convolution or matrix product with its own weights. */
export function isAnchor(node: Node): boolean {
  const isMatrix = isOp(node, linear) && node.type.shape.length === 2;
  return (isOp(node, conv2d) || isMatrix) && node.inputs.slice(1).every(isLearned);
}

const sameShape = (a: Node, b: Node): boolean => shapesEqual(a.type.shape, b.type.shape);
const isMap = (node: Node): boolean => !isConstant(node) && !isParameter(node);

const isSum = (node: Node): boolean =>
  (isOp(node, add) || isOp(node, sub)) && node.inputs.every((input) => isMap(input) && sameShape(input, node));

/** A product of two maps, or of a map and a gate `[N, C, 1, 1]`. */
function isProduct(node: Node): boolean {
  if (!isOp(node, mul) || !node.inputs.every(isMap)) return false;
  const gate = [...node.type.shape.slice(0, 2), 1, 1];
  const isGate = (input: Node): boolean => node.type.shape.length === 4 && shapesEqual(input.type.shape, gate);
  return (
    node.inputs.some((input) => sameShape(input, node)) && node.inputs.every((i) => sameShape(i, node) || isGate(i))
  );
}

const isMean = (node: Node): boolean =>
  (isOp(node, averagePool2d) || isOp(node, globalAveragePool) || isOp(node, adaptiveAveragePool2d)) &&
  meanWindow(node) !== undefined;

/** An elementwise op on one value. */
function isFunction(node: Node): boolean {
  const values = new Set(node.inputs.filter((input) => !isScalarConstant(input)));
  const [value] = values;
  return (
    node.op.scalar !== undefined && values.size === 1 && value !== undefined && isMap(value) && sameShape(value, node)
  );
}

interface Growth {
  readonly around: Surroundings;
  readonly taken: ReadonlySet<Node>;
}

/** The longest unary region behind `from`; of clamps only, unless `isAny`. */
function tailOf(from: Node, { around, taken }: Growth, isAny: boolean): { nodes: Set<Node>; exit: Node } {
  const nodes = new Set<Node>();
  let exit = from;
  for (let region = unaryAfter(exit, around); region; region = unaryAfter(exit, around)) {
    const path = unaryPath(from, region.exit);
    if (!path || [...region.nodes].some((node) => taken.has(node)) || (!isAny && !clampOf(path))) break;
    for (const node of region.nodes) nodes.add(node);
    exit = region.exit;
  }
  return { nodes, exit };
}

/** The sum that is the only user of a convolution, and its other operand. */
function residualOf(anchor: Node, { around, taken }: Growth): { sum: Node; residual: Node } | undefined {
  const [sum, ...others] = around.users.get(anchor) ?? [];
  if (!sum || others.length > 0 || around.roots.has(anchor) || taken.has(sum) || !isSum(sum)) return undefined;
  const residual = sum.inputs.find((input) => input !== anchor);
  return residual && { sum, residual };
}

function growConvolution(core: Node, growth: Growth): IntegerGroup {
  const joined = residualOf(core, growth);
  const from = joined?.sum ?? core;
  const tail = tailOf(from, growth, true);
  const path = unaryPath(from, tail.exit) ?? [];
  const [x] = core.inputs;
  return {
    kind: 'convolution',
    core,
    exit: tail.exit,
    beforeTable: clampOf(path) ? undefined : from,
    operands: [...(x ? [x] : []), ...(joined ? [joined.residual] : [])],
    members: new Set([core, from, ...tail.nodes]),
  };
}

function growOther(core: Node, growth: Growth): IntegerGroup | undefined {
  const kind = isSum(core) ? 'sum' : isProduct(core) ? 'product' : isMean(core) ? 'mean' : undefined;
  if (kind) {
    const { nodes, exit } = tailOf(core, growth, false);
    return { kind, core, exit, beforeTable: undefined, operands: core.inputs, members: new Set([core, ...nodes]) };
  }
  if (!isFunction(core)) return undefined;
  const { nodes, exit } = tailOf(core, growth, true);
  const operands = core.inputs.filter((input) => !isScalarConstant(input)).slice(0, 1);
  return { kind: 'function', core, exit, beforeTable: undefined, operands, members: new Set([core, ...nodes]) };
}

/**
 * The groups of a graph, in topological order of their cores. Convolutions are visited last first, so that of two that
 * feed one sum the later one absorbs it (as fusion does); what they leave is grouped from the front.
 */
export function integerGroups(graph: Graph): IntegerGroup[] {
  const around = surroundingsOf(graph);
  const taken = new Set<Node>();
  const groups: IntegerGroup[] = [];
  const claim = (group: IntegerGroup): void => {
    groups.push(group);
    for (const member of group.members) taken.add(member);
  };
  for (const node of around.order.toReversed()) if (isAnchor(node)) claim(growConvolution(node, { around, taken }));
  for (const node of around.order) {
    const group = taken.has(node) ? undefined : growOther(node, { around, taken });
    if (group) claim(group);
  }
  const rankOf = ({ core }: IntegerGroup): number => around.rank.get(core) ?? 0;
  return groups.toSorted((a, b) => rankOf(a) - rankOf(b));
}
