/** Which tensors of a training state are what: to restore, to export, to zero. */
import type { Tensors } from './checkpoint.ts';
import type { StateVectorInfo } from './loop/training-run.ts';

export function shapesOf(vectors: readonly StateVectorInfo[]): ReadonlyMap<string, readonly number[]> {
  return new Map(vectors.flatMap(({ tensors }) => tensors.map(({ name, shape }) => [name, shape])));
}

/** The vectors of which the totals of the metrics are a part. */
export const totalVectors = (vectors: readonly StateVectorInfo[]): readonly StateVectorInfo[] =>
  vectors.filter(({ tensors }) => tensors.some(({ kind }) => kind === 'total'));

/** Zeros for every tensor of some vectors. */
export function zerosOf(vectors: readonly StateVectorInfo[]): Tensors {
  return new Map(
    vectors.flatMap(({ tensors }) =>
      tensors.map(({ name, shape }) => [name, { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) }]),
    ),
  );
}

/** What the loss depends on, as early stopping restores it: no optimizer slots, no totals. */
export function modelTensors(vectors: readonly StateVectorInfo[], tensors: Tensors): Tensors {
  const kinds = new Set(['parameter', 'auxiliary', 'statistic', 'ema']);
  const names = vectors.flatMap((vector) => vector.tensors.filter(({ kind }) => kinds.has(kind)));
  return pick(
    tensors,
    names.map(({ name }) => [name, name]),
  );
}

/**
 * Parameters and running statistics by their PyTorch names, as the program `evaluate` reads them: where there are
 * moving averages `ema.<name>`, those take the place of the parameters.
 */
export function exportedWeights(vectors: readonly StateVectorInfo[], tensors: Tensors): Tensors {
  const all = vectors.flatMap((vector) => vector.tensors);
  const averaged = new Set(all.filter(({ kind }) => kind === 'ema').map(({ name }) => name));
  const kept = all.filter(({ kind }) => kind === 'parameter' || kind === 'statistic');
  return pick(
    tensors,
    kept.map(({ name }) => [name, averaged.has(`ema.${name}`) ? `ema.${name}` : name]),
  );
}

export const allFinite = (tensors: Tensors): boolean =>
  [...tensors.values()].every(({ data }) => data.every(Number.isFinite));

function pick(tensors: Tensors, names: readonly (readonly [string, string])[]): Tensors {
  return new Map(
    names.flatMap(([name, from]) => {
      const tensor = tensors.get(from);
      return tensor ? [[name, tensor]] : [];
    }),
  );
}
