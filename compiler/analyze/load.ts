/** Reads an entry file and everything it imports: `std/...` from the library, relative paths inside the project. */
import type { BlockDeclaration, ConstDeclaration, FunctionDeclaration, Import, Program } from '../../grammar/ast.ts';
import { diagnostic, type Diagnostic } from '../../grammar/diagnostics.ts';
import { parse } from '../../grammar/parse.ts';
import type { SourceFile, Span } from '../../grammar/source.ts';
import { closestName } from '../../grammar/suggest.ts';
import { folderOf, joinPath, type AnalyzeHost } from './host.ts';

/** A declaration that other files can import. */
export type NamedDeclaration = ConstDeclaration | FunctionDeclaration | BlockDeclaration;

/** What a name of file scope stands for: a declaration and the file that holds it. */
export interface FileItem {
  readonly declaration: NamedDeclaration;
  readonly module: Module;
}

/** One loaded file. */
export interface Module {
  readonly file: SourceFile;
  readonly program: Program;
  /** Declarations of this file; the first one where a name is declared twice. */
  readonly declared: ReadonlyMap<string, NamedDeclaration>;
  /** Imported names; undefined where the import failed and was reported. */
  readonly imported: Map<string, FileItem | undefined>;
  readonly hasSyntaxErrors: boolean;
}

export interface LoadedProgram {
  readonly entry: Module;
  /** Every file once, imports in front of their users. */
  readonly modules: readonly Module[];
  readonly diagnostics: readonly Diagnostic[];
}

const maxImportDepth = 64;

interface Loading {
  readonly host: AnalyzeHost;
  readonly root: string;
  readonly done: Map<string, Module>;
  readonly modules: Module[];
  readonly diagnostics: Diagnostic[];
}

/** A file on the way from the entry to the import at hand. */
interface Step {
  readonly key: string;
  readonly shown: string;
}

function declarationsOf(program: Program): Map<string, NamedDeclaration> {
  const declared = new Map<string, NamedDeclaration>();
  for (const declaration of program.declarations) {
    if (declaration.kind === 'directive' || declared.has(declaration.name.name)) continue;
    declared.set(declaration.name.name, declaration);
  }
  return declared;
}

function loadModule(loading: Loading, file: SourceFile, chain: readonly Step[]): Module {
  const { program, diagnostics } = parse(file);
  loading.diagnostics.push(...diagnostics);
  const module: Module = {
    file,
    program,
    declared: declarationsOf(program),
    imported: new Map(),
    hasSyntaxErrors: diagnostics.some(({ severity }) => severity === 'error'),
  };
  for (const declaration of program.imports) bindImport(loading, module, declaration, chain);
  loading.modules.push(module);
  return module;
}

function bindImport(loading: Loading, module: Module, declaration: Import, chain: readonly Step[]): void {
  const source = loadImport(loading, module, declaration, chain);
  for (const { name, span } of declaration.names) {
    const found = source?.declared.get(name);
    if (!module.imported.has(name)) {
      module.imported.set(name, source && found ? { declaration: found, module: source } : undefined);
    }
    if (found || !source || source.hasSyntaxErrors) continue;
    const near = closestName(name, [...source.declared.keys()]);
    loading.diagnostics.push(
      diagnostic('E0706', span, `${source.file.path} declares no \`${name}\``, {
        help: near ? `did you mean \`${near}\`?` : offered([...source.declared.keys()]),
      }),
    );
  }
}

/** What a file has to offer, cut where it is much. */
function offered(names: readonly string[]): string {
  if (names.length === 0) return 'it declares nothing';
  return `it declares ${names.slice(0, 8).join(', ')}${names.length > 8 ? ', ...' : ''}`;
}

/** The module that an import names, loaded once; undefined after a report. */
function loadImport(
  loading: Loading,
  module: Module,
  { from, fromSpan }: Import,
  chain: readonly Step[],
): Module | undefined {
  const place = placeOf(loading, module, from, fromSpan);
  if (!place) return undefined;
  const known = loading.done.get(place.key);
  if (known) return known;
  const fail = (code: 'E0701' | 'E0703' | 'E0704', message: string, help?: string): undefined => {
    loading.diagnostics.push(diagnostic(code, fromSpan, message, help ? { help } : {}));
  };
  const start = chain.findIndex(({ key }) => key === place.key);
  if (start >= 0) {
    const steps = [...chain.slice(start).map(({ shown }) => shown), place.shown];
    return fail(
      'E0703',
      `files import each other in a circle: ${steps.join(' -> ')}`,
      'move what they share to a file of its own',
    );
  }
  if (chain.length >= maxImportDepth) {
    return fail('E0704', `imports are nested deeper than ${maxImportDepth} files`, 'join some of the files');
  }
  const text = loading.host.readText(place.key);
  if (text === undefined) return fail('E0701', `cannot read ${place.shown}`);
  if (!isText(text)) return fail('E0701', noText(place.shown));
  const loaded = loadModule(loading, { path: place.shown, text }, [...chain, place]);
  loading.done.set(place.key, loaded);
  return loaded;
}

