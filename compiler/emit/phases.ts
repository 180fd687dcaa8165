/** Tells which steps of a training step lead to its loss, which from there to gradients, and which use those. */
import type { Node } from '../ir/node.ts';
import type { Phase } from '../../runtime/artifact.ts';
import { dependencies, writersOf } from './dependencies.ts';
import type { Sharing } from './share-memory.ts';

/** Names of the outputs that each phase ends with; whatever else there is belongs to `update`. */
export type Phases = Readonly<Record<Exclude<Phase, 'update'>, readonly string[]>>;

/** A step belongs to the first phase of which an output depends on it. */
export function phasesOf(
  sharing: Sharing,
  outputs: ReadonlyMap<string, Node>,
  { forward, backward }: Phases,
): (step: Node) => Phase {
  const writers = writersOf(sharing);
  const waits = dependencies(sharing, new Map());
  const found = new Map<Node, Phase>();
  const mark = (phase: Phase, names: readonly string[]): void => {
    const open = names.flatMap((name) => outputs.get(name) ?? []).flatMap(writers);
    for (let step = open.pop(); step; step = open.pop()) {
      if (found.has(step)) continue;
      found.set(step, phase);
      open.push(...(waits.get(step) ?? []));
    }
  };
  mark('forward', forward);
  mark('backward', backward);
  return (step) => found.get(step) ?? 'update';
}
