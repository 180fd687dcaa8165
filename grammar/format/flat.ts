/** The text of a layout on one line. */
import type { Block, Item, Layout, List } from './layout.ts';
import { leaf } from './layout.ts';
import type { Token } from './tokens.ts';

/** Lines are broken where they would be longer. */
export const WIDTH = 120;

const known = new WeakMap<Layout, { readonly text: string | undefined }>();

/** Undefined where comments or the author's line breaks forbid one line, or where it would be too long. */
export function flatText(layout: Layout): string | undefined {
  const found = known.get(layout);
  if (found) return found.text;
  const text = measure(layout);
  known.set(layout, { text });
  return text;
}

function measure(layout: Layout): string | undefined {
  switch (layout.kind) {
    case 'leaf':
      return layout.token ? tokenText(layout.token) : ' ';
    case 'row':
      return joined(layout.parts.map(flatText), '');
    case 'wrapped':
      return joined(
        [flatText(layout.first), ...layout.rest.map((each) => joined([each.gap, flatText(each.layout)], ''))],
        '',
      );
    case 'list':
      return listText(layout);
    case 'block':
      return blockText(layout);
    case 'chain':
      return layout.isBroken ? undefined : joined([flatText(layout.head), itemsText(layout.stages, ' ')], ' ');
    case 'choice':
      return layout.isBroken ? undefined : joined(layout.arms.map(flatText), ' ');
    case 'branches': {
      const { head, then, otherwise } = layout;
      const parts = otherwise ? [head, then, leaf(otherwise.word), otherwise.body] : [head, then];
      return joined(parts.map(flatText), ' ');
    }
    case 'entry': {
      const { key, sign, value } = layout;
      return joined((sign ? [key, leaf(sign), value] : [key, value]).map(flatText), ' ');
    }
    case 'signature': {
      const { name, parameters, result, body, isBroken } = layout;
      const head = joined([flatText(name), flatText(parameters)], '');
      if (isBroken) return undefined;
      return joined(result ? [head, flatText(result), flatText(body)] : [head, flatText(body)], ' ');
    }
  }
}

function listText({ open, items, close, padding, isBroken }: List): string | undefined {
  if (isBroken) return undefined;
  const inner = itemsText(items, ', ');
  return joined([tokenText(open), padding, inner, padding, tokenText(close)], '');
}

function blockText({ content, open, items, close, isBroken }: Block): string | undefined {
  if (isBroken) return undefined;
  const parts = items.length > 0 ? [tokenText(open), itemsText(items, gapOf(content, items)), tokenText(close)] : [];
  return items.length > 0 ? joined(parts, ' ') : joined([tokenText(open), tokenText(close)], '');
}

/** What stands between the items of a block on one line. */
function gapOf(content: Block['content'], items: readonly Item[]): string {
  if (content === 'record') return ', ';
  if (content === 'stages') return '; ';
  return items.some(({ layout }) => layout.kind === 'entry' && layout.sign) ? '  ' : ' ';
}

function itemsText(items: readonly Item[], gap: string): string | undefined {
  if (items.some(({ before, after }) => before.length > 0 || after.length > 0)) return undefined;
  const isComma = gap === ', ';
  const texts = items.map(({ layout, separator }, index) =>
    isComma || index === items.length - 1 ? flatText(layout) : joined([flatText(layout), separator], ''),
  );
  return joined(texts, gap);
}

function tokenText({ text, before, after }: Token): string | undefined {
  return before.length > 0 || after.length > 0 ? undefined : text;
}

function joined(texts: readonly (string | undefined)[], gap: string): string | undefined {
  const parts: string[] = [];
  let length = 0;
  for (const each of texts) {
    if (each === undefined) return undefined;
    parts.push(each);
    length += each.length + gap.length;
    if (length > WIDTH + gap.length) return undefined;
  }
  return parts.join(gap);
}
