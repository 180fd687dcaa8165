/** Sizes that an artifact leaves open beside the batch: what they are called, and values for them. */
import { evaluateSize, type Guard, type Manifest, type Plan, type Size } from '../../runtime/artifact.ts';
import { uniformValues } from '../../runtime/philox.ts';
import type { HostTensor } from '../../runtime/session.ts';
import { usageError } from './failure.ts';

export type SymbolValues = Readonly<Record<string, number>>;

type Guarded = Pick<Guard, 'symbol' | 'multipleOf' | 'quotient'>;

/** Every symbol at one: the figures of one sample of the smallest legal size. */
export const smallest = (symbols: readonly string[]): SymbolValues =>
  Object.fromEntries(symbols.map((symbol) => [symbol, 1]));

/** What `smallest` means in the source's names, as in ` at H=16, W=16`; empty where only the batch is open. */
export function describeSmallest(
  symbols: readonly string[],
  batch: string | undefined,
  guards: readonly Guarded[],
): string {
  const sizes = symbols
    .filter((symbol) => symbol !== batch)
    .map((symbol) => guards.find(({ quotient }) => quotient === symbol) ?? { symbol, multipleOf: 1 })
    .map(({ symbol, multipleOf }) => `${symbol}=${multipleOf}`);
  return sizes.length === 0 ? '' : ` at ${sizes.join(', ')}`;
}

/** The symbol of the first input's first axis; undefined where the batch is fixed. */
export function batchSymbol(plan: Pick<Plan, 'inputs'> | undefined): string | undefined {
  const size: Size | undefined = plan?.inputs[0]?.shape[0];
  return typeof size === 'object' && 'terms' in size ? size.terms[0]?.[1][0] : undefined;
}

/** The batch to run: what is asked for, unless the artifact was built for one batch. Throws E0001 where they differ. */
export function batchOf({ inputs }: Plan, wanted: number | undefined): number {
  const fixed = inputs[0]?.shape[0];
  if (typeof fixed !== 'number') return wanted ?? 1;
  if (wanted === undefined || wanted === fixed) return fixed;
  throw usageError(`the artifact is built for batches of ${fixed}, not of ${wanted}`);
}

/** Values for every open size from `--batch` and `--shape`. Throws E0001 where one is missing, unknown or not legal. */
export function symbolValues(
  { symbols, guards = [] }: Pick<Manifest, 'symbols' | 'guards'>,
  plan: Plan,
  batch: number,
  given: SymbolValues = {},
): SymbolValues {
  const batchName = batchSymbol(plan);
  const open = symbols
    .filter((symbol) => symbol !== batchName)
    .map((symbol) => guards.find(({ quotient }) => quotient === symbol) ?? { symbol, multipleOf: 1, quotient: symbol });
  const unknown = Object.keys(given).find((name) => !open.some(({ symbol }) => symbol === name));
  if (unknown !== undefined) {
    const names = open.map(({ symbol }) => symbol).join(', ');
    throw usageError(
      `the artifact has no open size ${unknown}`,
      names === '' ? 'its images have one size' : `it has ${names}`,
    );
  }
  const missing = open.filter(({ symbol }) => given[symbol] === undefined);
  if (missing.length > 0) {
    const example = missing.map(({ symbol, multipleOf }) => `${symbol}=${Math.ceil(128 / multipleOf) * multipleOf}`);
    const names = missing.map(({ symbol }) => symbol).join(', ');
    throw usageError(`the artifact leaves ${names} open`, `give sizes, as in --shape ${example.join(',')}`);
  }
  const values = open.map(({ symbol, multipleOf, quotient }): [string, number] => {
    const size = given[symbol] ?? multipleOf;
    if (size % multipleOf !== 0) throw usageError(`${symbol} must be a multiple of ${multipleOf}, not ${size}`);
    return [quotient, size / multipleOf];
  });
  return { ...(batchName === undefined ? {} : { [batchName]: batch }), ...Object.fromEntries(values) };
}

/** Inputs uniform in [-1, 1), which is what normalised images are like. */
export const randomInputs = (plan: Plan, values: SymbolValues, seed: number): Record<string, HostTensor> =>
  Object.fromEntries(
    plan.inputs.map(({ name, shape }, stream) => {
      const sizes = shape.map((size) => evaluateSize(size, values));
      const count = sizes.reduce((product, size) => product * size, 1);
      return [name, { shape: sizes, data: uniformValues(count, seed, stream, [-1, 1]) }];
    }),
  );
