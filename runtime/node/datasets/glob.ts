/** Files by a pattern: `*` and `?` within a name, `**` for folders at any depth, `{png,jpg}` for alternatives. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode, unreadable } from '../file-access.ts';

const special = /[*?{]/;

export interface FoundFile {
  readonly path: string;
  /** From the pattern's last folder without wildcards on, with forward slashes. */
  readonly relative: string;
}

/** The files that an absolute pattern matches, in code-unit order; hidden ones only where it names them. */
export async function findFiles(pattern: string): Promise<readonly FoundFile[]> {
  const segments = pattern.replaceAll('\\', '/').split('/');
  const wild = segments.findIndex((segment) => special.test(segment));
  const fixed = wild < 0 ? segments.length - 1 : wild;
  const folder = segments.slice(0, fixed).join('/') || '/';
  const found: FoundFile[] = [];
  await walk(folder, '', segments.slice(fixed), found);
  return found.sort((a, b) => (a.relative < b.relative ? -1 : a.relative > b.relative ? 1 : 0));
}

async function walk(folder: string, prefix: string, segments: readonly string[], found: FoundFile[]): Promise<void> {
  const [segment = '', ...rest] = segments;
  if (segment === '**') await walk(folder, prefix, rest, found);
  const matches = patternOf(segment === '**' ? '*' : segment);
  for (const entry of await list(folder)) {
    if (!matches.test(entry.name) || (entry.name.startsWith('.') && !segment.startsWith('.'))) continue;
    const path = join(folder, entry.name);
    const relative = prefix + entry.name;
    if (entry.isDirectory()) {
      if (segment === '**') await walk(path, `${relative}/`, segments, found);
      else if (rest.length > 0) await walk(path, `${relative}/`, rest, found);
    } else if (segment !== '**' && rest.length === 0) found.push({ path, relative });
  }
}

async function list(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw unreadable(folder, error);
  }
}

function patternOf(segment: string): RegExp {
  const body = segment.replaceAll(/\*+|\?|\{[^{}]*\}|[^*?{]+|\{/g, (part) => {
    if (part.startsWith('*')) return '[^/]*';
    if (part === '?') return '[^/]';
    if (!part.startsWith('{') || part.length === 1) return quoted(part);
    return `(?:${part.slice(1, -1).split(',').map(quoted).join('|')})`;
  });
  return new RegExp(`^${body}$`);
}

const quoted = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
