/** Help lines for values of the wrong kind: what to write instead, where that is known. */
import { formatValue, isNumber, type Value } from './values.ts';

/** What a place may want; `tensor` stands for all element types. */
export type Wanted = 'int' | 'float' | 'bool' | 'string' | 'list' | 'tuple' | 'op' | 'tensor';

const nameOf = (value: Value): string => formatValue(value);

/** How to turn the value into the kind that is wanted; undefined where nothing better can be said than its kind. */
export function conversionHelp(value: Value, wanted: Wanted): string | undefined {
  switch (value.kind) {
    case 'string':
      return fromString(value.value, wanted);
    case 'int':
    case 'float':
    case 'dim':
      return fromNumber(value, wanted);
    case 'quantity':
      return fromQuantity(value, wanted);
    case 'bool':
      return wanted === 'int' || wanted === 'float' ? 'write `if ... then 1 else 0`' : undefined;
    case 'mode':
      return wanted === 'string' ? `put it into quotes: \`"${value.name}"\`` : undefined;
    case 'list':
      return wanted === 'tuple' ? 'write it in parentheses' : undefined;
    case 'tuple':
      if (wanted === 'tensor') return 'take it apart: `let (a, b) = ...`';
      return wanted === 'list' ? 'write it in brackets' : undefined;
    case 'op':
    case 'fn':
    case 'block':
      return wanted === 'tensor' ? `call it: \`${nameOf(value)}(...)\`` : undefined;
    case 'tensor':
      return wanted === 'op' ? undefined : 'the elements of tensors are not known while compiling';
    case 'range':
    case 'none':
    case 'error':
      return undefined;
  }
}

function fromString(text: string, wanted: Wanted): string | undefined {
  const bare = text.trim();
  const fits: Readonly<Partial<Record<Wanted, RegExp>>> = {
    int: /^-?\d+$/,
    float: /^-?\d+(\.\d+)?(e-?\d+)?$/,
    bool: /^(true|false)$/,
    op: /^[A-Za-z_]\w*$/,
  };
  return fits[wanted]?.test(bare) ? `write it without quotes: \`${bare}\`` : undefined;
}

function fromNumber(value: Extract<Value, { kind: 'int' | 'float' | 'dim' }>, wanted: Wanted): string | undefined {
  if (wanted === 'bool') {
    const isBit = isNumber(value) && (value.value === 0 || value.value === 1);
    return isBit ? `write \`${String(value.value === 1)}\`` : 'compare it, as in `n > 0`';
  }
  if (wanted === 'string') return `put it into quotes: \`"${nameOf(value)}"\``;
  if (wanted === 'list') return `write \`[${nameOf(value)}]\``;
  if (wanted !== 'int' || value.kind !== 'float') return undefined;
  return Number.isSafeInteger(value.value)
    ? `write \`${value.value}\``
    : '`floor`, `ceil` and `round` make an int of it; `//` divides without a fraction';
}

function fromQuantity({ value, unit }: Extract<Value, { kind: 'quantity' }>, wanted: Wanted): string | undefined {
  if (wanted === 'float' && unit === '%') return `write \`${value / 100}\``;
  return wanted === 'int' || wanted === 'float' ? `write it without a unit: \`${value}\`` : undefined;
}

/** As part of a diagnostic's detail. */
export function conversionDetail(value: Value, wanted: Wanted): { readonly help?: string } {
  const help = conversionHelp(value, wanted);
  return help === undefined ? {} : { help };
}
