/** What the analyzer may ask of the outside: text of named files, nothing else. */

export interface AnalyzeHost {
  /** The text of a file, or undefined where it cannot be read. */
  readText(path: string): string | undefined;
  /** The absolute path without links, or undefined where there is no such file. */
  realpath(path: string): string | undefined;
  /** Folder of the standard library. */
  readonly stdlib: string;
  /** Folder that relative imports must stay in, absolute and without links. */
  projectRoot(entryPath: string): string;
  /** Folder that data files are looked up in after the file's own folder (`$CNNC_DATA`). */
  readonly dataFolder?: string;
}

/** Joins path parts with `/` and resolves `.` and `..` in the text. */
export function joinPath(folder: string, name: string): string {
  if (name.startsWith('/')) return name;
  const parts: string[] = [];
  for (const part of `${folder}/${name}`.split('/')) {
    if (part === '.' || (part === '' && parts.length > 0)) continue;
    const isRoot = parts.length === 1 && parts[0] === '';
    if (part === '..' && isRoot) continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/') || '.';
}

/** The folder of a path, `.` for a bare name. */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash < 0) return '.';
  return slash === 0 ? '/' : path.slice(0, slash);
}

/**
 * Where a data or weight file named in a source lies: beside the source first, then under `$CNNC_DATA`.
 * The first candidate where none exists, so that the message names the place that the user expects.
 */
export function resolveDataPath(host: AnalyzeHost, sourcePath: string, name: string): string {
  const beside = joinPath(folderOf(sourcePath), name);
  if (name.startsWith('/') || host.dataFolder === undefined || host.realpath(beside) !== undefined) return beside;
  const shared = joinPath(host.dataFolder, name);
  return host.realpath(shared) === undefined ? beside : shared;
}
