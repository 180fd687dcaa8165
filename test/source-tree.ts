/** The repository's files, and what the syntax tree of a TypeScript file says of its imports and habits. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parseSync } from 'oxc-parser';

export const root = join(import.meta.dirname, '..');

/** What git ignores, made of whole names, of `/name` at the root alone, and of `*.ending`. */
const ignored = readFileSync(join(root, '.gitignore'), 'utf8')
  .split('\n')
  .map((line) => line.replace(/\/$/, ''));
const isIgnored = (folder: string, name: string): boolean =>
  name === '.git' ||
  ignored.some((line) => {
    if (line.startsWith('*')) return name.endsWith(line.slice(1));
    return line.startsWith('/') ? folder === '' && line.slice(1) === name : line === name;
  });

/** Paths of all files below a folder, relative to the repository, with forward slashes. */
export function filesBelow(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => !isIgnored(folder, entry.name))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? filesBelow(path) : entry.isFile() ? [path] : [];
    })
    .toSorted();
}

export const readText = (path: string): string => readFileSync(join(root, path), 'utf8');

export interface Import {
  /** Path of the file from the repository's root, or the name of a package or built-in module. */
  readonly target: string;
  readonly isType: boolean;
}

export interface SourceFile {
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  /** What the house rules forbid, with its line. */
  readonly holes: readonly string[];
}

/** A node of the syntax tree: its kind, and fields that depend on the kind. */
type Syntax = { readonly type: string; readonly start: number } & Readonly<Record<string, unknown>>;

const isSyntax = (value: unknown): value is Syntax =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';

function visit(value: unknown, action: (node: Syntax) => void): void {
  if (Array.isArray(value)) for (const each of value) visit(each, action);
  if (!isSyntax(value)) return;
  action(value);
  for (const field of Object.values(value)) visit(field, action);
}

/** `import`, `export ... from`, `import()` and `import()` types all name their module in `source`. */
function importOf(node: Syntax, path: string): Import | undefined {
  const { source } = node;
  if (!isSyntax(source)) return undefined;
  const name = typeof source['value'] === 'string' ? source['value'] : '(computed)';
  const target = name.startsWith('.') ? normalize(join(dirname(path), name)) : name;
  const specifiers = Array.isArray(node['specifiers']) ? node['specifiers'] : [];
  const onlyTypes = specifiers.length > 0 && specifiers.every((each) => each.importKind === 'type');
  const kind = node['importKind'] ?? node['exportKind'];
  return { target, isType: kind === 'type' || onlyTypes || node.type === 'TSImportType' };
}

function holeOf(node: Syntax): string | undefined {
  switch (node.type) {
    case 'TSAnyKeyword':
      return 'the type any';
    case 'TSNonNullExpression':
      return 'a non-null assertion';
    case 'ExportDefaultDeclaration':
      return 'a default export';
    case 'VariableDeclarator':
    case 'PropertyDefinition':
      return node['definite'] === true ? 'a definite assignment assertion' : undefined;
    default:
      return undefined;
  }
}

const suppression = /@ts-(ignore|expect-error|nocheck)|(oxlint|eslint)-disable/;

/** Parses one TypeScript file. */
export function readSource(path: string, text = readText(path)): SourceFile {
  const { program, comments, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  const imports: Import[] = [];
  const holes: string[] = [];
  const report = (hole: string, at: number) => holes.push(`${path}:${text.slice(0, at).split('\n').length}: ${hole}`);
  visit(program, (node) => {
    const found = importOf(node, path);
    if (found) imports.push(found);
    const hole = holeOf(node);
    if (hole !== undefined) report(hole, node.start);
  });
  for (const { value, start } of comments) if (suppression.test(value)) report('a check switched off', start);
  return { path, lines: text.trimEnd().split('\n').length, imports, holes };
}

/** Every TypeScript file of the product, parsed. */
export const sources: readonly SourceFile[] = ['grammar', 'compiler', 'runtime']
  .flatMap(filesBelow)
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readSource(path));
