/** Reads an artifact that a command line names, and says what lies there instead, where it is none, and what to do. */
import { dirname } from 'node:path';
import type { Artifact } from '../../runtime/artifact.ts';
import { RuntimeFault } from '../../runtime/errors.ts';
import { foreignFile } from '../../runtime/files/foreign-weights.ts';
import { pathKind, readBytes } from '../../runtime/node/file-access.ts';
import { readArtifact } from '../../runtime/node/read-artifact.ts';
import { readStageFolder } from '../stages/run/stage-folder.ts';
import { commandLine } from './command-line.ts';
import { parseTarget } from '../driver/project.ts';

/** Throws what reading an artifact throws. */
export async function readBuilt(path: string): Promise<Artifact> {
  try {
    return await readArtifact(path);
  } catch (error) {
    if (!(error instanceof RuntimeFault) || (error.code !== 'E0710' && error.code !== 'E0715')) throw error;
    throw (await otherThing(path, error)) ?? error;
  }
}

/** The fault for what is no artifact at all; undefined where it is one, with another fault. */
async function otherThing(path: string, { code, kind, message }: RuntimeFault): Promise<RuntimeFault | undefined> {
  const { file } = parseTarget(path);
  if (/\.cnn$/i.test(file) && (await pathKind(file)) === 'file') {
    return notBuilt(`${path} is a source, and an artifact is what is built from it`, `build it first: ${build(path)}`);
  }
  const found = await pathKind(path);
  if (found === undefined) {
    return new RuntimeFault(code, kind, message, `build it first, as by: ${build('FILE.cnn', '-o', path)}`);
  }
  if (found === 'file') return otherFile(path);
  const stage = await readStageFolder(path).catch(() => undefined);
  if (!stage) return undefined;
  const { name, source } = stage.record;
  const runs = dirname(path) === 'runs' ? [] : ['--runs', dirname(path)];
  return notBuilt(
    `${path} is the folder of the stage ${name}, and an artifact is what is built from it`,
    `build it first: ${build(`${source}:${name}`, ...runs)}`,
  );
}

async function otherFile(path: string): Promise<RuntimeFault> {
  const aFolder = 'and an artifact is a folder that cnnc build writes';
  if (/\.safetensors$/i.test(path)) {
    const help = `build the network that they belong to: ${build('FILE.cnn', '--weights', path)}`;
    return notBuilt(`${path} holds weights, ${aFolder}`, help);
  }
  const foreign = foreignFile(await readBytes(path));
  const help =
    'write the network as a .cnn file, save its weights as safetensors, and build both: ' +
    build('FILE.cnn', '--weights', 'weights.safetensors');
  if (!foreign) return notBuilt(`${path} is a file, ${aFolder}`, `build one from a source: ${build('FILE.cnn')}`);
  const holdsWeights = foreign.help.startsWith('in Python');
  return notBuilt(
    `${path} is ${foreign.what}, ${aFolder}`,
    holdsWeights ? `${help}; ${foreign.help}` : `build one from a source: ${build('FILE.cnn')}`,
  );
}

const build = (...words: readonly string[]): string => commandLine('cnnc build', ...words);

const notBuilt = (message: string, help: string): RuntimeFault => new RuntimeFault('E0715', 'input', message, help);