/** Where an import lies: its real path and the path that messages show. */
function placeOf(loading: Loading, module: Module, from: string, span: Span): Step | undefined {
  const { host, root } = loading;
  const fail = (code: 'E0701' | 'E0702' | 'E0705', message: string, help?: string): undefined => {
    loading.diagnostics.push(diagnostic(code, span, message, help ? { help } : {}));
  };
  if (/^[A-Za-z][\w+.-]*:/.test(from)) {
    return fail(
      'E0705',
      `cannot import ${JSON.stringify(from)}: only \`std/...\` and relative paths can be imported`,
      'copy the file into the project and import its path',
    );
  }
  if (from.startsWith('/') || from.includes('\\') || from.includes('\0')) {
    return fail(
      'E0702',
      `cannot import ${JSON.stringify(from)}: the path must be relative`,
      'write it as seen from this file, as in `../blocks/stem`',
    );
  }
  const name = from.endsWith('.cnn') ? from : `${from}.cnn`;
  const isStandard = from.startsWith('std/');
  const path = isStandard
    ? joinPath(host.stdlib, name.slice('std/'.length))
    : joinPath(folderOf(module.file.path), name);
  const shown = isStandard ? name : path;
  const key = host.realpath(standardPath(loading, module, name) ?? path);
  if (key === undefined) {
    const help = isStandard
      ? 'the library lies in stdlib/, as in `std/vision`'
      : 'paths are as seen from this file; the library is `std/...`';
    return fail('E0701', `cannot find ${shown}`, help);
  }
  const allowed = isStandard || standardPath(loading, module, name) !== undefined ? host.realpath(host.stdlib) : root;
  if (allowed === undefined || !isInside(key, allowed)) {
    return fail(
      'E0702',
      `cannot import ${JSON.stringify(from)}: it lies outside ${isStandard ? 'the library' : 'the project'}`,
      'copy the file into the project',
    );
  }
  return { key, shown };
}

/** The real place of a library file's relative import; undefined for files outside the library. */
function standardPath({ host }: Loading, module: Module, name: string): string | undefined {
  if (!module.file.path.startsWith('std/') || name.startsWith('std/')) return undefined;
  return joinPath(joinPath(host.stdlib, folderOf(module.file.path.slice('std/'.length))), name);
}

const isInside = (path: string, folder: string): boolean =>
  path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);

/** Most binary files have a zero among their first bytes, and no text has. */
const isText = (text: string): boolean => !text.slice(0, 4096).includes('\0');
const noText = (path: string): string => `${path} is no text, and a source is one`;

/** Loads a program. Faults become diagnostics; an unreadable entry gives an empty program. */
export function loadProgram(entryPath: string, host: AnalyzeHost): LoadedProgram {
  const loading: Loading = { host, root: host.projectRoot(entryPath), done: new Map(), modules: [], diagnostics: [] };
  const text = host.readText(entryPath);
  const isSource = text !== undefined && isText(text);
  const file: SourceFile = { path: entryPath, text: isSource ? text : '' };
  if (!isSource) {
    const message = text === undefined ? `cannot read ${entryPath}` : noText(entryPath);
    loading.diagnostics.push(diagnostic('E0701', { file, start: 0, end: 0 }, message));
  }
  const entry = loadModule(loading, file, [{ key: host.realpath(entryPath) ?? entryPath, shown: entryPath }]);
  return { entry, modules: loading.modules, diagnostics: loading.diagnostics };
}

/** What a name of file scope stands for; `known` is false where the file has no such name. */
export function lookUpFile(module: Module, name: string): { readonly known: boolean; readonly item?: FileItem } {
  const declaration = module.declared.get(name);
  if (declaration) return { known: true, item: { declaration, module } };
  const item = module.imported.get(name);
  return item ? { known: true, item } : { known: module.imported.has(name) };
}
