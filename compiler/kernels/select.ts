/** Chooses the kernel and the schedule of a node. */
import type { Node } from '../ir/node.ts';
import { kernels } from './index.ts';
import { noHalo, type Halo, type Kernel, type Profile } from './kernel.ts';

export interface Selection {
  readonly kernel: Kernel;
  readonly schedule: Readonly<Record<string, number>>;
}

/** Every kernel and schedule that can run a node, the one for untuned builds first; empty where none can. */
export function candidates(node: Node, profile: Profile): Selection[] {
  return kernels
    .filter((kernel) => kernel.profiles.includes(profile) && kernel.supports(node))
    .flatMap((kernel) => kernel.schedules(node, profile).map((schedule) => ({ kernel, schedule })));
}

/** The zero border that a selection needs around its data operand. */
export const haloOf = (node: Node, { kernel, schedule }: Selection): Halo => kernel.halo?.(node, schedule) ?? noHalo;
