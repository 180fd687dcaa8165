/** Checkpoints in a run folder: the last one, and a rolling few of earlier ones. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RuntimeFault } from '../../errors.ts';
import { decodeCheckpoint, encodeCheckpoint, type Checkpoint } from '../../train/checkpoint.ts';
import { readBytes, systemErrorCode } from '../file-access.ts';
import { writeFileAtomically } from '../write-file.ts';

export const lastCheckpointName = 'last.ckpt';
const periodic = /^step-(\d+)\.ckpt$/;
export const isCheckpointName = (name: string): boolean => name === lastCheckpointName || periodic.test(name);
const periodicName = (step: number): string => `step-${String(step).padStart(8, '0')}.ckpt`;

/** What happens to a checkpoint besides becoming the last one. */
export interface Rolling {
  /** Periodic checkpoints to keep; those of the lowest steps go first. Zero where this is none. */
  readonly keep: number;
}

/** Writes `last.ckpt`, and for a periodic one `step-NNNNNNNN.ckpt` as well. The one before stays until it is there. */
export async function writeCheckpoint(folder: string, checkpoint: Checkpoint, { keep }: Rolling): Promise<void> {
  const bytes = await encodeCheckpoint(checkpoint);
  await writeFileAtomically(join(folder, lastCheckpointName), bytes);
  if (keep === 0) return;
  const name = periodicName(checkpoint.state.step);
  await writeFileAtomically(join(folder, name), bytes);
  const old = (await periodicNames(folder)).slice(keep).filter((each) => each !== name);
  for (const each of old) await rm(join(folder, each), { force: true });
}

export interface FoundCheckpoint {
  readonly path: string;
  readonly checkpoint: Checkpoint;
  /** Newer ones that could not be used, and why. */
  readonly damaged: readonly RuntimeFault[];
}

/**
 * The newest checkpoint of a run that is whole; undefined where there is none at all. Throws E0716 where none of those
 * that there are is whole, and E0710.
 */
export async function readLatestCheckpoint(folder: string): Promise<FoundCheckpoint | undefined> {
  const damaged: RuntimeFault[] = [];
  for (const name of await checkpointNames(folder)) {
    const path = join(folder, name);
    try {
      return { path, checkpoint: await readCheckpoint(path), damaged };
    } catch (error) {
      if (!(error instanceof RuntimeFault) || error.code !== 'E0716') throw error;
      damaged.push(error);
    }
  }
  const [first] = damaged;
  if (first) throw first;
  return undefined;
}

/** After this the folder holds no run that could go on. */
export async function removeCheckpoints(folder: string): Promise<void> {
  for (const name of await checkpointNames(folder)) await rm(join(folder, name), { force: true });
}

/** A checkpoint file. Throws E0710, and E0716 where it is not whole. */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const bytes = await readBytes(path);
  try {
    return await decodeCheckpoint(bytes);
  } catch (error) {
    if (!(error instanceof RuntimeFault)) throw error;
    throw new RuntimeFault(error.code, error.kind, `${path}: ${error.message}`, error.help);
  }
}

/** The last one, then the periodic ones from the highest step on. */
async function checkpointNames(folder: string): Promise<readonly string[]> {
  const rolling = await periodicNames(folder);
  return (await namesIn(folder)).includes(lastCheckpointName) ? [lastCheckpointName, ...rolling] : rolling;
}

async function periodicNames(folder: string): Promise<readonly string[]> {
  const stepOf = (name: string): number => Number(periodic.exec(name)?.[1] ?? -1);
  return (await namesIn(folder)).filter((name) => periodic.test(name)).sort((a, b) => stepOf(b) - stepOf(a));
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
