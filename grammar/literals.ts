/** The values of number and string tokens, and what can be wrong with how they are written. */
import { diagnostic } from './diagnostics.ts';
import type { Diagnostic } from './diagnostics.ts';
import { foreignArgument } from './elsewhere/index.ts';
import type { SourceFile, Span } from './source.ts';
import { didYouMean } from './suggest.ts';
import { units } from './units.ts';

export interface NumberValue {
  readonly value: number;
  readonly unit?: string;
  readonly integer: boolean;
}

const numberParts =
  /^(?:(0[xX][0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)|(\d+(?:_\d+)*)(\.\d+(?:_\d+)*)?([eE][+-]?\d+)?(%|[A-Za-z][A-Za-z0-9_]*)?)$/;

/** The value of a number token, or undefined where it is malformed. */
export function numberValue(text: string): NumberValue | undefined {
  const parts = numberParts.exec(text);
  if (!parts) return undefined;
  const [, hex, whole = '', fraction = '', exponent = '', unit] = parts;
  // `0xZZ` is a faulty hexadecimal number, not a zero with the unit `xZZ`.
  if (unit !== undefined && /^0[xX]/.test(text)) return undefined;
  const value = Number((hex ?? whole + fraction + exponent).replaceAll('_', ''));
  const integer = fraction === '' && exponent === '';
  return unit === undefined ? { value, integer } : { value, unit, integer };
}

/** What is wrong with a number token, if anything. */
export function numberFault(text: string, span: Span): Diagnostic | undefined {
  const number = numberValue(text);
  if (!number) return malformedNumber(text, span);
  if (number.unit !== undefined && !units.has(number.unit)) return unknownUnit(text, number.unit, span);
  if (!Number.isFinite(number.value)) return diagnostic('E0104', span, `\`${clip(text)}\` is too large for a number`);
  if (number.integer && !Number.isSafeInteger(number.value)) {
    return diagnostic('E0104', span, `\`${clip(text)}\` is too large for an exact integer`, {
      help: 'integers reach 2^53 - 1; write a point or an exponent for a float',
    });
  }
  return percentageFault(text, span);
}

function malformedNumber(text: string, span: Span): Diagnostic {
  const message = `\`${clip(text)}\` is not a number`;
  if (/^0[xX]/.test(text)) {
    return diagnostic('E0104', span, message, { help: 'hexadecimal digits follow `0x`, as in `0x1F`, without a unit' });
  }
  return diagnostic('E0104', span, message, { help: 'an underscore stands between two digits, as in `45_000`' });
}

function unknownUnit(text: string, unit: string, span: Span): Diagnostic {
  const digits = text.slice(0, text.length - unit.length);
  if (/^e$/i.test(unit)) {
    return diagnostic('E0104', span, `the exponent of \`${clip(text)}\` has no digits`, { help: 'write as in `1e-3`' });
  }
  if (/^0$/.test(digits) && /^[bo]\d+$/i.test(unit)) {
    return diagnostic('E0104', span, `\`${clip(text)}\` is not a number`, {
      help: 'numbers are decimal or hexadecimal',
    });
  }
  const place: Span = { ...span, start: span.end - unit.length };
  const help = didYouMean(unit, units.keys()) ?? `units are ${[...units.keys()].join(', ')}`;
  return diagnostic('E0105', place, `unknown unit \`${clip(unit)}\``, { help });
}

/** `16%4`: the `%` that touches a number is its unit, so nothing may touch the `%`. */
function percentageFault(text: string, span: Span): Diagnostic | undefined {
  const next = span.file.text[span.end] ?? '';
  if (!text.endsWith('%') || !/[\w(["']/.test(next)) return undefined;
  const digits = text.slice(0, -1);
  return diagnostic('E0104', span, `\`${clip(text)}\` is a percentage, and \`${next}\` touches it`, {
    help: `put spaces around the remainder operator: \`${clip(digits)} % ${touching(span)}\``,
  });
}

function touching(span: Span): string {
  const word = /^\w{1,20}/.exec(span.file.text.slice(span.end, span.end + 20));
  return word ? word[0] : '...';
}

const simpleEscapes: ReadonlyMap<string, string> = new Map([
  ['n', '\n'], ['r', '\r'], ['t', '\t'], ['"', '"'], ['\\', '\\'],
]); // prettier-ignore

/** The text a string token stands for; a bad escape stands for itself. */
export function stringValue(text: string): string {
  const closed = text.length > 1 && text.endsWith(text[0] ?? '') && !endsInEscape(text);
  const body = text.slice(1, closed ? -1 : undefined);
  return body.includes('\\') ? decode(body, () => undefined) : body;
}

/** Bad escapes reported in one string. */
const MAX_ESCAPE_FAULTS = 5;

/** What is wrong with a string token: its quotes, its end, its escapes. */
export function stringFaults(text: string, file: SourceFile, start: number): Diagnostic[] {
  const span: Span = { file, start, end: start + text.length };
  if (text.length < 2 || !text.endsWith(text[0] ?? '') || endsInEscape(text)) {
    return [
      diagnostic('E0102', span, 'this string has no closing quote on its line', {
        help: 'end it with `"`; a line break inside a string is written `\\n`',
      }),
    ];
  }
  if (text.startsWith("'")) {
    return [
      diagnostic('E0101', { file, start, end: start + 1 }, "unexpected character `'`", {
        help: singleQuotesHelp(text.slice(1, -1), file.text.slice(Math.max(0, start - 40), start)),
      }),
    ];
  }
  const faults: Diagnostic[] = [];
  if (text.includes('\\')) {
    decode(text.slice(1, -1), (at, length) => {
      const place: Span = { file, start: start + 1 + at, end: start + 1 + at + length };
      if (faults.length < MAX_ESCAPE_FAULTS) faults.push(badEscape(place));
    });
  }
  return faults;
}

const modeWords = ['same', 'same_upper', 'nearest', 'bilinear'];

/** Paddings and modes have no quotes at all, and some keys of other frameworks have no counterpart. */
function singleQuotesHelp(inner: string, before: string): string {
  const key = /([A-Za-z_]\w*)\s*=\s*$/.exec(before)?.[1] ?? '';
  const foreign = foreignArgument(key, ['pad', 'mode']);
  if (foreign?.kind === 'other') return foreign.help;
  const name = foreign?.kind === 'called' ? foreign.here : key;
  const word = inner.toLowerCase();
  const value = word === 'valid' ? '0' : modeWords.includes(word) ? word : undefined;
  if (value !== undefined) return `it has no quotes: \`${name === '' ? value : `${name}=${value}`}\``;
  return /^[^"\\]{1,40}$/.test(inner)
    ? `strings stand in double quotes: \`"${inner}"\``
    : 'strings stand in double quotes, as in `"name"`';
}

function badEscape(span: Span): Diagnostic {
  const escape = span.file.text.slice(span.start, span.end);
  const help = escape.startsWith('\\u')
    ? 'a code point is written `\\u{1F600}`, up to `\\u{10FFFF}`'
    : 'escapes are `\\n`, `\\r`, `\\t`, `\\"`, `\\\\` and `\\u{...}`; a backslash itself is `\\\\`';
  return diagnostic('E0103', span, `unknown escape \`${escape}\``, { help });
}

/** True where the last quote belongs to an escape: an odd run of backslashes in front of it. */
function endsInEscape(text: string): boolean {
  let backslashes = 0;
  for (let at = text.length - 2; at > 0 && text[at] === '\\'; at--) backslashes++;
  return backslashes % 2 === 1;
}

/** Replaces the escapes of a string's body and reports the offset and length of each bad one. */
function decode(body: string, report: (at: number, length: number) => void): string {
  return body.replace(
    /\\(?:u\{([0-9a-fA-F]{1,8})\}|u(?:\{[^}]{0,8}\}?)?|[^])/g,
    (escape: string, ...rest: unknown[]) => {
      const [digits, at] = rest;
      const simple = simpleEscapes.get(escape.slice(1));
      if (simple !== undefined) return simple;
      const code = typeof digits === 'string' ? parseInt(digits, 16) : Infinity;
      // Surrogates are halves of UTF-16, not characters.
      if (code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)) return String.fromCodePoint(code);
      report(typeof at === 'number' ? at : 0, wholeCharacters(escape));
      return escape;
    },
  );
}

/** A pair of surrogates after the backslash is one character, but the pattern above takes its first half. */
function wholeCharacters(escape: string): number {
  const last = escape.charCodeAt(escape.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? escape.length + 1 : escape.length;
}

function clip(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 37)}...`;
}
