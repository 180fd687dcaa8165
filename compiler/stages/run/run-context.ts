/** What a stage is given while it runs: the device, its folder, and training with progress and checkpoints. */
import { join } from 'node:path';
import type { RuntimeFault } from '../../../runtime/errors.ts';
import { pathKind, readBytes } from '../../../runtime/node/file-access.ts';
import type { OpenedDevice } from '../../../runtime/node/device/device.ts';
import { runTraining } from '../../../runtime/node/run/run-training.ts';
import { parseSafetensors } from '../../../runtime/files/safetensors.ts';
import { toFloat32 } from '../../../runtime/files/stored-tensor.ts';
import type { Recipe } from '../../../runtime/train/recipe.ts';
import type { TrainingArtifact } from '../../../runtime/train/training-artifact.ts';
import type { TrainResult } from '../../../runtime/train/loop/training-run.ts';
import type { Reporter } from '../../driver/reporter.ts';
import { modelOf, type SourceModel } from '../../driver/project.ts';
import { count } from '../../driver/text.ts';
import type { Tensor } from '../../ir/type.ts';
import { restoreStage } from './restore-stage.ts';
import { StageInterrupted, type StageContext, type Trained } from './stage-context.ts';
import type { StageNode } from './stage-graph.ts';
import { declaredModel, locateFrom, type StageSetup } from './stage-setup.ts';
import type { StageStatus } from './stage-status.ts';

/** What all stages of one command share while they run. */
export interface StageRunning {
  readonly setup: StageSetup;
  readonly reporter: Reporter;
  readonly resume: boolean;
  /** Looks at every step; see `cnnc train --trace-nan`. */
  readonly traceNan: boolean;
  /** Says nothing of weights that are NaN or infinite; see `weightWarnings`. */
  readonly allowNonFinite?: boolean | undefined;
  readonly signal: AbortSignal;
  readonly device: () => Promise<OpenedDevice>;
  /** Told of each training that came to its end. */
  readonly onTrained?: ((result: TrainResult) => void) | undefined;
}

export function stageContext(
  running: StageRunning,
  stage: StageNode,
  source: SourceModel,
  teacher: StageStatus | undefined,
): StageContext {
  const { setup, reporter, signal, device } = running;
  const { program, overrides } = setup;
  const folder = setup.folderOf(stage);
  return {
    program,
    source,
    stage,
    overrides,
    folder,
    signal,
    reporter,
    device,
    model: (name, args) => modelOf(program, name, { arguments: args }),
    teacher: async () =>
      stage.teacher && teacher?.kind === 'cached'
        ? restoreStage(declaredModel(setup, stage.teacher), teacher.folder)
        : undefined,
    locate: locateFrom(program),
    train: (compile, subfolder = '') => trainIn(running, stage, join(folder, subfolder), compile),
  };
}

async function trainIn(
  running: StageRunning,
  stage: StageNode,
  folder: string,
  compile: (isFused: boolean) => TrainingArtifact,
): Promise<Trained> {
  const { reporter } = running;
  const started = performance.now();
  const artifact = compile(true);
  const { recipe, model } = artifact.manifest;
  reporter.note(
    `${model.name}: ${count(model.parameters, 'parameter')}, ${count(recipe.epochs, 'epoch')} of ${batchesOf(recipe)}, ` +
      `compiled in ${Math.round(performance.now() - started)} ms`,
  );
  const { resume, signal, device: open } = running;
  const { device, info } = await open();
  const named = { deviceName: info.description || info.device };
  const onDamage = (fault: RuntimeFault): void => reporter.note(`passed over a damaged checkpoint: ${fault.message}`);
  const trace = running.traceNan ? { traceNan: { unfused: () => compile(false) } } : {};
  const events = { signal, onEvent: reporter.training(artifact), onDamage };
  const result = await runTraining({
    artifact,
    device,
    profile: info.profile,
    folder,
    resume,
    ...named,
    ...trace,
    ...events,
  });
  reporter.progress('');
  if (result.ended === 'interrupted') throw new StageInterrupted(stage.name, folder, result);
  running.onTrained?.(result);
  return { weights: await bestWeights(folder, result), result };
}

const batchesOf = ({ batch, limitBatches }: Recipe): string =>
  limitBatches === undefined ? `batches of ${batch}` : `at most ${count(limitBatches, 'batch', 'batches')} of ${batch}`;

/** The best weights lie in the folder, unless nothing was measured. */
async function bestWeights(folder: string, { weights }: TrainResult): Promise<Trained['weights']> {
  const file = join(folder, 'best.safetensors');
  const last = new Map([...weights].map(([name, { shape, data }]) => [name, { dtype: 'f32', shape, data } as const]));
  if ((await pathKind(file)) === undefined) return last;
  const { tensors } = parseSafetensors(await readBytes(file));
  return new Map<string, Tensor>(
    [...last].map(([name, tensor]) => {
      const stored = tensors.get(name);
      return [name, stored ? { ...tensor, data: toFloat32(stored) } : tensor];
    }),
  );
}
