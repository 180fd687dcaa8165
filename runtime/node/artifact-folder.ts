/** What reading any artifact folder takes: its manifest, the WGSL files that it names, its packed constants. */
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Plan } from '../artifact.ts';
import { RuntimeFault } from '../errors.ts';
import { parseSafetensors } from '../files/safetensors.ts';
import type { Safetensors } from '../files/safetensors.ts';
import { edited, openSeal, type FileDigests } from '../files/seal.ts';
import { pathKind, readBytes, unreadable } from './file-access.ts';

const manifestName = 'manifest.json';
const weightsName = 'weights.safetensors';
const kernelName = /^kernels\/[A-Za-z0-9_][A-Za-z0-9._-]*\.wgsl$/;
/** Far beyond any manifest: one step takes about a kilobyte. */
const manifestLimit = 256 * 2 ** 20;

/** A manifest, and the digests that it gives the files beside it. */
export interface SealedManifest<M> {
  readonly manifest: M;
  readonly files: FileDigests;
}

/** Reads `manifest.json` alone, sealed, and gives it to its schema. Throws E0710 and E0715. */
export async function readManifest<M>(folder: string, parse: (json: unknown) => M): Promise<SealedManifest<M>> {
  const kind = await pathKind(folder);
  if (kind === undefined) throw unreadable(folder, { code: 'ENOENT' });
  if (kind === 'file') throw unreadable(folder, { code: 'ENOTDIR' });
  if ((await pathKind(join(folder, manifestName))) === undefined) {
    throw malformed(`${folder} is no artifact: it has no ${manifestName}`, 'build one with: cnnc build FILE -o FOLDER');
  }
  const text = await readText(folder, manifestName);
  try {
    const json = parseJson(text, join(folder, manifestName));
    return { manifest: parse(json), files: openSeal(json) };
  } catch (error) {
    if (!(error instanceof RuntimeFault)) throw error;
    throw new RuntimeFault(error.code, error.kind, `${folder}: ${error.message}`, error.help);
  }
}

function parseJson(text: string, path: string): unknown {
  if (text.length > manifestLimit) throw malformed(`${path} is longer than ${manifestLimit} bytes`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(`${path} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The WGSL files that plans name. */
export async function readKernels(
  folder: string,
  digests: FileDigests,
  plans: readonly (Plan | undefined)[],
): Promise<ReadonlyMap<string, string>> {
  const files = new Set(plans.flatMap((plan) => plan?.kernels ?? []).map((kernel) => kernel.file));
  const wrong = [...files].find((file) => !kernelName.test(file));
  if (wrong !== undefined) throw malformed(`the manifest names a kernel '${wrong}', which is not kernels/NAME.wgsl`);
  const kernels = new Map<string, string>();
  for (const file of files) kernels.set(file, await readText(folder, file, digests));
  return kernels;
}

async function readText(folder: string, file: string, digests?: FileDigests): Promise<string> {
  const bytes = digests ? await readSealed(folder, file, digests) : await readInside(folder, file);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw malformed(`${join(folder, file)} is not a text in UTF-8`);
  }
}

/** A file with the digest that the manifest gives it. */
async function readSealed(folder: string, file: string, digests: FileDigests): Promise<Uint8Array> {
  const bytes = await readInside(folder, file);
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (digest === digests[file]) return bytes;
  throw edited(`${join(folder, file)} differs from its digest in the manifest: it was changed after it was written`);
}

/** A link could lead anywhere, so the real path has to lie inside of the folder's real path. */
async function readInside(folder: string, file: string): Promise<Uint8Array> {
  const path = join(folder, file);
  const [root, real] = await Promise.all([realPath(folder), realPath(path)]);
  if (!real.startsWith(root.endsWith(sep) ? root : root + sep)) throw malformed(`${path} leads out of the artifact`);
  return readBytes(path);
}

async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** The packed constants that a manifest lists, and no others. */
export async function readConstants(
  folder: string,
  digests: FileDigests,
  listed: Readonly<Record<string, { readonly bytes: number }>>,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const expected = new Map(Object.entries(listed));
  const path = join(folder, weightsName);
  if (expected.size === 0 && (await pathKind(path)) === undefined) return new Map();
  const { tensors } = await readTensorFile(folder, weightsName, digests);
  const constants = new Map<string, Uint8Array>();
  for (const [name, { bytes }] of expected) {
    const tensor = tensors.get(name);
    if (!tensor) throw malformed(`${path} lacks the constant '${name}' of the manifest`);
    if (tensor.bytes.length !== bytes) {
      throw malformed(
        `the constant '${name}' in ${path} has ${tensor.bytes.length} bytes, and the manifest says ${bytes}`,
      );
    }
    constants.set(name, tensor.bytes);
  }
  const extra = [...tensors.keys()].find((name) => !expected.has(name));
  if (extra !== undefined) throw malformed(`${path} has a constant '${extra}' that the manifest does not know`);
  return constants;
}

/** A safetensors file of the folder. */
export async function readTensorFile(folder: string, name: string, digests: FileDigests): Promise<Safetensors> {
  const bytes = await readSealed(folder, name, digests);
  try {
    return parseSafetensors(bytes);
  } catch (error) {
    if (!(error instanceof RuntimeFault)) throw error;
    throw malformed(`${join(folder, name)}: ${error.message}`);
  }
}

export function malformed(message: string, help = 'build the artifact again with this version of cnnc'): RuntimeFault {
  return new RuntimeFault('E0715', 'input', message, help);
}
