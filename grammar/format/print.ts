/** From layouts to text: every construct on one line where it fits and the author did not break it. */
import type { FileLayout } from './build-program.ts';
import { alignChain, alignEntries, alignTuples } from './columns.ts';
import type { KeyWidths } from './columns.ts';
import { flatText, WIDTH } from './flat.ts';
import type { Block, Branches, Chain, Choice, EntryLayout, Item, Layout, List, Signature, Wrapped } from './layout.ts';
import type { Output } from './output.ts';
import {
  blankLine,
  columnOf,
  newLine,
  newOutput,
  STEP,
  textOf,
  write,
  writeAfter,
  writeComments,
  writeToken,
} from './output.ts';
import type { Token } from './tokens.ts';

export function print({ items, end }: FileLayout): string {
  const o = newOutput();
  items.forEach((item, index) => {
    if (index > 0 && (item.isApart || items[index - 1]?.isApart)) blankLine(o);
    printItem(o, item, index === 0, () => render(o, item.layout, 0));
  });
  writeComments(o, end, items.length === 0);
  return textOf(o);
}

/** An item on a line of its own, with its comments; `suffix` stands behind it. */
function printItem(o: Output, item: Item, isFirst: boolean, layout: () => void, suffix = ''): void {
  writeComments(o, item.before, isFirst);
  if (item.blank && !(isFirst && item.before.length === 0)) blankLine(o);
  newLine(o);
  layout();
  write(o, suffix);
  writeAfter(o, item.after);
}

/** On one line where that fits with `reserve` more columns behind it. */
function render(o: Output, layout: Layout, reserve: number): void {
  const flat = flatText(layout);
  if (flat !== undefined && columnOf(o) + flat.length + reserve <= WIDTH) write(o, flat);
  else renderBroken(o, layout, reserve);
}

function renderBroken(o: Output, layout: Layout, reserve: number): void {
  switch (layout.kind) {
    case 'leaf':
      if (layout.token) writeToken(o, layout.token);
      else write(o, ' ');
      break;
    case 'row':
      layout.parts.forEach((part, index) => render(o, part, leadOf(layout.parts.slice(index + 1)) ?? reserve));
      break;
    case 'wrapped':
      renderWrapped(o, layout, reserve);
      break;
    case 'list':
      renderList(o, layout, reserve);
      break;
    case 'block':
      renderBlock(o, layout);
      break;
    case 'chain':
      if (canHug(o, layout, reserve)) renderHugged(o, layout, reserve);
      else renderRows(o, layout, reserve);
      break;
    case 'choice':
      renderChoice(o, layout, reserve);
      break;
    case 'branches':
      renderBranches(o, layout);
      break;
    case 'entry':
      renderEntry(o, layout, { key: 0, sign: 0 }, reserve);
      break;
    case 'signature':
      renderSignature(o, layout);
      break;
  }
}

/** How far parts reach up to the first place where they can break; undefined where there are none. */
function leadOf(parts: readonly Layout[]): number | undefined {
  if (parts.length === 0) return undefined;
  let length = 0;
  for (const part of parts) {
    const lead = leadOfPart(part);
    length += lead.length;
    if (lead.breaks) break;
  }
  return length;
}

function leadOfPart(layout: Layout): { readonly length: number; readonly breaks: boolean } {
  switch (layout.kind) {
    case 'leaf':
      return { length: layout.token?.text.length ?? 1, breaks: false };
    case 'list':
    case 'block':
      return { length: 1, breaks: true };
    case 'row':
      return { length: leadOf(layout.parts) ?? 0, breaks: layout.parts.some((part) => leadOfPart(part).breaks) };
    case 'wrapped':
      return { ...leadOfPart(layout.first), breaks: true };
    case 'chain':
      return { ...leadOfPart(layout.head), breaks: true };
    case 'choice':
      return { length: leadOf(layout.arms.slice(0, 1)) ?? 0, breaks: true };
    case 'branches':
      return { length: (leadOf([layout.head]) ?? 0) + 2, breaks: true };
    case 'entry':
      return { length: leadOf([layout.key]) ?? 0, breaks: true };
    case 'signature':
      return { length: leadOf([layout.name]) ?? 0, breaks: true };
  }
}

function indented(o: Output, action: () => void): void {
  o.indent += STEP;
  action();
  o.indent -= STEP;
}

function renderWrapped(o: Output, { first, rest }: Wrapped, reserve: number): void {
  render(o, first, 0);
  indented(o, () => {
    rest.forEach(({ layout }, index) => {
      newLine(o);
      render(o, layout, index === rest.length - 1 ? reserve : 0);
    });
  });
}

/** What stands inside brackets, two columns further in, and the closing bracket. */
function inside(o: Output, close: Token, isEmpty: boolean, action: () => void): void {
  indented(o, () => {
    action();
    writeComments(o, close.before, isEmpty);
    newLine(o);
  });
  writeToken(o, { ...close, before: [] });
}

