/** Runs a training artifact on a device: data, session, loop and the files of the run folder. */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeSafetensors } from '../safetensors.ts';
import { fromFloat32 } from '../stored-tensor.ts';
import type { ProfileName } from '../artifact.ts';
import type { Tensors } from '../train/checkpoint.ts';
import { createTrainingSession } from '../train/session.ts';
import type { TrainingArtifact } from '../train/training-artifact.ts';
import { train } from '../train/trainer.ts';
import type { TrainingEvent, TrainResult } from '../train/training-run.ts';
import { readLatestCheckpoint, writeCheckpoint } from './checkpoint-files.ts';
import { openLoader } from './loader.ts';
import { openTrainingData } from './training-data.ts';
import { writeFileAtomically } from './write-file.ts';

export interface RunTrainingOptions {
  readonly artifact: TrainingArtifact;
  readonly device: GPUDevice;
  readonly profile: ProfileName;
  /** Folder of the run: recipe.json, metrics.jsonl, last.ckpt, best.safetensors, final.safetensors. */
  readonly folder: string;
  /** Goes on from the newest checkpoint of the folder that is whole; without one the run starts anew. */
  readonly resume: boolean;
  readonly onEvent?: ((event: TrainingEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Trains as the artifact's recipe says. Everything about data is checked before the folder is made. Throws what
 * `openTrainingData`, `createTrainingSession` and `train` throw.
 */
export async function runTraining(options: RunTrainingOptions): Promise<TrainResult> {
  const { artifact, device, profile, folder, signal } = options;
  const { recipe, input, preprocess, state, model } = artifact.manifest;
  const { target } = recipe;
  const classes = recipe.data.classes ?? target.classes;
  const data = await openTrainingData(recipe.data, '.', { target: target.kind, classes });
  try {
    const common = { data, batch: recipe.batch, seed: recipe.seed, preprocess: preprocess?.steps ?? [], target };
    const [channels = 1, height = 1, width = 1] = input.shape;
    const shaped = { ...common, input: { name: input.name, shape: [channels, height, width] as const } };
    const training = openLoader({ ...shaped, split: 'train', mode: 'train', augment: recipe.augment });
    const validation = data.val ? openLoader({ ...shaped, split: 'val', mode: 'evaluate' }) : undefined;
    const found = options.resume ? await readLatestCheckpoint(folder) : undefined;
    await mkdir(folder, { recursive: true });
    await writeFileAtomically(join(folder, 'recipe.json'), `${JSON.stringify(recipe, null, 2)}\n`);
    const metrics = join(folder, 'metrics.jsonl');
    await writeFileAtomically(metrics, found ? await linesUpTo(metrics, found.checkpoint.state.step) : '');
    const session = await createTrainingSession(device, artifact, { profile });
    try {
      return await train({
        session,
        vectors: state,
        recipe,
        model: `${model.name} ${model.parameters}`,
        train: training,
        validation,
        resumeFrom: found?.checkpoint,
        signal,
        clock: () => performance.now(),
        store: {
          saveCheckpoint: (checkpoint, periodic) =>
            writeCheckpoint(folder, checkpoint, { keep: periodic ? recipe.checkpoint.keep : 0 }),
          saveWeights: (kind, weights) =>
            writeFileAtomically(join(folder, `${kind}.safetensors`), encodeWeights(weights)),
        },
        onEvent: async (event) => {
          if (event.type === 'step' || event.type === 'epoch') {
            const best = event.type === 'epoch' ? { best: event.best } : {};
            await appendFile(metrics, `${JSON.stringify({ type: event.type, ...event.record, ...best })}\n`);
          }
          options.onEvent?.(event);
        },
      });
    } finally {
      session.dispose();
      await training.close();
      await validation?.close();
    }
  } finally {
    await data.close();
  }
}

const encodeWeights = (weights: Tensors): Uint8Array =>
  encodeSafetensors(
    new Map([...weights].map(([name, { shape, data }]) => [name, fromFloat32(Float32Array.from(data), [...shape])])),
    new Map([['format', 'pt']]),
  );

/** The lines of a run's metrics that its checkpoint knows: a killed run may have written more. */
async function linesUpTo(path: string, step: number): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const kept = text.split('\n').filter((line) => {
    try {
      const record: unknown = JSON.parse(line);
      return typeof record === 'object' && record !== null && 'step' in record && Number(record.step) <= step;
    } catch {
      return false;
    }
  });
  return kept.map((line) => `${line}\n`).join('');
}
