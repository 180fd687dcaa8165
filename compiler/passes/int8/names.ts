/** Names of values that are the same in every build of a network: what recorded ranges go by. */
import { isConstant, isInput, isParameter } from '../../ir/leaves.ts';
import type { Node } from '../../ir/node.ts';
import type { IntegerGroup } from './groups.ts';

export interface Names {
  /** Parameter path of a group's layer, as in `layer1.0.conv2`; of groups without weights, the scope they stand in. */
  path(group: IntegerGroup): string;
  /** `layer1.0.conv2/out` behind a layer, `/pre` in front of its table, `layer1.0/add` and `image/input` elsewhere. */
  key(node: Node): string;
}

function layerOf(core: Node): string {
  const weight = core.inputs[1];
  const name = weight && (isConstant(weight) || isParameter(weight)) ? weight.attrs.name : '';
  return name.endsWith('.weight') ? name.slice(0, -'.weight'.length) : name;
}

const pathOf = ({ core }: IntegerGroup): string => layerOf(core) || (core.origin?.path ?? '');

/** The names of a graph's values; equal ones are told apart by `#2`, `#3`, ... in topological order. */
export function namesOf(order: readonly Node[], groups: readonly IntegerGroup[]): Names {
  const exits = new Map(groups.map((group) => [group.exit, group]));
  const tables = new Map(groups.map((group) => [group.beforeTable, group]));
  const wordsOf = (node: Node): string => {
    if (isInput(node)) return `${node.attrs.name}/input`;
    const [group, table] = [exits.get(node), tables.get(node)];
    if (table) return `${pathOf(table)}/pre`;
    if (!group) return `${node.origin?.path ?? ''}/${node.op.name}`;
    return `${pathOf(group)}/${group.kind === 'convolution' ? 'out' : group.core.op.name}`;
  };
  const [counts, keys] = [new Map<string, number>(), new Map<Node, string>()];
  for (const node of order) {
    const words = wordsOf(node);
    const count = (counts.get(words) ?? 0) + 1;
    counts.set(words, count);
    keys.set(node, count === 1 ? words : `${words}#${count}`);
  }
  return { path: pathOf, key: (node) => keys.get(node) ?? wordsOf(node) };
}