function renderList(o: Output, list: List, reserve: number): void {
  const { open, items, close, padding } = list;
  const [only, second] = items;
  writeToken(o, open);
  if (only && !second && isHuggable(list, only)) {
    write(o, padding);
    render(o, only.layout, reserve + 1);
    write(o, padding);
    writeToken(o, close);
    return;
  }
  inside(o, close, items.length === 0, () => {
    const rows = rowsOf(list, o.indent);
    const table = rows.every((row) => row.length === 1) ? alignTuples(items, o.indent) : undefined;
    rows.forEach((row, index) => {
      const isOpen = !list.endsInComma && index === rows.length - 1;
      printRow(o, row, index === 0, ',', { isOpen, text: table?.get(row[0] ?? row) });
    });
  });
}

/** A single element that is itself in brackets needs no lines for the outer ones. */
function isHuggable({ isBroken, open, close }: List, { layout, before, after }: Item): boolean {
  const hasComments = [open.after, close.before, before, after].some((comments) => comments.length > 0);
  return !isBroken && !hasComments && (layout.kind === 'list' || layout.kind === 'block');
}

/** The author's rows; short elements of a list that was on one line fill rows, others get a line each. */
function rowsOf({ isBroken, items, open }: List, indent: number): readonly (readonly Item[])[] {
  const texts = items.map(({ layout }) => flatText(layout));
  if (isBroken) return splitRows(items, indent, ', ', 1);
  if (open.text !== '[' || !texts.every((text) => text !== undefined && text.length <= 30)) {
    return items.map((item) => [item]);
  }
  const rows: Item[][] = [];
  let length = WIDTH;
  items.forEach((item, index) => {
    const width = (texts[index]?.length ?? 0) + 2;
    if (length + width - 1 > WIDTH || startsRow(items, index)) {
      rows.push([]);
      length = indent;
    }
    rows.at(-1)?.push(item);
    length += width;
  });
  return rows;
}

/** The author's rows, less those that do not fit. */
function splitRows(items: readonly Item[], indent: number, gap: string, reserve: number): readonly (readonly Item[])[] {
  const rows: Item[][] = [];
  items.forEach((item, index) => {
    if (startsRow(items, index)) rows.push([item]);
    else rows.at(-1)?.push(item);
  });
  return rows.flatMap((row) => (fitsRow(row, indent + reserve, gap) ? [row] : row.map((item) => [item])));
}

/** True where the author began a line, or a comment ends the one before. */
function startsRow(items: readonly Item[], index: number): boolean {
  return index === 0 || (items[index]?.newline ?? false) || (items[index - 1]?.after.length ?? 0) > 0;
}

/** All but the last in one line, and of the last what comes before its first break. */
function fitsRow(row: readonly Item[], indent: number, gap: string): boolean {
  let length = indent;
  for (const [index, { layout }] of row.entries()) {
    const flat = flatText(layout);
    if (flat === undefined && index < row.length - 1) return false;
    length += (flat?.length ?? stageLead(layout)) + gap.length;
  }
  return length <= WIDTH + gap.length;
}

/** `isOpen`: nothing stands behind the last item; `text` is that of an only one. */
function printRow(
  o: Output,
  row: readonly Item[],
  isFirst: boolean,
  separator: string,
  { isOpen, text }: { readonly isOpen: boolean; readonly text?: string | undefined },
): void {
  row.forEach((item, index) => {
    const layout = (): void => (text === undefined ? render(o, item.layout, separator.length) : write(o, text));
    const isLast = index === row.length - 1;
    const suffix = isOpen && isLast ? '' : separator;
    if (index === 0) return printItem(o, item, isFirst, layout, suffix);
    write(o, ' ');
    layout();
    write(o, suffix);
    writeAfter(o, item.after);
  });
}

/** Braces with lines of their own inside. */
function renderBlock(o: Output, { content, open, items, close }: Block): void {
  writeToken(o, open);
  if (items.length === 0 && open.after.length === 0 && close.before.length === 0) return writeToken(o, close);
  inside(o, close, items.length === 0, () => {
    if (content === 'stages') {
      splitRows(items, o.indent, '; ', 0).forEach((row, index) => printRow(o, row, index === 0, ';', { isOpen: true }));
      return;
    }
    const widths = alignEntries(items, o.indent);
    items.forEach((item, index) => {
      const suffix = content === 'record' || index < items.length - 1 ? item.separator : '';
      const { layout } = item;
      const width = widths.get(item);
      printItem(
        o,
        item,
        index === 0,
        () => (layout.kind === 'entry' && width ? renderEntry(o, layout, width, 1) : render(o, layout, suffix.length)),
        suffix,
      );
    });
  });
}

function renderEntry(o: Output, { key, sign, value }: EntryLayout, widths: KeyWidths, reserve: number): void {
  const length = flatText(key)?.length ?? 0;
  render(o, key, 2);
  write(o, ' '.repeat(1 + Math.max(0, widths.key - length)));
  const signPadding = Math.max(0, widths.sign - (sign?.text.length ?? 1));
  write(o, ' '.repeat(signPadding));
  if (sign) {
    writeToken(o, sign);
    write(o, ' ');
  }
  render(o, value, reserve);
}

