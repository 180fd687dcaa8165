/** Makes the demo's weights without training: filters by formula, batch norms from data, the readout by ridge regression. */
import { uniformValues } from '../../runtime/philox.ts';
import type { BuiltModel } from '../analyze/index.ts';
import { elementCount, type Tensor } from '../ir/type.ts';

export type Weights = Map<string, Tensor>;

type Formula = (index: readonly number[], shape: readonly number[]) => number;

/** A Gaussian's derivative along each of the directions around the circle: an edge of that direction. */
const orientedEdge: Formula = ([direction = 0, , y = 0, x = 0], [directions = 1, , height = 1, width = 1]) => {
  const angle = (2 * Math.PI * direction) / directions;
  const [dx, dy] = [x - (width - 1) / 2, y - (height - 1) / 2];
  return ((dx * Math.cos(angle) + dy * Math.sin(angle)) * Math.exp(-(dx * dx + dy * dy) / (2 * 1.5 ** 2))) / 4;
};

const gaussianBlur: Formula = ([, , y = 0, x = 0], [, , height = 1, width = 1]) => {
  const [dx, dy] = [x - (width - 1) / 2, y - (height - 1) / 2];
  return Math.exp(-(dx * dx + dy * dy) / (2 * 1.2 ** 2)) / (2 * Math.PI * 1.2 ** 2);
};

/** Channel k sums the k-th pair of directions, equal ones included: it is large where both meet. */
function pairOfEdges([pair = 0, edge = 0]: readonly number[], [, edges = 1]: readonly number[]): number {
  let [first, rest] = [0, pair];
  while (rest >= edges - first) rest -= edges - first++;
  return (edge === first ? 1 : 0) + (edge === first + rest ? 1 : 0);
}

const formulas: readonly (readonly [string, Formula])[] = [
  ['edges.filters.weight', orientedEdge],
  ['edges.blur.weight', gaussianBlur],
  ['corners.meet.weight', pairOfEdges],
  ['norm.weight', () => 1],
  ['level.weight', () => 1],
  ['running_var', () => 1],
  ['running_mean', () => 0],
  // Only what is clearly above the mean counts as an edge or a corner.
  ['norm.bias', () => -0.5],
  ['level.bias', () => 0],
];

/** Values for every parameter: by formula where there is one, else random with the variance of 1 / inputs. */
export function formulaWeights({ parameters }: BuiltModel, seed: number): Weights {
  return new Map(
    parameters.map(({ name, shape }, stream) => {
      const formula = formulas.find(([ending]) => name.endsWith(ending))?.[1];
      const spread = Math.sqrt(3 / (shape[1] ?? 1));
      const data = formula
        ? tabulate(shape, formula)
        : uniformValues(elementCount(shape), seed, stream, [-spread, spread]);
      return [name, { dtype: 'f32', shape, data }];
    }),
  );
}

function tabulate(shape: readonly number[], formula: Formula): Float32Array {
  return Float32Array.from({ length: elementCount(shape) }, (_, at) => {
    let rest = at;
    const index = shape.toReversed().map((size) => {
      const position = rest % size;
      rest = Math.floor(rest / size);
      return position;
    });
    return formula(index.toReversed(), shape);
  });
}

/** Mean and variance of each channel of `[N, C, H, W]`: what batch norm would have settled on in training. */
export function channelStatistics({ shape, data }: Tensor): {
  readonly mean: Float32Array;
  readonly variance: Float32Array;
} {
  const [batch = 1, channels = 1, ...rest] = shape;
  const pixels = elementCount(rest);
  const sums = [new Float64Array(channels), new Float64Array(channels)] as const;
  for (let at = 0; at < data.length; at++) {
    const channel = Math.floor(at / pixels) % channels;
    const value = data[at] ?? 0;
    sums[0][channel] = (sums[0][channel] ?? 0) + value;
    sums[1][channel] = (sums[1][channel] ?? 0) + value * value;
  }
  const count = batch * pixels;
  const mean = Float32Array.from(sums[0], (sum) => sum / count);
  const variance = Float32Array.from(sums[1], (sum, channel) => sum / count - ((sums[0][channel] ?? 0) / count) ** 2);
  return { mean, variance };
}

