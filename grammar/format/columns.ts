/** Columns of neighbouring lines: tuples in tables, stages in rows, keys and signs of entries. */
import { flatText, WIDTH } from './flat.ts';
import type { EntryLayout, Item, Layout } from './layout.ts';

/** The texts of tuples that stand below each other, with equal columns; undefined where the items are no table. */
export function alignTuples(items: readonly Item[], indent: number): ReadonlyMap<unknown, string> | undefined {
  const rows = items.length > 1 ? items.map(({ layout }) => cellsOf(layout)) : [];
  const count = rows[0]?.length ?? 0;
  if (count < 2 || rows.some((row) => row?.length !== count)) return undefined;
  const texts: string[] = rows.map(() => '(');
  for (let column = 0; column < count; column++) {
    const cells = rows.map((row) => row?.[column] ?? '');
    const width = Math.max(...cells.map((cell) => cell.length));
    const isLast = column === count - 1;
    const areNumbers = cells.every((cell) => /^-?[0-9]/.test(cell));
    cells.forEach((cell, row) => {
      const text = areNumbers ? cell.padStart(width) : cell;
      texts[row] += isLast ? `${text})` : `${text},`.padEnd(width + 2);
    });
  }
  if (texts.some((text) => indent + text.length + 1 > WIDTH)) return undefined;
  return new Map(items.map((item, index) => [item, texts[index] ?? '']));
}

/** The elements of a tuple on one line. */
function cellsOf(layout: Layout): readonly string[] | undefined {
  if (layout.kind !== 'list' || layout.open.text !== '(' || flatText(layout) === undefined) return undefined;
  return layout.items.map((item) => flatText(item.layout) ?? '');
}

/**
 * Blanks behind stages, so that the next stages of neighbouring rows stand below each other; `leadOf` tells the width of
 * the first line of a stage that breaks.
 */
export function alignChain(
  rows: readonly (readonly Item[])[],
  indent: number,
  leadOf: (layout: Layout) => number,
): ReadonlyMap<Item, number> {
  const paddings = new Map<Item, number>();
  const most = Math.max(0, ...rows.map((row) => row.length - 1));
  for (let column = 0; column < most; column++) {
    for (let start = 0; start < rows.length; start++) {
      let end = start;
      while ((rows[end]?.length ?? 0) > column + 1) end++;
      const cells = rows.slice(start, end).flatMap((row) => row[column] ?? []);
      const width = Math.max(0, ...cells.map(({ layout }) => flatText(layout)?.length ?? 0));
      for (const cell of cells) paddings.set(cell, width - (flatText(cell.layout)?.length ?? 0));
      start = end;
    }
  }
  const isTooWide = rows.some((row) => {
    const widths = row.map(
      (item) => (flatText(item.layout)?.length ?? leadOf(item.layout)) + (paddings.get(item) ?? 0),
    );
    const width = widths.reduce((sum, each) => sum + 1 + each, -1);
    return row.length > 1 && indent + width > WIDTH;
  });
  return isTooWide ? new Map() : paddings;
}

/** Longer keys have no neighbours in their column. */
const MAX_KEY = 40;

export interface KeyWidths {
  readonly key: number;
  readonly sign: number;
}

/** The widths of keys and signs, the same for all entries of a section; a blank line or another item ends one. */
export function alignEntries(items: readonly Item[], indent: number): ReadonlyMap<Item, KeyWidths> {
  const widths = new Map<Item, KeyWidths>();
  let section: Keyed[] = [];
  const close = (): void => {
    for (const each of widthsOf(section, indent)) widths.set(each.item, each.widths);
    section = [];
  };
  for (const item of items) {
    const { layout, blank, before } = item;
    if (blank || before.some((comment) => comment.blank)) close();
    if (layout.kind === 'entry' && isAligned(layout, indent)) section.push({ item, entry: layout });
    else close();
  }
  close();
  return widths;
}

interface Keyed {
  readonly item: Item;
  readonly entry: EntryLayout;
}

/** The widths of one section; a group that would no longer fit on its line divides it. */
function widthsOf(
  section: readonly Keyed[],
  indent: number,
): readonly { readonly item: Item; readonly widths: KeyWidths }[] {
  const key = Math.max(0, ...section.map(({ entry }) => flatText(entry.key)?.length ?? 0));
  const sign = Math.max(1, ...section.map(({ entry }) => entry.sign?.text.length ?? 1));
  const wide = section.findIndex(
    ({ entry }) => !entry.sign && indent + key + sign + (flatText(entry.value)?.length ?? 0) + 1 > WIDTH,
  );
  if (wide >= 0) return [...widthsOf(section.slice(0, wide), indent), ...widthsOf(section.slice(wide + 1), indent)];
  return section.map(({ item }) => ({ item, widths: { key, sign } }));
}

/** Entries with a sign, and groups of such entries that are on one line. */
function isAligned({ key, sign, value }: EntryLayout, indent: number): boolean {
  const keyText = flatText(key);
  if (keyText === undefined || keyText.length > MAX_KEY) return false;
  if (sign) return sign.before.length === 0 && sign.after.length === 0;
  const text = flatText(value);
  const holdsKeys = value.kind === 'block' && value.items.some(({ layout }) => layout.kind === 'entry' && layout.sign);
  return holdsKeys && text !== undefined && indent + keyText.length + 1 + text.length + 1 <= WIDTH;
}
