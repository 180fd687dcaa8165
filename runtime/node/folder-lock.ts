/**
 * Folders that one process at a time writes. The lock is a file beside the folder, `.NAME.lock`, because the folder
 * itself may be renamed meanwhile; it says who holds it, so that the lock of a process that is gone is taken over.
 */
import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import { RuntimeFault } from '../errors.ts';
import { systemErrorCode, systemErrorReason } from './file-access.ts';

const holderSchema = v.object({
  pid: v.number(),
  host: v.string(),
  /** When the process began, in the system's own terms; empty where that is not known. */
  began: v.string(),
  /** Tells one start of the machine from the next; empty where that is not known. */
  boot: v.string(),
  /** Tells the locks of one process apart. */
  token: v.string(),
});
type Holder = v.InferOutput<typeof holderSchema>;

export interface FolderLock {
  /** Gives the folder free. */
  release(): Promise<void>;
}

/** Tries at a lock that others take over or give free at the same time. */
const tries = 8;
/** A lock that holds no text yet is being written, unless it is older than this. */
const unwrittenMs = 10_000;

/**
 * Takes a folder, which need not exist, for this process. Throws E0723 where another one has it, naming process and
 * host, and where the lock cannot be written.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  // Links to one folder are one folder.
  const place = await realpath(folder).catch(() => resolve(folder));
  const file = join(dirname(place), `.${basename(place)}.lock`);
  const holder = { ...self(), token: randomBytes(8).toString('hex') };
  const text = `${JSON.stringify(holder)}\n`;
  try {
    await mkdir(dirname(place), { recursive: true });
    for (let attempt = 0; attempt < tries; attempt++) {
      if (await create(file, text)) return { release: () => release(file, text) };
      const found = await read(file);
      if (found === undefined) continue;
      if (isHeld(found)) throw inUse(folder, file, found.holder);
      await takeAway(file, found.text);
    }
    throw inUse(folder, file, undefined);
  } catch (error) {
    if (error instanceof RuntimeFault) throw error;
    throw new RuntimeFault('E0723', 'environment', `cannot lock ${folder}: ${systemErrorReason(error)}`);
  }
}

/** Runs `work` while the folder is taken. */
export async function withFolderLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const lock = await lockFolder(folder);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

function inUse(folder: string, file: string, holder: Holder | undefined): RuntimeFault {
  const who = holder ? `process ${holder.pid} on ${holder.host}` : 'another process';
  const isHere = holder?.host === hostname();
  const gone = isHere ? '' : `; where that process is gone, remove ${file}`;
  const help = `wait for it, end it, or choose another folder${gone}`;
  return new RuntimeFault('E0723', 'environment', `${folder} is in use by ${who}`, help);
}

/** Whether the file came to be with this text in one step; file systems without links write it in two. */
async function create(file: string, text: string): Promise<boolean> {
  const own = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(own, text, { flag: 'wx' });
  try {
    await link(own, file);
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS' && code !== 'EMLINK')
      throw error;
    return await writeFile(file, text, { flag: 'wx' }).then(
      () => true,
      (second: unknown) => {
        if (systemErrorCode(second) === 'EEXIST') return false;
        throw second;
      },
    );
  } finally {
    await rm(own, { force: true });
  }
}

interface Found {
  readonly text: string;
  readonly holder: Holder | undefined;
  readonly ageMs: number;
}

async function read(file: string): Promise<Found | undefined> {
  try {
    const text = await readFile(file, 'utf8');
    const { mtimeMs } = await stat(file);
    return { text, holder: parse(text), ageMs: Date.now() - mtimeMs };
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function parse(text: string): Holder | undefined {
  try {
    const parsed = v.safeParse(holderSchema, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

/** A process of another machine counts as alive, for nothing can be known of it. */
function isHeld({ holder, ageMs }: Found): boolean {
  if (!holder) return ageMs < unwrittenMs;
  if (holder.host !== hostname()) return true;
  const { boot } = self();
  // After a new start of the machine, its processes are others.
  if (holder.boot !== '' && boot !== '' && holder.boot !== boot) return false;
  if (!isAlive(holder.pid)) return false;
  const began = beganAt(holder.pid);
  return holder.began === '' || began === '' || began === holder.began;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === 'EPERM';
  }
}

/** Moves a lock away and removes it, unless another process has put its own there since it was read. */
async function takeAway(file: string, text: string): Promise<void> {
  const aside = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return;
    throw error;
  }
  // What was moved is looked at again: it may be the lock of a process that took the old one over.
  if ((await readFile(aside, 'utf8')) !== text) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

async function release(file: string, text: string): Promise<void> {
  const held = await readFile(file, 'utf8').catch(() => undefined);
  if (held === text) await rm(file, { force: true });
}

const self = (): Omit<Holder, 'token'> => ({
  pid: process.pid,
  host: hostname(),
  began: beganAt(process.pid),
  boot: readText('/proc/sys/kernel/random/boot_id').trim(),
});

/** Clock ticks between the start of the machine and that of a process, on Linux: numbers of processes come again. */
function beganAt(pid: number): string {
  // The name of the program, in parentheses, may hold anything; the start is the twentieth field behind it.
  const fields = readText(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ') ?? [];
  return fields[19] ?? '';
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
