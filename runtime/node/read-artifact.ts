/** Reads an artifact folder: `manifest.json`, the WGSL files that it names, and `weights.safetensors`. */
import { realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { parseManifest } from '../artifact.ts';
import type { Artifact, Manifest } from '../artifact.ts';
import { RuntimeFault } from '../errors.ts';
import { parseSafetensors } from '../safetensors.ts';
import type { Safetensors } from '../safetensors.ts';
import { pathKind, readBytes, unreadable } from './file-access.ts';

const manifestName = 'manifest.json';
const weightsName = 'weights.safetensors';
const kernelName = /^kernels\/[A-Za-z0-9_][A-Za-z0-9._-]*\.wgsl$/;
/** Far beyond any manifest: one step takes about a kilobyte. */
const manifestLimit = 256 * 2 ** 20;

/**
 * Reads and checks an artifact. Throws E0710 for files that cannot be read and E0715 for a folder that is no artifact,
 * a manifest of another form or version, a path that leaves the folder, and weights that differ from the manifest.
 */
export async function readArtifact(folder: string): Promise<Artifact> {
  const manifest = await readManifest(folder);
  const kernels = new Map<string, string>();
  for (const file of kernelFiles(manifest)) kernels.set(file, await readText(folder, file));
  return { manifest, kernels, constants: await readConstants(folder, manifest) };
}

/** Reads `manifest.json` alone. Throws E0710 and E0715. */
async function readManifest(folder: string): Promise<Manifest> {
  const kind = await pathKind(folder);
  if (kind === undefined) throw unreadable(folder, { code: 'ENOENT' });
  if (kind === 'file') throw malformed(`${folder} is a file, and an artifact is a folder`);
  if ((await pathKind(join(folder, manifestName))) === undefined) {
    throw malformed(`${folder} is no artifact: it has no ${manifestName}`, 'build one with: cnnc build FILE -o FOLDER');
  }
  const text = await readText(folder, manifestName);
  try {
    return parseManifest(parseJson(text, join(folder, manifestName)));
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

function kernelFiles({ plans }: Manifest): ReadonlySet<string> {
  const files = [plans.software, plans.gpu].flatMap((plan) => plan?.kernels ?? []).map((kernel) => kernel.file);
  const wrong = files.find((file) => !kernelName.test(file));
  if (wrong !== undefined) throw malformed(`the manifest names a kernel '${wrong}', which is not kernels/NAME.wgsl`);
  return new Set(files);
}

async function readText(folder: string, file: string): Promise<string> {
  const bytes = await readInside(folder, file);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw malformed(`${join(folder, file)} is not a text in UTF-8`);
  }
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

async function readConstants(folder: string, manifest: Manifest): Promise<ReadonlyMap<string, Uint8Array>> {
  const expected = new Map(Object.entries(manifest.constants));
  const path = join(folder, weightsName);
  if (expected.size === 0 && (await pathKind(path)) === undefined) return new Map();
  const { tensors } = parseWeights(await readInside(folder, weightsName), path);
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

function parseWeights(bytes: Uint8Array, path: string): Safetensors {
  try {
    return parseSafetensors(bytes);
  } catch (error) {
    if (!(error instanceof RuntimeFault)) throw error;
    throw malformed(`${path}: ${error.message}`);
  }
}

function malformed(message: string, help = 'build the artifact again with this version of cnnc'): RuntimeFault {
  return new RuntimeFault('E0715', 'input', message, help);
}
