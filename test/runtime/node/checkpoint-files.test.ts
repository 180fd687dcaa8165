/** Checkpoints on the disk survive whatever kills their writer. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { readCheckpoint, readLatestCheckpoint, writeCheckpoint } from '../../../runtime/node/run/checkpoint-files.ts';
import { removeUnfinished, writeFileAtomically } from '../../../runtime/node/write-file.ts';
import { encodeCheckpoint, type Checkpoint } from '../../../runtime/train/checkpoint.ts';
import { train } from '../../../runtime/train/loop/trainer.ts';
import { faultOfAsync } from '../fault.ts';
import { compileCopy, copyRuntime } from '../runtime-copy.ts';
import { lastCheckpoint, tinyTraining } from '../train/tiny-training.ts';
import { amount, isFull } from '../../amount.ts';
import { temporaryFolder } from './temporary-folder.ts';

let first: Checkpoint;
const at = (step: number): Checkpoint => ({ ...first, state: { ...first.state, step } });

beforeAll(async () => {
  const tiny = tinyTraining();
  await train(tiny.options);
  first = await lastCheckpoint(tiny.kept);
});

describe('a folder of checkpoints', () => {
  it('keeps the last one and a few of those before', async () => {
    const folder = temporaryFolder();
    for (const [step, keep] of [
      [5, 2],
      [10, 2],
      [12, 0],
      [15, 2],
      [100_000_000, 2],
    ] as const) {
      await writeCheckpoint(folder, at(step), { keep });
    }
    expect(readdirSync(folder).sort()).toEqual(['last.ckpt', 'step-00000015.ckpt', 'step-100000000.ckpt']);
    const found = await readLatestCheckpoint(folder);
    expect(found).toEqual({ path: join(folder, 'last.ckpt'), checkpoint: at(100_000_000), damaged: [] });
    expect(await readCheckpoint(join(folder, 'step-00000015.ckpt'))).toEqual(at(15));
  });

  it('keeps the one just written, though a run that was set back left later ones', async () => {
    const folder = temporaryFolder();
    for (const step of [30, 40, 10]) await writeCheckpoint(folder, at(step), { keep: 1 });
    expect(readdirSync(folder)).toContain('step-00000010.ckpt');
    expect((await readLatestCheckpoint(folder))?.checkpoint.state.step).toBe(10);
  });

  it('has none', async () => {
    expect(await readLatestCheckpoint(temporaryFolder())).toBeUndefined();
    expect(await readLatestCheckpoint(join(temporaryFolder(), 'absent'))).toBeUndefined();
  });

  it('of which none is whole is a fault that names the newest', async () => {
    const folder = temporaryFolder({ 'last.ckpt': 'x'.repeat(40), 'step-00000001.ckpt': '' });
    expect(await faultOfAsync(() => readLatestCheckpoint(folder))).toMatch(/^E0716: .*last\.ckpt: /);
  });

  it('cannot be written where there is no folder', async () => {
    const path = join(temporaryFolder(), 'absent');
    expect(await faultOfAsync(() => writeCheckpoint(path, first, { keep: 0 }))).toMatch(
      /^E0723: cannot write .*last\.ckpt: there is no such file or folder$/,
    );
  });
});

describe('a writer that was interrupted', () => {
  it('anywhere leaves the checkpoint before, and is cleaned up after', async () => {
    const folder = temporaryFolder();
    const bytes = await encodeCheckpoint(at(2));
    await writeCheckpoint(folder, at(1), { keep: 0 });
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length), async (length) => {
        writeFileSync(join(folder, '.last.ckpt.0123456789ab.tmp'), bytes.subarray(0, length));
        expect((await readLatestCheckpoint(folder))?.checkpoint).toEqual(at(1));
        await removeUnfinished(folder);
        expect(readdirSync(folder)).toEqual(['last.ckpt']);
      }),
      { numRuns: 60 },
    );
  });

  it('and a disk that lost the end of the last file cost one checkpoint, not the run', async () => {
    const folder = temporaryFolder();
    for (const step of [1, 2]) await writeCheckpoint(folder, at(step), { keep: 2 });
    const bytes = readFileSync(join(folder, 'last.ckpt'));
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.boolean(), async (length, both) => {
        writeFileSync(join(folder, 'last.ckpt'), bytes.subarray(0, length));
        writeFileSync(join(folder, 'step-00000002.ckpt'), both ? bytes.subarray(0, length) : bytes);
        const found = await readLatestCheckpoint(folder);
        expect(found?.checkpoint).toEqual(at(both ? 1 : 2));
        expect(found?.damaged.map(({ code }) => code)).toEqual(Array(both ? 2 : 1).fill('E0716'));
      }),
      { numRuns: 60 },
    );
  });
});

describe('a process that writes checkpoints without end', () => {
  const kills = amount(2, 50);
  const program = `
    import { readCheckpoint, writeCheckpoint } from './runtime/node/run/checkpoint-files.js';
    const [folder] = process.argv.slice(2);
    const first = await readCheckpoint(folder + '/seed.ckpt');
    for (let step = first.state.step; ; step++) {
      await writeCheckpoint(folder + '/run', { ...first, state: { ...first.state, step } }, { keep: step % 2 });
      process.stdout.write(step + '\\n');
    }`;

  it(`and is killed ${kills} times leaves a whole checkpoint each time, never an older one than it said`, async () => {
    const copy = copyRuntime({ withNode: true });
    compileCopy(copy);
    writeFileSync(join(copy, 'dist', 'write.js'), program);
    writeFileSync(join(copy, 'dist', 'package.json'), '{ "type": "module" }');
    const folder = temporaryFolder();
    // Large enough that most kills hit a write.
    const large = { shape: [200_000], data: new Float32Array(200_000).fill(0.5) };
    const seed: Checkpoint = { ...at(0), tensors: new Map([...first.tensors, ['large', large]]) };
    await mkdir(join(folder, 'run'));
    await writeFileAtomically(join(folder, 'seed.ckpt'), await encodeCheckpoint(seed));
    let leftovers = 0;
    for (let kill = 0; kill < kills; kill++) {
      const said = await writeUntilKilled(join(copy, 'dist', 'write.js'), folder, 3 + ((kill * 7) % 60));
      leftovers += readdirSync(join(folder, 'run')).filter((name) => name.endsWith('.tmp')).length;
      const found = await readLatestCheckpoint(join(folder, 'run'));
      expect(found?.damaged).toEqual([]);
      expect(found?.checkpoint.state.step).toBeGreaterThanOrEqual(said);
      expect(found?.checkpoint.tensors.get('large')?.data.every((value) => value === 0.5)).toBe(true);
      for (const name of readdirSync(join(folder, 'run')).filter((each) => each.endsWith('.ckpt'))) {
        await readCheckpoint(join(folder, 'run', name));
      }
      await removeUnfinished(join(folder, 'run'));
    }
    console.log(`${leftovers} of ${kills} kills hit a write`);
    // Few may all miss.
    if (isFull) expect(leftovers).toBeGreaterThan(0);
    expect(existsSync(join(folder, 'run', 'last.ckpt'))).toBe(true);
  });
});

/** Kills the writer some milliseconds after its first checkpoint; the last step that it said was written. */
async function writeUntilKilled(script: string, folder: string, milliseconds: number): Promise<number> {
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = once(child, 'exit').then(() => {
    throw new Error('the writer ended by itself');
  });
  await Promise.race([once(child.stdout, 'data'), ended]);
  ended.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  child.kill('SIGKILL');
  await once(child, 'close');
  // The last line may be cut off.
  return Number(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1));
}
