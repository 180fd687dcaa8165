/** Whether a stage can write its folder, and has the space for it. */
import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { RuntimeFault } from '../../../runtime/errors.ts';
import { systemErrorCode, systemErrorReason } from '../../../runtime/node/file-access.ts';
import { formatBytes } from '../../driver/text.ts';
import { elementCount } from '../../ir/type.ts';
import type { Inquiry } from './stage-checks.ts';
import { trainingDirective } from '../train/training-directive.ts';
import { optimizerOf } from '../../train/optimizers/index.ts';
import { learningOf } from '../train/training-settings.ts';

/** Throws E0723 where the folder cannot be written, or the disk has less room than its files take at least. */
export async function checkSpace(inquiry: Inquiry): Promise<void> {
  const folder = resolve(inquiry.setup.folderOf(inquiry.stage));
  const parent = await firstThere(folder);
  const cannot = (reason: string, help?: string): RuntimeFault =>
    new RuntimeFault('E0723', 'environment', `cannot make ${folder}: ${reason}`, help);
  try {
    if (!(await stat(parent)).isDirectory()) throw cannot(`${parent} is a file`, 'choose another folder with -o');
    await access(parent, constants.W_OK);
    const { bavail, bsize } = await statfs(parent);
    const [free, needed] = [bavail * bsize, neededBytes(inquiry)];
    if (free >= needed) return;
    const help = 'choose a folder on another disk with -o, or keep fewer checkpoints';
    throw cannot(`its files take ${formatBytes(needed)}, and the disk has ${formatBytes(free)} free`, help);
  } catch (error) {
    if (error instanceof RuntimeFault) throw error;
    throw cannot(systemErrorReason(error), 'choose another folder with -o');
  }
}

/** The folder itself, or the nearest one above it that is there. */
async function firstThere(path: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch (error) {
    const code = systemErrorCode(error);
    if ((code !== 'ENOENT' && code !== 'ENOTDIR') || dirname(path) === path) return path;
    return firstThere(dirname(path));
  }
}

/** Weights twice, and where something is trained, every checkpoint that is kept and the one that is being written. */
function neededBytes({ stage, source }: Pick<Inquiry, 'stage' | 'source'>): number {
  const numbers = source.built.parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const bytes = 4 * numbers;
  const isTrained = stage.word === 'train' || stage.word === 'distill' || stage.directive.settings.has('finetune');
  if (!isTrained) return 2 * bytes;
  const group = stage.directive.settings.has('finetune') ? 'finetune' : undefined;
  const { optimizer, ema, checkpoint } = learningOf(trainingDirective(stage, group));
  // Each slot is a vector as long as the parameters.
  const slots = optimizer ? optimizerOf(optimizer, false).slots.length : 0;
  const state = bytes * (1 + slots + (ema === undefined ? 0 : 1));
  return 2 * bytes + (checkpoint.keep + 2) * state;
}
