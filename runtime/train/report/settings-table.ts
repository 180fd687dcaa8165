/** Nested settings as an HTML table with a row a leaf. */
import { escapeHtml } from './html.ts';

export function settingsTable(settings: object): string {
  const rows = leavesOf('', settings).map(
    ([path, value]) => `<tr><th scope="row">${escapeHtml(path)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  return `<table class="settings"><tbody>${rows.join('\n')}</tbody></table>`;
}

function leavesOf(path: string, value: unknown): readonly (readonly [string, string])[] {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null)
    return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
  const isList = Array.isArray(value) && value.every((each) => typeof each !== 'object');
  if (isList) return [[path, value.join(', ') || 'none']];
  return Object.entries(value).flatMap(([key, each]) => leavesOf(path === '' ? key : `${path}.${key}`, each));
}
