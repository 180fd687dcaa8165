/** The folder of a training run: settings, figures, weights, checkpoints and the report. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { namesMetadata } from '../../class-names.ts';
import { RuntimeFault } from '../../errors.ts';
import { encodeSafetensors } from '../../files/safetensors.ts';
import { fromFloat32 } from '../../files/stored-tensor.ts';
import type { Tensors } from '../../train/checkpoint.ts';
import type { Recipe } from '../../train/recipe.ts';
import { mostClasses } from '../../train/report/confusion-table.ts';
import type { ShownSample } from '../../train/report/mistakes-section.ts';
import { trainingReport, type ReportData } from '../../train/report/training-report.ts';
import type { TrainingEvent, TrainingStore } from '../../train/loop/training-run.ts';
import { lastCheckpointName, readLatestCheckpoint, writeCheckpoint, type FoundCheckpoint } from './checkpoint-files.ts';
import { pathKind } from '../file-access.ts';
import { fromRows, openMetricsFile, rowsOf, type MetricsFile, type MetricsLine } from './metrics-file.ts';
import { alreadyRun, recipeName, refuseForeign } from './own-run.ts';
import { removeUnfinished, writeFileAtomically } from '../write-file.ts';

export interface RunFolderOptions {
  readonly recipe: Recipe;
  /** Name of the model, for the report. */
  readonly model: string;
  readonly classNames: readonly string[];
  /** What the report tells of the run besides its figures, row by row. */
  readonly about: ReportData['about'];
  readonly settings: ReportData['settings'];
  /** A sample of the validation split, to be looked at. */
  readonly pictureOf: (position: number) => Promise<ShownSample>;
  /** Goes on from the newest checkpoint that is whole; without one the run starts anew. */
  readonly resume: boolean;
}

export interface RunFolder {
  /** What the run goes on from. */
  readonly found: FoundCheckpoint | undefined;
  readonly store: TrainingStore;
  /** Writes down what an event tells. Nothing is written before the first one, `start`. */
  record(event: TrainingEvent): Promise<void>;
  /** `failed`: the run was ended by a fault. Writes the report for the last time. */
  close(failed: boolean): Promise<void>;
}

/**
 * `recipe.json`, `metrics.jsonl`, `report.html`, `best.safetensors`, `final.safetensors`, `last.ckpt` and
 * `step-NNNNNNNN.ckpt`. Throws E0723 where the folder holds a run that is not to go on, or what is no run, and E0716 where it shall go on
 * and none of its checkpoints is whole.
 */
export async function openRunFolder(folder: string, options: RunFolderOptions): Promise<RunFolder> {
  if (!options.resume && (await pathKind(join(folder, lastCheckpointName))) !== undefined) {
    throw alreadyRun(folder);
  }
  await refuseForeign(folder);
  const found = options.resume ? await readLatestCheckpoint(folder) : undefined;
  let opened: Opened | undefined;
  return {
    found,
    store: {
      async saveCheckpoint(checkpoint, periodic) {
        // A checkpoint must not know more than the figures do.
        await opened?.metrics.sync();
        await writeCheckpoint(folder, checkpoint, { keep: periodic ? options.recipe.checkpoint.keep : 0 });
      },
      saveWeights: (kind, weights) =>
        writeFileAtomically(join(folder, `${kind}.safetensors`), encodeWeights(weights, options.classNames)),
    },
    async record(event) {
      if (event.type === 'start') opened = await begin(folder, options.recipe, event);
      else if (opened) await follow(opened, options, event);
    },
    async close(failed) {
      if (!opened) return;
      const { metrics } = opened;
      if (failed) await metrics.append({ type: 'end', step: opened.step, ended: 'failed' });
      await writeReport(opened, options);
      await metrics.close();
    },
  };
}

interface Opened {
  readonly folder: string;
  readonly metrics: MetricsFile;
  readonly stepsPerEpoch: number;
  step: number;
  /** What the report shows of an epoch. */
  shown?: { readonly epoch: number; readonly mistakes: ReportData['mistakes'] };
}

type Start = Extract<TrainingEvent, { type: 'start' }>;