export interface Readout {
  /** `[classes, features]` and `[classes]`. */
  readonly weight: Tensor;
  readonly bias: Tensor;
}

/**
 * Ridge regression onto one-hot targets: W = (XᵀX / n + λI)⁻¹ XᵀY / n on features with mean 0 and variance 1, which
 * the result then takes into itself (Hastie, Tibshirani, Friedman, "The Elements of Statistical Learning", 3.4.1).
 */
export function fitReadout(
  rows: readonly Float32Array[],
  labels: readonly number[],
  classes: number,
  ridge: number,
): Readout {
  const width = rows[0]?.length ?? 0;
  const { mean, variance } = channelStatistics({
    dtype: 'f32',
    shape: [rows.length, width],
    data: Float32Array.from(rows.flatMap((row) => [...row])),
  });
  const scale = Float64Array.from(variance, (value) => 1 / Math.sqrt(Math.max(value, 1e-12)));
  const system = Array.from({ length: width }, () => new Float64Array(width));
  const targets = Array.from({ length: classes }, () => new Float64Array(width));
  rows.forEach((row, sample) => {
    const x = Float64Array.from(row, (value, at) => (value - (mean[at] ?? 0)) * (scale[at] ?? 0));
    x.forEach((value, i) => {
      const line = system[i];
      if (line) for (let j = 0; j < width; j++) line[j] = (line[j] ?? 0) + (value * (x[j] ?? 0)) / rows.length;
    });
    targets.forEach((target, label) => {
      const wanted = (labels[sample] === label ? 1 : 0) - 1 / classes;
      x.forEach((value, i) => (target[i] = (target[i] ?? 0) + (value * wanted) / rows.length));
    });
  });
  system.forEach((line, i) => (line[i] = (line[i] ?? 0) + ridge));
  const solutions = solve(system, targets);
  const weight = Float32Array.from(
    solutions.flatMap((solution) => Array.from(solution, (value, at) => value * (scale[at] ?? 0))),
  );
  const bias = Float32Array.from(solutions, (solution) =>
    solution.reduce((sum, value, at) => sum - value * (scale[at] ?? 0) * (mean[at] ?? 0), 1 / classes),
  );
  return {
    weight: { dtype: 'f32', shape: [classes, width], data: weight },
    bias: { dtype: 'f32', shape: [classes], data: bias },
  };
}

/** Solves A X = B for a symmetric positive definite A by Cholesky's decomposition A = LLᵀ, in place. */
function solve(a: readonly Float64Array[], b: readonly Float64Array[]): Float64Array[] {
  const at = (i: number, j: number): number => a[i]?.[j] ?? 0;
  for (const [j, column] of a.entries()) {
    for (let k = 0; k < j; k++) column[j] = at(j, j) - at(j, k) ** 2;
    column[j] = Math.sqrt(at(j, j));
    for (let i = j + 1; i < a.length; i++) {
      let sum = at(i, j);
      for (let k = 0; k < j; k++) sum -= at(i, k) * at(j, k);
      const line = a[i];
      if (line) line[j] = sum / at(j, j);
    }
  }
  return b.map((target) => {
    const x = Float64Array.from(target);
    for (let i = 0; i < x.length; i++) {
      for (let k = 0; k < i; k++) x[i] = (x[i] ?? 0) - at(i, k) * (x[k] ?? 0);
      x[i] = (x[i] ?? 0) / at(i, i);
    }
    for (let i = x.length - 1; i >= 0; i--) {
      for (let k = i + 1; k < x.length; k++) x[i] = (x[i] ?? 0) - at(k, i) * (x[k] ?? 0);
      x[i] = (x[i] ?? 0) / at(i, i);
    }
    return x;
  });
}
