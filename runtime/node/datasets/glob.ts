/** Files by a pattern: `*` and `?` within a name, `**` for folders at any depth, `{png,jpg}` for alternatives. */
import { realpath } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileInWay, pathKind } from '../file-access.ts';
import { compareNames, isHidden, leadsBack, listFolder } from './list-folder.ts';

/** A pattern, and the folder that it starts from, whose own name is no part of it. */
export interface FilePattern {
  readonly folder: string;
  readonly pattern: string;
}

export interface FoundFile {
  readonly path: string;
  /** From the pattern's last folder without wildcards on, with forward slashes. */
  readonly relative: string;
}

/** `[*]`, `[?]`, `[{]`, `[}]` and `[[]` stand for the one character, as Python's `glob.escape` writes it. */
const escaped = /\[([*?{}[])\]/g;
const isWild = (segment: string): boolean => /[*?{]/.test(segment.replaceAll(escaped, ''));
const literal = (segment: string): string => segment.replaceAll(escaped, '$1');

/**
 * The files that a pattern matches, in order of name (code points); hidden ones only where it names them. Links are
 * followed. A pattern that is the name of a file or folder stands for that file, or for all files of that folder. Throws
 * E0710, also where a file lies in the place of its folder.
 */
export async function findFiles({ folder, pattern }: FilePattern): Promise<readonly FoundFile[]> {
  const segments = pattern.replaceAll('\\', '/').split('/');
  const found: FoundFile[] = [];
  for (const named of [resolve(folder, pattern), resolve(folder, segments.map(literal).join('/'))]) {
    const kind = await pathKind(named);
    if (kind === 'file') return [{ path: named, relative: basename(named) }];
    if (kind === 'folder') await walk(named, '', ['*'], [], found);
    if (kind !== undefined) break;
  }
  if (found.length === 0) {
    const wild = segments.findIndex(isWild);
    const fixed = wild < 0 ? segments.length - 1 : wild;
    const start = segments.slice(0, fixed).map(literal).join('/');
    const from = resolve(folder, start === '' && fixed > 0 ? '/' : start);
    await walk(from, '', segments.slice(fixed), [], found);
    const inWay = found.length === 0 ? fileInWay(from) : undefined;
    if (inWay) throw inWay;
  }
  return found.sort((a, b) => compareNames(a.relative, b.relative));
}

async function walk(
  folder: string,
  prefix: string,
  segments: readonly string[],
  above: readonly string[],
  found: FoundFile[],
): Promise<void> {
  if ((await pathKind(folder)) !== 'folder') return;
  const [segment = '', ...rest] = segments;
  if (segment === '**') await walk(folder, prefix, rest, above, found);
  // A link may lead back to a folder that it lies in; `**` would go round.
  const real = await realpath(folder);
  if (segment === '**' && leadsBack(real, above)) return;
  const matches = patternOf(segment === '**' ? '*' : segment);
  for (const { name, kind } of await listFolder(folder)) {
    if (!matches.test(name) || (isHidden(name) && !segment.startsWith('.') && segment !== name)) continue;
    const path = join(folder, name);
    const relative = prefix + name;
    if (kind === 'folder') {
      if (segment === '**') await walk(path, `${relative}/`, segments, [...above, real], found);
      else if (rest.length > 0) await walk(path, `${relative}/`, rest, above, found);
    } else if (kind === 'file' && segment !== '**' && rest.length === 0) found.push({ path, relative });
  }
}

function patternOf(segment: string): RegExp {
  const body = segment.replaceAll(/\[[*?{}[]\]|\*+|\?|\{[^{}]*\}|[^*?{[]+|[{[]/g, (part) => {
    if (/^\[[*?{}[]\]$/.test(part)) return quoted(part.slice(1, -1));
    if (part.startsWith('*')) return '[^/]*';
    if (part === '?') return '[^/]';
    if (!part.startsWith('{') || part.length === 1) return quoted(part);
    return `(?:${part.slice(1, -1).split(',').map(quoted).join('|')})`;
  });
  // `?` is one character, also where JavaScript counts two.
  return new RegExp(`^${body}$`, 'u');
}

const quoted = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
