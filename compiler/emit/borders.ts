/** What the borders of values hold: all readers of a border have to want the same in it. */
import { isConstant } from '../ir/leaves.ts';
import type { Node } from '../ir/node.ts';
import type { Profile } from '../kernels/kernel.ts';
import { candidates, haloOf, type Selection } from '../kernels/select.ts';
import { rootOf, type Sharing } from './share-memory.ts';

const hasBorder = (node: Node, selection: Selection): boolean => haloOf(node, selection).some((side) => side > 0);

/**
 * The word that each group of a value's border holds, by the value that has its own memory; zero where left out. Where
 * two readers disagree, as no quantized network makes them, the second gets a kernel that reads no border.
 */
export function borderWords(sharing: Sharing, profile: Profile): Map<Node, number> {
  const words = new Map<Node, number>();
  for (const node of sharing.steps) {
    const selection = sharing.selections.get(node);
    const [data] = node.inputs;
    if (!selection || !data || isConstant(data) || !hasBorder(node, selection)) continue;
    const root = rootOf(sharing, data);
    const word = selection.kernel.border?.(node) ?? 0;
    const known = words.get(root);
    if (known === undefined) words.set(root, word);
    else if (known !== word) sharing.selections.set(node, borderless(node, profile));
  }
  return words;
}

function borderless(node: Node, profile: Profile): Selection {
  const other = candidates(node, profile).find((selection) => !hasBorder(node, selection));
  if (!other) throw new RangeError(`no kernel runs ${node.op.name} without a border around its operand`);
  return other;
}
