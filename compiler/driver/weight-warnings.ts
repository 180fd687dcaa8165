/** Weights that no network should have: NaN, infinities and negative variances, said tensor by tensor. */
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import { isParameter } from '../ir/leaves.ts';
import { topologicalOrder, type Graph } from '../ir/node.ts';
import type { Tensor } from '../ir/type.ts';
import { batchNorm } from '../ops/index.ts';
import { isOp } from '../ir/op.ts';
import { layersAt } from './model-weights.ts';
import { count } from './text.ts';

/** W0720 for each parameter of the graph with such values, at its layer. `file`: where they come from. */
export function weightWarnings(graph: Graph, weights: ReadonlyMap<string, Tensor>, file: string): Diagnostic[] {
  const variances = variancesOf(graph);
  return [...weights].flatMap(([name, tensor]): Diagnostic[] => {
    const what = faultsOf(tensor, variances.has(name));
    const [place] = what === undefined ? [] : layersAt(graph, name);
    if (what === undefined || !place) return [];
    const help = 'save the weights again from where they are right, or say that they are meant by --allow-non-finite';
    const message = `${name} of ${file} has ${what}`;
    const detail = { label: name, notes: place.calls, help };
    return [{ code: 'W0720', severity: 'warning', message, span: place.span, ...detail }];
  });
}

/** Names of the parameters that batch norms take as variances. */
function variancesOf(graph: Graph): ReadonlySet<string> {
  const norms = topologicalOrder(graph).filter((node) => isOp(node, batchNorm));
  return new Set(
    norms
      .flatMap(({ inputs }) => inputs.slice(4))
      .filter(isParameter)
      .map(({ attrs }) => attrs.name),
  );
}

function faultsOf({ data }: Tensor, isVariance: boolean): string | undefined {
  let [nan, infinite, negative] = [0, 0, 0];
  for (const value of data) {
    if (Number.isNaN(value)) nan++;
    else if (!Number.isFinite(value)) infinite++;
    else if (isVariance && value < 0) negative++;
  }
  const parts = [
    ...(nan > 0 ? [`${nan} NaN`] : []),
    ...(infinite > 0 ? [count(infinite, 'infinity', 'infinities')] : []),
    ...(negative > 0 ? [count(negative, 'negative variance')] : []),
  ];
  return parts.length === 0 ? undefined : `${parts.join(' and ')} among ${count(data.length, 'value')}`;
}
