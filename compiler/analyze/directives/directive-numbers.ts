/** Checks numbers of directives: their units, whether they are integers, and their range. */
import type { Expression } from '../../../grammar/ast.ts';
import { units, type Quantity } from '../../../grammar/units.ts';
import { conversionHelp } from '../values/conversions.ts';
import type { Spec } from './directive-schema.ts';
import { evaluateIn } from '../names/scope.ts';
import { complain, type Checking, type Setting } from './settings.ts';
import { describeKind, formatValue, isNumber, type Value } from '../values/values.ts';

const plural: Readonly<Record<Quantity, string>> = {
  ratio: '`%`',
  epochs: '`epochs`',
  steps: '`steps`',
  pixels: '`px`',
  seconds: '`ms`, `s`',
  bytes: '`KiB`, `MiB`, `MB`',
  count: '`K`, `M`, `G`',
  macs: '`MMACs`, `GMACs`',
};

export type NumberSpec = Extract<Spec, { kind: 'number' }>;

/** The number in base units; undefined after a report. */
export function checkNumber(
  c: Checking,
  spec: NumberSpec,
  expression: Expression,
  what: string,
  fallback?: string,
): Setting | undefined {
  const value = evaluateIn(c.scope, expression);
  if (value.kind === 'error') return undefined;
  const number = inBaseUnits(value);
  if (!number) {
    const message = `${what} must be a number, not ${describeKind(value)}`;
    return complain(c, 'E0604', expression.span, message, conversionHelp(value, 'float'));
  }
  const { quantity } = number;
  if (quantity && !spec.units?.includes(quantity)) {
    const help = spec.units
      ? `its units are ${spec.units.map((unit) => plural[unit]).join(', ')}`
      : 'write it without a unit';
    return complain(c, 'E0604', expression.span, `${what} cannot be ${formatValue(value)}`, help);
  }
  if (spec.sharing) return checkNumberOrShare(c, value, number, expression, what);
  if (spec.integer && !Number.isInteger(number.value)) {
    const help = `write \`${Math.max(Math.round(number.value), spec.least ?? -Infinity)}\``;
    return complain(c, 'E0604', expression.span, `${what} must be an integer, not ${formatValue(value)}`, help);
  }
  const { least = -Infinity, most = Infinity } = spec;
  if (number.value >= least && number.value <= most) return number;
  const range = most === Infinity ? `at least ${least}` : `between ${least} and ${most}`;
  const help = spec.help ?? rangeHelp(spec, number, fallback);
  return complain(c, 'E0605', expression.span, `${what} must be ${range}, not ${formatValue(value)}`, help);
}

/** `80%`, `0.8` and `100%` are shares, `1` and `800` are numbers; `1.0` could be either. */
function checkNumberOrShare(
  c: Checking,
  value: Value,
  { value: size, quantity }: Measured,
  { span }: Expression,
  what: string,
): Setting | undefined {
  const written = formatValue(value);
  if (size < 0) return complain(c, 'E0605', span, `${what} must be at least 0, not ${written}`, 'the least is 0');
  if (quantity === 'ratio' || (size > 0 && size < 1)) {
    if (size <= 1) return { kind: 'number', value: size, quantity: 'share' };
    return complain(c, 'E0605', span, `${what} must be at most 100%, not ${written}`, 'the greatest is `100%`');
  }
  if (value.kind === 'float' && size === 1) {
    const help = 'write `100%` for all samples, or `1` for one';
    return complain(c, 'E0604', span, `${what} may be one sample or all of them`, help);
  }
  if (Number.isSafeInteger(size)) return { kind: 'number', value: size };
  const help = `write \`${Math.round(size)}\` for a number of samples, or a share such as \`80%\` or \`0.8\``;
  return complain(c, 'E0604', span, `${what} must be a whole number or a share, not ${written}`, help);
}

/** A share that was meant in percent, else the way to the usual value, else the nearest one. */
function rangeHelp(
  { least = -Infinity, most = Infinity, units: allowed }: NumberSpec,
  { value, quantity }: Measured,
  fallback: string | undefined,
): string {
  // 1.5 is more likely to be a slip than 1.5%.
  const isPercentage = allowed?.includes('ratio') && !quantity && value >= 2 && value <= 100;
  if (isPercentage) return `a number without a unit is a share of one: write \`${value}%\``;
  if (fallback && fallback !== 'none') return `leave it out for ${fallback}`;
  return value < least ? `the least is ${least}` : `the greatest is ${most}`;
}

interface Measured {
  readonly kind: 'number';
  readonly value: number;
  readonly quantity?: Quantity;
}

function inBaseUnits(value: Value): Measured | undefined {
  if (isNumber(value)) return { kind: 'number', value: value.value };
  const unit = value.kind === 'quantity' ? units.get(value.unit) : undefined;
  if (value.kind !== 'quantity' || !unit) return undefined;
  return { kind: 'number', value: value.value * unit.scale, quantity: unit.quantity };
}