async function begin(folder: string, recipe: Recipe, { state, stepsPerEpoch }: Start): Promise<Opened> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RuntimeFault('E0723', 'environment', `cannot make ${folder}: ${reason}`);
  });
  await removeUnfinished(folder);
  await writeFileAtomically(join(folder, recipeName), `${JSON.stringify(recipe, null, 2)}\n`);
  const metrics = await openMetricsFile(join(folder, 'metrics.jsonl'), state);
  return { folder, metrics, stepsPerEpoch, step: state.step };
}

async function follow(opened: Opened, options: RunFolderOptions, event: TrainingEvent): Promise<void> {
  const { metrics } = opened;
  switch (event.type) {
    case 'progress':
      opened.step = event.step;
      return;
    case 'step':
      return metrics.append({ type: 'step', ...event.record });
    case 'epoch':
      await metrics.append(epochLine(event));
      return writeReport(opened, options);
    case 'rollback': {
      const { step, count, lrScale } = event;
      opened.step = step;
      await metrics.cutBack({ step, epoch: event.epoch });
      return metrics.append({ type: 'rollback', step, count, lrScale });
    }
    case 'end': {
      const restored = event.restoredEpoch === undefined ? {} : { restoredEpoch: event.restoredEpoch };
      return metrics.append({ type: 'end', step: opened.step, ended: event.ended, ...restored });
    }
    default:
      return;
  }
}

function epochLine({ record, best, confusion, mistakes }: Extract<TrainingEvent, { type: 'epoch' }>): MetricsLine {
  const pairs = confusion && confusion.classes <= mostClasses ? { confusion: rowsOf(confusion) } : {};
  return { type: 'epoch', ...record, best, ...pairs, ...(mistakes.length > 0 ? { mistakes: [...mistakes] } : {}) };
}

async function writeReport(opened: Opened, options: RunFolderOptions): Promise<void> {
  const { folder, metrics, stepsPerEpoch } = opened;
  const told = reported(metrics.lines);
  const mistakes = await shownMistakes(opened, options, told);
  const page = trainingReport({ ...options, stepsPerEpoch, ...told, mistakes });
  await writeFileAtomically(join(folder, 'report.html'), page);
}

/** Pictures are read anew only where another epoch is the best. */
async function shownMistakes(opened: Opened, { pictureOf }: RunFolderOptions, { shownEpoch, epochs }: Told) {
  if (shownEpoch === undefined) return [];
  if (opened.shown?.epoch !== shownEpoch) {
    const { mistakes = [] } = epochs.find(({ epoch }) => epoch === shownEpoch) ?? {};
    const shown = await Promise.all(mistakes.map(async (each) => ({ ...each, ...(await pictureOf(each.position)) })));
    opened.shown = { epoch: shownEpoch, mistakes: shown };
  }
  return opened.shown.mistakes;
}

type Told = ReturnType<typeof reported>;

function reported(lines: readonly MetricsLine[]) {
  const steps = lines.filter((line) => line.type === 'step');
  const epochs = lines.filter((line) => line.type === 'epoch');
  const end = lines.findLast((line) => line.type === 'end');
  const bestEpoch = epochs.findLast(({ best }) => best)?.epoch;
  // The matrix and the mistakes are those of the weights that are kept.
  const shown = epochs.find(({ epoch }) => epoch === bestEpoch) ?? epochs.at(-1);
  const pairs = shown?.confusion;
  return {
    steps,
    epochs,
    bestEpoch,
    shownEpoch: shown?.epoch,
    restoredEpoch: end?.restoredEpoch,
    ended: end?.ended ?? ('running' as const),
    rollbacks: lines.filter((line) => line.type === 'rollback'),
    confusion: pairs && fromRows(pairs),
  };
}

/** As PyTorch's readers of safetensors expect. */
const encodeWeights = (weights: Tensors, classNames: readonly string[]): Uint8Array =>
  encodeSafetensors(
    new Map([...weights].map(([name, { shape, data }]) => [name, fromFloat32(data, shape)])),
    new Map([['format', 'pt'], ...namesMetadata(classNames)]),
  );
