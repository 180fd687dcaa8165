/** What to do about a budget of the network's size that a stage misses. */
import type { CheckedDirective } from '../../analyze/index.ts';
import { chainTo, stagesOf, type StageNode } from './stage-graph.ts';
import type { Remedy } from '../../driver/budgets.ts';
import { complete } from '../../analyze/directives/complete.ts';
import { directives } from '../../analyze/directives/directive-schema.ts';

/** Figures that pruning makes smaller. */
const prunable: ReadonlySet<string> = new Set(['params', 'macs', 'size', 'peak_memory']);

/**
 * For a line of the stage's budget: to raise the limit, or to prune more by as much as is missing. How a figure follows
 * a target is not known before the pruning, so that the target is given in steps of 5%.
 */
export function remedyOf(declared: readonly CheckedDirective[], name: string): Remedy {
  const stage = stagesOf(declared).find((each) => each.name === name);
  const pruning = stage && chainTo(stage).findLast(({ word }) => word === 'prune');
  return ({ metric, operator, limit }, { value }) => {
    if (!stage || !prunable.has(metric) || !operator.startsWith('<')) return undefined;
    if (!pruning) return 'raise it, or let a `prune` stage remove channels';
    const more = strongerTarget(pruning, limit / value);
    return more === undefined
      ? 'raise it, or prune more'
      : `raise it, or prune more: \`target = ${more}\` in \`${pruning.name}\``;
  };
}

/** The target with which what is left becomes smaller by this factor; undefined where no target of its kind does. */
function strongerTarget({ directive }: StageNode, factor: number): string | undefined {
  const { target } = complete(directives.prune.fields, directive.settings);
  const isShare = target.kind === 'ratio';
  const number = isShare ? target.value : target.value.value;
  if (!isShare && number > 0) return undefined;
  const gone = 1 - (1 - Math.abs(number)) * factor;
  const percent = (Math.floor(gone * 20) + 1) * 5;
  if (percent >= 100) return undefined;
  return isShare ? `ratio(${percent}%)` : `${target.kind}(-${percent}%)`;
}
