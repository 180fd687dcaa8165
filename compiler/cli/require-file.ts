/** Refuses paths that are no files before anything else is done. */
import { pathKind, unreadable } from '../../runtime/node/file-access.ts';

/** Throws E0710 where there is no such file; the analyzer reports what stands in it. */
export async function requireFile(path: string): Promise<void> {
  const kind = await pathKind(path);
  if (kind !== 'file') throw unreadable(path, { code: kind === 'folder' ? 'EISDIR' : 'ENOENT' });
}