/** Up to the brace or bracket with which a stage can break. */
function stageLead(layout: Layout): number {
  const parts = layout.kind === 'row' ? layout.parts : [layout];
  let length = 0;
  for (const [index, part] of parts.entries()) {
    const flat = index === parts.length - 1 ? undefined : flatText(part);
    if (flat === undefined) return length + (part.kind === 'branches' ? (flatText(part.head)?.length ?? 0) + 2 : 1);
    length += flat.length;
  }
  return length;
}

/** True where the braces at the end are what breaks. */
function endsInBlock(layout: Layout): boolean {
  const parts = layout.kind === 'row' ? layout.parts : [layout];
  const last = parts.at(-1);
  if (parts.slice(0, -1).some((part) => flatText(part) === undefined)) return false;
  return last?.kind === 'block' || (last?.kind === 'branches' && flatText(last.head) !== undefined);
}

/** `} else {}` */
const END_OF_BLOCK = 9;

/** True where the chain stays on its line and only the inside of one stage goes to other lines. */
function canHug(o: Output, { head, stages, isBroken }: Chain, reserve: number): boolean {
  const headText = flatText(head);
  const texts = stages.map(({ layout }) => flatText(layout));
  const open = texts.filter((text) => text === undefined).length;
  if (isBroken || headText === undefined || open > 1) return false;
  if (stages.some(({ before, after }) => before.length > 0 || after.length > 0)) return false;
  const at = open === 1 ? texts.indexOf(undefined) : texts.length - 1;
  const stage = stages[at]?.layout;
  const isLast = at === texts.length - 1;
  if (!stage || !(isLast && open === 1 ? true : endsInBlock(stage))) return false;
  const before = texts.slice(0, at).reduce((length, text) => length + 1 + (text?.length ?? 0), headText.length);
  const after = texts.slice(at + 1).reduce((length, text) => length + 1 + (text?.length ?? 0), END_OF_BLOCK + reserve);
  return columnOf(o) + before + 1 + stageLead(stage) <= WIDTH && o.indent + after <= WIDTH;
}

function renderHugged(o: Output, { head, stages }: Chain, reserve: number): void {
  render(o, head, 0);
  stages.forEach(({ layout }, index) => {
    write(o, ' ');
    const isLast = index === stages.length - 1;
    if (layout.kind === 'row' && (isLast || flatText(layout) === undefined)) renderBroken(o, layout, reserve);
    else render(o, layout, 0);
  });
}

function renderRows(o: Output, { head, stages, isBroken }: Chain, reserve: number): void {
  render(o, head, 0);
  indented(o, () => {
    const rows = isBroken ? splitRows(stages, o.indent, ' ', reserve) : stages.map((stage) => [stage]);
    const paddings = alignChain(rows, o.indent + reserve, stageLead);
    rows.forEach((row, index) => {
      const isLastRow = index === rows.length - 1;
      row.forEach((item, at) => {
        const isLast = at === row.length - 1;
        const layout = (): void => render(o, item.layout, isLast && isLastRow ? reserve : 0);
        if (at === 0) printItem(o, { ...item, blank: false }, true, layout);
        else {
          layout();
          writeAfter(o, item.after);
        }
        if (!isLast) write(o, ' '.repeat(1 + (paddings.get(item) ?? 0)));
      });
    });
  });
}

/** Each `else` in the column of the first `if`. */
function renderChoice(o: Output, { arms }: Choice, reserve: number): void {
  const { indent } = o;
  o.indent = columnOf(o);
  arms.forEach((arm, index) => {
    if (index > 0) newLine(o);
    render(o, arm, index === arms.length - 1 ? reserve : 0);
  });
  o.indent = indent;
}

function renderBranches(o: Output, { head, then, otherwise }: Branches): void {
  render(o, head, 2);
  write(o, ' ');
  renderBlock(o, then);
  if (!otherwise) return;
  write(o, ' ');
  writeToken(o, otherwise.word);
  write(o, ' ');
  renderBlock(o, otherwise.body);
}

/** The result's type goes to the next line before the parameters do. */
function renderSignature(o: Output, { name, parameters, result, isBroken, body }: Signature): void {
  const head = flatText(name);
  const given = flatText(parameters);
  const length = head === undefined || given === undefined ? Infinity : columnOf(o) + head.length + given.length;
  const resultLength = result ? (flatText(result)?.length ?? Infinity) : 0;
  const fitsInLine = !isBroken && length + 1 + resultLength + 2 <= WIDTH;
  const fitsInTwo = result !== undefined && length <= WIDTH && o.indent + STEP + resultLength + 2 <= WIDTH;
  render(o, name, 1);
  if (fitsInLine || fitsInTwo) render(o, parameters, 0);
  else renderBroken(o, parameters, 0);
  if (result && fitsInTwo && !fitsInLine) {
    indented(o, () => {
      newLine(o);
      render(o, result, 2);
    });
  } else if (result) {
    write(o, ' ');
    render(o, result, 2);
  }
  write(o, ' ');
  renderBlock(o, body);
}
