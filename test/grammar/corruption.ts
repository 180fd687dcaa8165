/** Single-token corruptions of programs, chosen by a seed. */
import { tokenize } from '../../grammar/parse.ts';

export interface Corruption {
  readonly kind: 'delete' | 'duplicate' | 'replace' | 'swap';
  readonly text: string;
  /** Offset of the fault in the corrupted text, and the end of what was touched. */
  readonly start: number;
  readonly end: number;
}

/** Numbers in [0, 1) from a seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const kinds = ['delete', 'duplicate', 'replace', 'swap'] as const;

/** One corruption of one token (or two neighbours) that is no comment. */
export function corrupt(text: string, random: () => number): Corruption {
  const tokens = tokenize({ path: 'corrupt', text }).filter(({ kind }) => kind !== 'comment' && kind !== 'doc');
  const kind = kinds[Math.floor(random() * kinds.length)] ?? 'delete';
  const at = Math.floor(random() * (tokens.length - 1));
  const other = tokens[Math.floor(random() * tokens.length)]?.text ?? '';
  const [token, next] = [tokens[at], tokens[at + 1]];
  if (!token || !next) throw new Error('a program has two tokens');
  const put = (from: number, to: number, middle: string): Corruption => {
    const corrupted = text.slice(0, from) + middle + text.slice(to);
    return { kind, text: corrupted, start: from, end: from + middle.length };
  };
  switch (kind) {
    case 'delete':
      return put(token.start, token.end, '');
    case 'duplicate':
      return put(token.start, token.end, `${token.text} ${token.text}`);
    case 'replace':
      return put(token.start, token.end, ` ${other} `);
    case 'swap':
      return put(token.start, next.end, next.text + text.slice(token.end, next.start) + token.text);
  }
}
