/** Names and texts as an HTML table with a row each. */
import { escapeHtml } from './html.ts';

export function settingsTable(rows: readonly (readonly [name: string, text: string])[]): string {
  const cells = rows.map(
    ([name, text]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(text)}</td></tr>`,
  );
  return `<table class="settings"><tbody>${cells.join('\n')}</tbody></table>`;
}
