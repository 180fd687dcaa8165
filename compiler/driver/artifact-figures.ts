/** The figures of budgets that follow from a built artifact: bytes of the weights file and of device memory. */
import type { Span } from '../../grammar/source.ts';
import { evaluateSize, type Place, type Plan, type Step } from '../../runtime/artifact.ts';
import type { Figure, Figures, Share } from './budgets.ts';
import type { ModelCompilation } from './compile-model.ts';
import type { Layer } from './layers.ts';
import { batchSymbol } from './open-sizes.ts';
import { formatBytes } from './text.ts';

/**
 * `size`: bytes of `weights.safetensors`. `peak_memory`: bytes of the arena at a batch size and of all weights, for the
 * profile that needs more; only where no size beside the batch is open.
 */
export function artifactFigures(
  { artifact }: Pick<ModelCompilation, 'artifact'>,
  weightsFileBytes: number,
  layers: readonly Layer[],
): Figures {
  const { plans, symbols, constants } = artifact.manifest;
  const weights = Object.values(constants).reduce((sum, { bytes }) => sum + bytes, 0);
  const named = Object.entries(plans).flatMap(([profile, plan]) => (plan ? [{ profile, plan }] : []));
  const [first] = named;
  const batchName = batchSymbol(first?.plan);
  const isOpen = symbols.some((symbol) => symbol !== batchName);
  const bytesOf = (name: string): number => constants[name]?.bytes ?? 0;
  return (metric, batch) => {
    if (metric === 'size') {
      const shares = named.flatMap(({ plan }) => plan.steps.map((step) => ({ step, plan })));
      return { value: weightsFileBytes, unit: 'bytes', shares: weightShares(shares, bytesOf, layers) };
    }
    if (metric !== 'peak_memory' || isOpen) return undefined;
    const values = batchName === undefined ? {} : { [batchName]: batch };
    const peaks = named.map(({ profile, plan }) => peakOf(profile, plan, weights, values, bytesOf, layers));
    return peaks.toSorted((a, b) => b.value - a.value)[0];
  };
}

type Bytes = (constant: string) => number;

const constantsOf = ({ bindings }: Step): string[] =>
  bindings.flatMap((binding) => ('constant' in binding ? [binding.constant] : []));

/** Weights by the step that reads them; those of both profiles, and of several steps, count at the first. */
function weightShares(steps: readonly { readonly step: Step }[], bytesOf: Bytes, layers: readonly Layer[]): Share[] {
  const seen = new Set<string>();
  const byName = new Map<string, Share>();
  for (const { step } of steps) {
    const own = constantsOf(step).filter((name) => !seen.has(name));
    for (const name of own) seen.add(name);
    const { name, span } = shareOf(step, layers, 0);
    const value = own.reduce((sum, each) => sum + bytesOf(each), byName.get(name)?.value ?? 0);
    byName.set(name, { name, span, value });
  }
  return [...byName.values()];
}

function peakOf(
  profile: string,
  plan: Plan,
  weights: number,
  values: Readonly<Record<string, number>>,
  bytesOf: Bytes,
  layers: readonly Layer[],
): Figure {
  const arena = evaluateSize(plan.arena.bytes, values);
  const shares = plan.steps.map((step) => {
    const own = constantsOf(step).reduce((sum, name) => sum + bytesOf(name), 0);
    return shareOf(step, layers, own + evaluateSize(step.result.region.bytes, values));
  });
  const made = `arena ${formatBytes(arena)} of the ${profile} plan, weights ${formatBytes(weights)}`;
  return { value: arena + weights, unit: 'bytes', shares, made };
}

function shareOf({ path, op, places }: Step, layers: readonly Layer[], value: number): Share {
  return { name: path === '' ? op : path, value, span: spanAt(places[0], layers) };
}

const spanAt = (place: Place | undefined, layers: readonly Layer[]): Span | undefined =>
  place && layers.find((layer) => layer.place === `${place.file}:${place.line}:${place.column}`)?.span;
