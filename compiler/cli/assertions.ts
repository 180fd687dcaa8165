/** `--assert "top1>=0.9"`: limits on the figures that a command measures. */
import { CommandError, usageError } from '../driver/failure.ts';

export interface Assertion {
  readonly metric: string;
  readonly operator: '>=' | '<=' | '>' | '<' | '==';
  /** In the metric's own unit: a fraction, milliseconds, or a plain number. */
  readonly limit: number;
  readonly text: string;
}

const factors = { '': 1, '%': 0.01, us: 1e-3, ms: 1, s: 1e3 } as const;
const pattern = /^\s*([A-Za-z_]\w*)\s*(>=|<=|==|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(%|us|ms|s)?\s*$/;

const isUnit = (text: string): text is keyof typeof factors => Object.hasOwn(factors, text);
const isOperator = (text: string | undefined): text is Assertion['operator'] =>
  text !== undefined && ['>=', '<=', '==', '>', '<'].includes(text);

/** `aliases` maps a name to write to the key of the figure and the units it may have. Throws E0001. */
export function parseAssertions(
  texts: readonly string[],
  aliases: Readonly<Record<string, { readonly key: string; readonly units: readonly string[] }>>,
): Assertion[] {
  return texts.map((text) => {
    const found = pattern.exec(text);
    const [, name = '', operator, number, unit = ''] = found ?? [];
    if (!isOperator(operator) || !isUnit(unit))
      throw usageError(`'${text}' asserts nothing`, 'write --assert "top1>=0.9" or "p50<=2ms"');
    const metric = Object.hasOwn(aliases, name) ? aliases[name] : undefined;
    if (!metric)
      throw usageError(`there is no figure ${name} to assert`, `there are ${Object.keys(aliases).join(', ')}`);
    if (unit !== '' && !metric.units.includes(unit)) throw usageError(`${name} has no unit ${unit}`);
    // 80% must be the fraction 0.8 itself, which 80 * 0.01 is not always.
    const limit = unit === '%' ? Number(number) / 100 : Number(number) * factors[unit];
    // What has percent is a share of all samples.
    if (metric.units.includes('%')) checkShare({ name, operator, limit }, text.trim());
    return { metric: metric.key, operator, limit, text: text.trim() };
  });
}

/** Throws E0001 for a limit that no share reaches, or all do: percents that are taken for shares, mostly. */
function checkShare(
  { name, operator, limit }: Pick<Assertion, 'operator' | 'limit'> & { readonly name: string },
  text: string,
): void {
  const ends = [0, 1].map((share) => holds[operator](share, limit));
  const isBetween = limit >= 0 && limit <= 1 && (operator === '==' || ends.includes(true));
  if (isBetween) return;
  const share = Number((limit / 100).toPrecision(12));
  const help =
    limit > 1 && limit <= 100 ? `write ${name}${operator}${limit}% or ${name}${operator}${share}` : undefined;
  const verdict = ends.includes(true) ? 'always' : 'never';
  throw usageError(`'${text}' ${verdict} holds: ${name} lies between 0 and 1, which is 0% to 100%`, help);
}

const holds = {
  '>=': (a: number, b: number) => a >= b,
  '<=': (a: number, b: number) => a <= b,
  '>': (a: number, b: number) => a > b,
  '<': (a: number, b: number) => a < b,
  '==': (a: number, b: number) => a === b,
} as const;

/** Throws E0802, naming every assertion that fails; a figure that is not a number fails each. */
export function checkAssertions(assertions: readonly Assertion[], figures: Readonly<Record<string, unknown>>): void {
  const failed = assertions.filter(({ metric, operator, limit }) => !holds[operator](Number(figures[metric]), limit));
  if (failed.length === 0) return;
  const list = failed
    .map(({ text, metric }) => `${text} (it is ${Number(Number(figures[metric]).toPrecision(6))})`)
    .join(', ');
  throw new CommandError('E0802', `${failed.length === 1 ? 'an assertion fails' : 'assertions fail'}: ${list}`);
}
