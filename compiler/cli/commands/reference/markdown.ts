/** Pieces of Markdown. */

/** Text in backticks; nothing for nothing. */
export const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

/** A table; bars in cells are escaped. */
export const markdownTable = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
