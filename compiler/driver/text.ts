/** Figures and tables as text. */

/** `1,235,496`. */
export const formatInteger = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ',');

const scales = [
  [1e9, ' G'],
  [1e6, ' M'],
  [1e3, ' k'],
] as const;

/** Three significant digits with a decimal prefix, as in `56.5 M`; the unit follows. */
export function formatScaled(value: number): string {
  const [scale, prefix] = scales.find(([least]) => value >= least) ?? [1, ' '];
  return `${formatDigits(value / scale)}${prefix}`;
}

/** Three significant digits, without an exponent between 0.001 and a million. */
export function formatDigits(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2);
  return size >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** `1.18 MiB`, `640 bytes`. */
export function formatBytes(bytes: number): string {
  if (bytes >= 2 ** 30) return `${formatDigits(bytes / 2 ** 30)} GiB`;
  if (bytes >= 2 ** 20) return `${formatDigits(bytes / 2 ** 20)} MiB`;
  return bytes >= 2 ** 10 ? `${formatDigits(bytes / 2 ** 10)} KiB` : `${bytes} bytes`;
}

export const formatMs = (ms: number): string =>
  ms >= 10_000 ? `${formatDigits(ms / 1000)} s` : `${formatDigits(ms)} ms`;

export const count = (number: number, one: string, many = `${one}s`): string =>
  `${formatInteger(number)} ${number === 1 ? one : many}`;

/** A name as a part of a line: of files, it may hold a line break. */
export const oneLine = (text: string): string => text.replaceAll(/[\n\r\t\u2028\u2029]/g, '\ufffd');

/** Columns two spaces apart; a column is right-aligned where `right` holds its index. */
export function formatTable(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths: number[] = [];
  const cells = rows.map((row) => row.map(oneLine));
  for (const row of cells) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => (right.includes(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ');
  return cells.map((row) => line(row).trimEnd()).join('\n');
}

/** A list with commas, in indented lines no wider than `width` as far as its items allow. */
export function wrapped(items: readonly string[], width: number, indent: string): string {
  const lines: string[] = [];
  for (const [at, item] of items.entries()) {
    const text = at < items.length - 1 ? `${item},` : item;
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + text.length <= width) lines[lines.length - 1] = `${line} ${text}`;
    else lines.push(`${indent}${text}`);
  }
  return lines.join('\n');
}

/** `a, b or c`. */
export const oneOf = (names: readonly string[]): string =>
  [names.slice(0, -1).join(', '), names.at(-1)].filter(Boolean).join(' or ');
