/** Dimensions: concrete sizes, or integer polynomials over symbols such as N (the batch). */

export interface Term {
  readonly coefficient: number;
  /** Sorted; a square names its symbol twice. Empty for the constant term. */
  readonly symbols: readonly string[];
}

/** A polynomial with at least one symbol; its terms are sorted by `symbols` and have no zero coefficient. */
export interface SymbolicDim {
  readonly terms: readonly Term[];
}

export type Dim = number | SymbolicDim;

export type Bindings = Readonly<Record<string, number>>;

const keyOf = (term: Term): string => term.symbols.join('*');

function termsOf(dim: Dim): readonly Term[] {
  if (typeof dim !== 'number') return dim.terms;
  return dim === 0 ? [] : [{ coefficient: dim, symbols: [] }];
}

function fromTerms(terms: readonly Term[]): Dim {
  const sums = new Map<string, Term>();
  for (const term of terms) {
    const key = keyOf(term);
    const coefficient = (sums.get(key)?.coefficient ?? 0) + term.coefficient;
    sums.set(key, { coefficient, symbols: term.symbols });
  }
  const kept = [...sums.values()].filter((term) => term.coefficient !== 0);
  if (kept.every((term) => term.symbols.length === 0)) return kept[0]?.coefficient ?? 0;
  return { terms: kept.toSorted((a, b) => (keyOf(a) < keyOf(b) ? 1 : -1)) };
}

export const symbolicDim = (name: string): Dim => ({ terms: [{ coefficient: 1, symbols: [name] }] });

export const addDims = (a: Dim, b: Dim): Dim =>
  typeof a === 'number' && typeof b === 'number' ? a + b : fromTerms([...termsOf(a), ...termsOf(b)]);

export function multiplyDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  return fromTerms(
    termsOf(a).flatMap((x) =>
      termsOf(b).map((y) => ({
        coefficient: x.coefficient * y.coefficient,
        symbols: [...x.symbols, ...y.symbols].toSorted(),
      })),
    ),
  );
}

export const subtractDims = (a: Dim, b: Dim): Dim => addDims(a, multiplyDims(b, -1));

/** The quotient rounded down, or undefined where it is no polynomial: every symbolic coefficient must divide. */
export function floorDivideDim(dim: Dim, divisor: number): Dim | undefined {
  const divided: Term[] = [];
  for (const term of termsOf(dim)) {
    if (term.symbols.length > 0 && term.coefficient % divisor !== 0) return undefined;
    divided.push({ coefficient: Math.floor(term.coefficient / divisor), symbols: term.symbols });
  }
  return fromTerms(divided);
}

/** The quotient where the division has no remainder, else undefined. */
export function divideDimExactly(dim: Dim, divisor: number): Dim | undefined {
  return termsOf(dim).every((term) => term.coefficient % divisor === 0) ? floorDivideDim(dim, divisor) : undefined;
}

export function dimsEqual(a: Dim, b: Dim): boolean {
  if (typeof a === 'number' || typeof b === 'number') return a === b;
  return formatDim(a) === formatDim(b);
}

export const shapesEqual = (a: readonly Dim[], b: readonly Dim[]): boolean =>
  a.length === b.length && a.every((dim, axis) => dimsEqual(dim, b[axis] ?? Number.NaN));

export const productOf = (dims: readonly Dim[]): Dim => dims.reduce(multiplyDims, 1);

/** The quotient of two dimensions where it is a polynomial, else undefined; used to infer one free size. */
export function divideDims(a: Dim, b: Dim): Dim | undefined {
  if (typeof b === 'number') return b === 0 ? undefined : divideDimExactly(a, b);
  const [divisor] = b.terms;
  if (!divisor || b.terms.length !== 1) return dimsEqual(a, b) ? 1 : undefined;
  const quotient: Term[] = [];
  for (const term of termsOf(a)) {
    const rest = [...term.symbols];
    for (const symbol of divisor.symbols) {
      const at = rest.indexOf(symbol);
      if (at < 0) return undefined;
      rest.splice(at, 1);
    }
    if (term.coefficient % divisor.coefficient !== 0) return undefined;
    quotient.push({ coefficient: term.coefficient / divisor.coefficient, symbols: rest });
  }
  return fromTerms(quotient);
}

/** The symbols that a dimension mentions, sorted. */
export const symbolsOf = (dim: Dim): readonly string[] =>
  [...new Set(termsOf(dim).flatMap((term) => term.symbols))].toSorted();

/** The size under the given bindings. Throws a RangeError where a symbol is unbound. */
export function evaluateDim(dim: Dim, bindings: Bindings): number {
  if (typeof dim === 'number') return dim;
  let sum = 0;
  for (const term of dim.terms) {
    let product = term.coefficient;
    for (const symbol of term.symbols) {
      const value = bindings[symbol];
      if (value === undefined) throw new RangeError(`dimension ${symbol} has no size`);
      product *= value;
    }
    sum += product;
  }
  return sum;
}

/** `N`, `2*H`, `H*W + 4*H - 1`. */
export function formatDim(dim: Dim): string {
  if (typeof dim === 'number') return String(dim);
  let text = '';
  for (const term of dim.terms) {
    const size = Math.abs(term.coefficient);
    const factors =
      term.symbols.length === 0 ? String(size) : [...(size === 1 ? [] : [size]), ...term.symbols].join('*');
    if (text === '') text = term.coefficient < 0 ? `-${factors}` : factors;
    else text += term.coefficient < 0 ? ` - ${factors}` : ` + ${factors}`;
  }
  return text;
}

/** Reads what `formatDim` prints; undefined where the text is no dimension. */
export function parseDim(text: string): Dim | undefined {
  const compact = text.replaceAll(/\s+/g, '');
  if (!/^-?[\w*]+([+-][\w*]+)*$/.test(compact)) return undefined;
  const terms: Term[] = [];
  for (const [, sign, body] of compact.matchAll(/([+-]?)([\w*]+)/g)) {
    let coefficient = sign === '-' ? -1 : 1;
    const symbols: string[] = [];
    for (const factor of (body ?? '').split('*')) {
      if (/^\d+$/.test(factor)) coefficient *= Number(factor);
      else if (/^[A-Za-z_]\w*$/.test(factor)) symbols.push(factor);
      else return undefined;
    }
    terms.push({ coefficient, symbols: symbols.toSorted() });
  }
  return fromTerms(terms);
}
