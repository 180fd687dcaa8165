/** Finds the free dimensions of a run from the shapes of its inputs, and checks what the model asserts of them. */
import type { Guard, Size, Value } from './artifact.ts';
import { RuntimeFault } from './errors.ts';
import type { HostTensor } from './host-tensor.ts';

type Inputs = Readonly<Record<string, HostTensor>>;

const inputFault = (message: string, help?: string): RuntimeFault => new RuntimeFault('E0906', 'input', message, help);

function shapeHelp(given: readonly number[], rank: number): string | undefined {
  if (given.length === rank - 1) return `the batch comes first: make it [1, ${given.join(', ')}]`;
  return given.includes(0) ? 'there is nothing to compute from an array without elements' : undefined;
}

/** The values of the free dimensions. Throws E0906 where names, shapes or sizes do not fit, or a guard fails. */
export function bindSymbols(
  values: readonly Pick<Value, 'name' | 'shape'>[],
  inputs: Inputs,
  guards: readonly Guard[] = [],
): Readonly<Record<string, number>> {
  const names = values.map(({ name }) => name);
  const unknown = Object.keys(inputs).find((name) => !names.includes(name));
  if (unknown !== undefined) throw inputFault(`the model has no input ${unknown}; it takes ${names.join(', ')}`);
  const symbols: Record<string, number> = {};
  for (const { name, shape } of values) {
    const given = inputs[name];
    if (!given) throw inputFault(`input ${name} is missing`);
    checkGuards(name, shape, given, guards);
    const fits = shape.length === given.shape.length;
    if (!fits || !shape.every((size, axis) => matches(size, given.shape[axis] ?? 0, symbols))) {
      const wanted = shape.map((size) => formatSize(size, guards)).join(', ');
      throw inputFault(
        `input ${name} is [${given.shape.join(', ')}], the model takes [${wanted}]`,
        shapeHelp(given.shape, shape.length),
      );
    }
    const elements = given.shape.reduce((product, size) => product * size, 1);
    if (elements !== given.data.length) {
      const shapeText = given.shape.join(', ');
      throw inputFault(`input ${name} has ${given.data.length} values, its shape [${shapeText}] needs ${elements}`);
    }
  }
  return symbols;
}

/** The guard that a dimension such as `16*H_16` stands under. */
function guardOf(size: Size, guards: readonly Guard[]): Guard | undefined {
  const [term] = typeof size === 'object' && 'terms' in size ? size.terms : [];
  return guards.find(({ quotient }) => term?.[1][0] === quotient);
}

function checkGuards(name: string, shape: readonly Size[], given: HostTensor, guards: readonly Guard[]): void {
  const sizes = new Map<string, number>();
  shape.forEach((size, axis) => {
    const guard = guardOf(size, guards);
    if (guard) sizes.set(guard.symbol, given.shape[axis] ?? 0);
  });
  for (const { symbol, multipleOf, message } of guards) {
    const size = sizes.get(symbol);
    if (size === undefined || (size > 0 && size % multipleOf === 0)) continue;
    const stated = message?.replaceAll(/\{(\w+)\}/g, (text, key: string) => String(sizes.get(key) ?? text));
    throw inputFault(`input ${name}: ${stated ?? `${symbol} must be a multiple of ${multipleOf}, got ${size}`}`);
  }
}

/** `64`, `N`, `2*N + 1`; a guarded dimension shows its own name, as in `H (a multiple of 16)`. */
export function formatSize(size: Size, guards: readonly Guard[] = []): string {
  if (typeof size === 'number') return String(size);
  if ('product' in size) return size.product.map((factor) => formatSize(factor, guards)).join('*');
  if ('sum' in size) return size.sum.map((part) => formatSize(part, guards)).join(' + ');
  if ('max' in size) return `max(${size.max.map((part) => formatSize(part, guards)).join(', ')})`;
  const guard = size.terms.length === 1 ? guardOf(size, guards) : undefined;
  if (guard && size.terms[0]?.[0] === guard.multipleOf) return `${guard.symbol} (a multiple of ${guard.multipleOf})`;
  const factors = ([coefficient, names]: readonly [number, readonly string[]]): string =>
    [...(coefficient === 1 && names.length > 0 ? [] : [coefficient]), ...names].join('*');
  return size.terms.map(factors).join(' + ');
}

function matches(size: Size, given: number, symbols: Record<string, number>): boolean {
  if (!Number.isInteger(given) || given < 1) return false;
  if (typeof size === 'number') return size === given;
  const term = 'terms' in size && size.terms.length === 1 ? size.terms[0] : undefined;
  const [symbol] = term?.[1] ?? [];
  if (!term || symbol === undefined || term[1].length !== 1) return false;
  const value = given / term[0];
  symbols[symbol] ??= value;
  return Number.isInteger(value) && symbols[symbol] === value;
}
