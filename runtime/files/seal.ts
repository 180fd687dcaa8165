/**
 * The seal of a manifest: digests (SHA-256) of the files beside it, and of its own content. It finds what was damaged
 * or edited by hand. It proves nothing of who wrote an artifact: whoever changes a file can seal it again.
 */
import * as v from 'valibot';
import { RuntimeFault } from '../errors.ts';
import { sha256 } from './sha256.ts';

/** Digests by path inside the artifact. */
export type FileDigests = Readonly<Record<string, string>>;

const digestSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'not 64 hexadecimal digits'));
const sealSchema = v.looseObject({ files: v.record(v.string(), digestSchema), digest: digestSchema });

/** JSON with sorted keys and no blanks: one text for one content. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`);
  return `{${members.join(',')}}`;
}

const digestOf = (content: unknown): string => sha256(new TextEncoder().encode(canonical(content)));

/** A manifest with its seal, ready to be written. */
export function sealManifest<T extends object>(
  manifest: T,
  files: FileDigests,
): T & { files: FileDigests; digest: string } {
  const content = { ...manifest, files };
  return { ...content, digest: digestOf(content) };
}

export const edited = (message: string): RuntimeFault =>
  new RuntimeFault('E0715', 'input', message, 'copy the artifact again from where it was built, or build it again');

/** The digests of a parsed manifest's files, once its own digest is found to be right. Throws E0715. */
export function openSeal(json: unknown): FileDigests {
  const result = v.safeParse(sealSchema, json);
  if (!result.success) {
    const path = result.issues[0].path?.map((item) => String(item.key)).join('.');
    throw edited(`the manifest has no valid ${path ?? 'digest'}`);
  }
  const { digest, ...content } = result.output;
  if (withinStack(() => digestOf(content) !== digest)) {
    throw edited('the manifest differs from its digest: it was changed after it was written');
  }
  return content.files;
}

/** Recursion ends where the stack does; no manifest of the compiler's is that deep. */
export function withinStack<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) throw edited('the manifest is nested too deeply');
    throw error;
  }
}
