/** Static figures of a built model. */
import { addDims, multiplyDims, symbolicDim, symbolsOf, type Dim } from '../ir/dim.ts';
import { macsOf } from '../ir/macs.ts';
import { elementCount } from '../ir/type.ts';
import type { BuiltModel } from './build-ir.ts';

export interface Cost {
  /** Trainable elements, as `sum(p.numel() for p in model.parameters())` counts them in PyTorch. */
  readonly parameters: number;
  /** Multiply-accumulates of one sample; undefined while a size other than the batch is symbolic. */
  readonly macs: number | undefined;
  /** The same as a polynomial of the open sizes, where there are any. */
  readonly openMacs?: Dim;
}

export function costOf({ graph, parameters, inputs }: BuiltModel): Cost {
  const trainable = parameters.filter((parameter) => parameter.trainable);
  const count = trainable.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const batches = inputs.flatMap(({ type }) => symbolsOf(type.shape[0] ?? 1));
  const macs = graph && macsOf(graph);
  if (macs === undefined) return { parameters: count, macs: undefined };
  const ofOne = withOnes(macs, batches);
  if (typeof ofOne === 'number') return { parameters: count, macs: ofOne };
  return { parameters: count, macs: undefined, openMacs: ofOne };
}

/** The dimension with 1 for each of the symbols. */
function withOnes(dim: Dim, symbols: readonly string[]): Dim {
  if (typeof dim === 'number') return dim;
  return dim.terms.reduce((sum: Dim, { coefficient, symbols: factors }) => {
    const rest = factors.filter((symbol) => !symbols.includes(symbol));
    return addDims(sum, rest.map(symbolicDim).reduce(multiplyDims, coefficient));
  }, 0);
}
