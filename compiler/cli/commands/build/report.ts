/** What a build did, in figures and in a few lines. */
import { evaluateSize, type Plan } from '../../../../runtime/artifact.ts';
import { batchSymbol, describeSmallest, smallest } from '../../../driver/open-sizes.ts';
import { computedNodes, type ModelCompilation } from '../../../driver/compile-model.ts';
import type { Output } from '../../output.ts';
import { accuracyText } from '../../stage-table.ts';
import {
  count,
  formatBytes,
  formatDigits,
  formatInteger,
  formatMs,
  formatScaled,
  formatTable,
} from '../../../driver/text.ts';

export interface PassFigures {
  readonly pass: string;
  readonly summary: string;
  /** Nodes that compute something. */
  readonly before: number;
  readonly after: number;
  readonly changed: boolean;
}

export interface PlanFigures {
  readonly profile: string;
  readonly dispatches: number;
  readonly kernels: number;
  /** Bytes of one sample. */
  readonly arena_bytes: number;
  readonly arena_lower_bound_bytes: number;
}

export interface BuildFigures {
  readonly params: number;
  readonly macs: number;
  /** For which image size the figures are, where it is open; else empty. */
  readonly sizes: string;
  readonly passes: readonly PassFigures[];
  readonly plans: readonly PlanFigures[];
  readonly fused: ReadonlyMap<string, number>;
  /** Packed weights of all profiles together. */
  readonly weightBytes: number;
  readonly ms: number;
}

export function buildFigures({ artifact, passes, plans }: ModelCompilation, ms: number): BuildFigures {
  const { manifest, constants } = artifact;
  const symbols = smallest(manifest.symbols);
  const first = Object.values(manifest.plans).find((plan) => plan !== undefined);
  return {
    params: manifest.model.parameters,
    macs: manifest.model.macs,
    sizes: describeSmallest(manifest.symbols, batchSymbol(first), manifest.guards ?? []),
    passes: passes.map(({ pass, summary, before, after }) => ({
      pass,
      summary,
      before: computedNodes(before),
      after: computedNodes(after),
      changed: before !== after,
    })),
    plans: Object.entries(plans).map(([profile, { plan }]) => ({
      profile,
      dispatches: plan.steps.length,
      kernels: plan.kernels.length,
      arena_bytes: evaluateSize(plan.arena.bytes, symbols),
      arena_lower_bound_bytes: evaluateSize(plan.arena.lowerBoundBytes, symbols),
    })),
    fused: first ? fusedSteps(first) : new Map(),
    weightBytes: [...constants.values()].reduce((sum, { byteLength }) => sum + byteLength, 0),
    ms,
  };
}

/** How often each group of ops runs as one dispatch, the most frequent first. */
function fusedSteps({ steps }: Plan): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { op } of steps) if (op.includes('+')) counts.set(op, (counts.get(op) ?? 0) + 1);
  return new Map([...counts].toSorted(([, a], [, b]) => b - a));
}

export function buildReport(
  name: string,
  figures: BuildFigures,
  weights: string,
  output: Pick<Output, 'style' | 'verbose'>,
): string {
  const { params, macs, sizes, passes, plans, fused, weightBytes, ms } = figures;
  // What had nothing to do is of interest to those who look for why.
  const shown = output.verbose ? passes : passes.filter(({ changed }) => changed);
  const changes = shown.map(({ pass, before, after, changed }) => ['', pass, changeOf(before, after, changed)]);
  const fusions = [...fused].slice(0, 5).map(([op, times]) => `${times} ${op}`);
  const more = fused.size > 5 ? `, and ${count(fused.size - 5, 'other kind')}` : '';
  const rows = [
    ['weights', weights],
    ...(fused.size > 0 ? [['fused', fusions.join(', ') + more]] : []),
    ...plans.map((plan) => [plan.profile, planLine(plan, output.verbose)]),
    ['packed', `${formatBytes(weightBytes)} of weights`],
    ['time', formatMs(ms)],
  ];
  const title = `${output.style('bold', name)}: ${formatInteger(params)} params, ${formatScaled(macs)}MACs${sizes}`;
  const list = changes.length === 0 ? '' : `  passes\n${indent(formatTable(changes))}\n`;
  return `${title}\n${list}${indent(formatTable(rows))}`;
}

function changeOf(before: number, after: number, changed: boolean): string {
  if (!changed) return 'nothing to do';
  return before === after ? `${before} nodes, some simpler` : `${before} -> ${after} nodes`;
}

function planLine(plan: PlanFigures, withBound: boolean): string {
  const { dispatches, kernels, arena_bytes: arena, arena_lower_bound_bytes: bound } = plan;
  const over = withBound && bound > 0 ? `, ${formatDigits(arena / bound)} times its lower bound` : '';
  return `${count(dispatches, 'dispatch', 'dispatches')}, ${count(kernels, 'kernel')}, arena ${formatBytes(arena)} a sample${over}`;
}

const indent = (text: string): string => text.replaceAll(/^/gm, '  ');

/** `210 KiB, of which weights 93.1 KiB`, and on a second line the accuracy: what was built, at the end. */
export function builtText(
  files: ReadonlyMap<string, { readonly length: number }>,
  stage: Readonly<Record<string, number>> | undefined,
): string {
  const weights = files.get('weights.safetensors')?.length ?? 0;
  const all = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  const accuracy = accuracyText(stage ?? {});
  const quality = accuracy === undefined ? '' : `\n${accuracy} on the validation part`;
  return `${formatBytes(all)}, of which weights ${formatBytes(weights)}${quality}`;
}
