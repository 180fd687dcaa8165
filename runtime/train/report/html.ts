/** Text in HTML and SVG. */

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '\n': '\n',
  '\t': '\t',
};

/**
 * The text with everything escaped that HTML gives a meaning, for contents and for quoted attributes, and without control
 * characters, which are not allowed in SVG and may stand in names of files.
 */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']|\p{Cc}/gu, (each) => entities[each] ?? '\ufffd');
