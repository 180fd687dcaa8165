/** Runs a training artifact on a device: data, session, loop and the files of the run folder. */
import { createHash } from 'node:crypto';
import type { ProfileName } from '../../artifact.ts';
import type { RuntimeFault } from '../../errors.ts';
import type { Loader } from '../../train/loader.ts';
import { createTrainingSession, type TrainingSession } from '../../train/session.ts';
import { firstNotFinite, type StepTrace } from '../../train/trace-step.ts';
import type { TrainingArtifact } from '../../train/training-artifact.ts';
import { train } from '../../train/loop/trainer.ts';
import type { TrainingEvent, TrainResult } from '../../train/loop/training-run.ts';
import { scoresFor } from '../align-classes.ts';
import { accountLine } from '../data-account.ts';
import { openLoader } from '../loader.ts';
import { openRunFolder, type RunFolder } from './run-folder.ts';
import { thumbnail } from '../pictures/thumbnail.ts';
import { openTrainingData, type TrainingData } from '../training-data.ts';

export interface RunTrainingOptions {
  readonly artifact: TrainingArtifact;
  readonly device: GPUDevice;
  readonly profile: ProfileName;
  /** What the report calls the device. */
  readonly deviceName?: string | undefined;
  /** Folder of the run; see `openRunFolder`. */
  readonly folder: string;
  /** Goes on from the newest checkpoint of the folder that is whole; without one the run starts anew. */
  readonly resume: boolean;
  readonly onEvent?: ((event: TrainingEvent) => void) | undefined;
  /** Is told of each checkpoint that is newer than the one the run goes on from, but damaged. */
  readonly onDamage?: ((fault: RuntimeFault) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Checks every step, and names the op that first gives NaN or Inf; see `checkedStep`. `unfused` makes an artifact of
   * the same training in which every op is a kernel of its own.
   */
  readonly traceNan?: { readonly unfused: () => TrainingArtifact } | undefined;
}

/**
 * Trains as the artifact's recipe says. Everything about data and checkpoints is checked before the folder is made or
 * changed. Throws what `openTrainingData`, `openRunFolder`, `createTrainingSession` and `train` throw.
 */
export async function runTraining(options: RunTrainingOptions): Promise<TrainResult> {
  const { recipe, model } = options.artifact.manifest;
  const { target } = recipe;
  const data = await openTrainingData(recipe.data, '.', { target: target.kind, scores: scoresFor(target, model.name) });
  const loaders: Loader[] = [];
  try {
    await openLoaders(loaders, data, options.artifact);
    const classNames = data.classNames ?? [];
    const report = reportOf(options, data);
    const folder = await openRunFolder(options.folder, {
      ...options,
      ...report,
      recipe,
      model: model.name,
      classNames,
    });
    for (const fault of folder.found?.damaged ?? []) options.onDamage?.(fault);
    const result = await runIn(folder, loaders, options).catch(async (error: unknown) => {
      // What ended the run is what the user must hear of.
      await folder.close(true).catch(() => undefined);
      throw error;
    });
    await folder.close(false);
    return result;
  } finally {
    for (const loader of loaders) await loader.close();
    await data.close();
  }
}

/** Adds the loader of the training, and that of the validation where there is one. */
async function openLoaders(loaders: Loader[], data: TrainingData, { manifest }: TrainingArtifact): Promise<void> {
  const { recipe, input, preprocess } = manifest;
  const [channels = 1, height = 1, width = 1] = input.shape;
  const shaped = { name: input.name, shape: [channels, height, width] as const };
  const { batch, limitBatches, seed, target, augment } = recipe;
  const steps = preprocess?.steps ?? [];
  const common = { data, batch, limitBatches, seed, target, preprocess: steps, input: shaped };
  loaders.push(await openLoader({ ...common, split: 'train', mode: 'train', augment }));
  if (data.val) loaders.push(await openLoader({ ...common, split: 'val', mode: 'evaluate' }));
}

function reportOf({ artifact: { manifest }, deviceName }: RunTrainingOptions, { val, account }: TrainingData) {
  const { model, settings } = manifest;
  const written = (key: string): [string, string][] => settings.filter(([name]) => name === key);
  return {
    settings,
    about: [
      ['parameters', model.parameters.toLocaleString('en-US')] as const,
      ['multiply-accumulates of a sample', model.macs.toLocaleString('en-US')] as const,
      ...(deviceName === undefined ? [] : [['device', deviceName] as const]),
      ['data', accountLine(account)] as const,
      ...written('optimizer'),
      ...written('loss'),
    ],
    async pictureOf(position: number) {
      const sample = await val?.read(position);
      const { input, name = `sample ${position}` } = sample ?? {};
      return { name, picture: input?.kind === 'image' ? await thumbnail(input.image) : undefined };
    },
  };
}

async function runIn(
  folder: RunFolder,
  [training, validation]: readonly Loader[],
  options: RunTrainingOptions,
): Promise<TrainResult> {
  const { artifact, device, profile, signal } = options;
  const { recipe, state } = artifact.manifest;
  if (!training) throw new Error('a run has batches to train on');
  const session = await createTrainingSession(device, artifact, { profile });
  try {
    return await train({
      session,
      vectors: state,
      recipe,
      model: fingerprint(artifact),
      train: training,
      validation,
      resumeFrom: folder.found?.checkpoint,
      signal,
      clock: () => performance.now(),
      trace: options.traceNan && refined(traceOf(session, artifact, profile), options, options.traceNan.unfused),
      store: folder.store,
      onEvent: async (event) => {
        await folder.record(event);
        options.onEvent?.(event);
      },
    });
  } finally {
    session.dispose();
  }
}

function traceOf(session: TrainingSession, { manifest }: TrainingArtifact, profile: ProfileName): StepTrace {
  const plan = manifest.programs.step[profile];
  if (!plan) throw new RangeError(`a session runs on a plan of the ${profile} profile`);
  return { plan, vectors: manifest.state, traceStep: (inputs, visit) => session.traceStep(inputs, visit) };
}

/** Runs a faulty step a second time without fusion; both programs have the same state. */
function refined(
  trace: StepTrace,
  { device, profile }: RunTrainingOptions,
  unfused: () => TrainingArtifact,
): StepTrace {
  return {
    ...trace,
    async refine(inputs, state) {
      const artifact = unfused();
      const session = await createTrainingSession(device, artifact, { profile });
      try {
        session.writeState(state);
        return await firstNotFinite(traceOf(session, artifact, profile), inputs, state);
      } finally {
        session.dispose();
      }
    },
  };
}

/**
 * Tells apart what steps compute: network, loss, optimizer and regularizers are all in the programs, and only there.
 * Where the numbers of a step could differ, a resumed run could not equal one that never stopped.
 */
function fingerprint({ manifest: { programs, state }, kernels, constants }: TrainingArtifact): string {
  // Where the source stands and what is written around it changes no number.
  const computed = JSON.stringify([programs, state], (key, value: unknown) => (key === 'places' ? undefined : value));
  const hash = createHash('sha256').update(computed);
  for (const [name, text] of kernels) hash.update(`${name}\n${text}`);
  for (const [name, bytes] of constants) hash.update(name).update(bytes);
  return hash.digest('hex');
}
