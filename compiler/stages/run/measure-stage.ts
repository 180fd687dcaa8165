/** The figures of a stage's result: what it weighs, how good it is on the validation split, and how long it takes. */
import type { Artifact } from '../../../runtime/artifact.ts';
import type { OpenedDevice } from '../../../runtime/node/device/device.ts';
import { scoresFor } from '../../../runtime/node/align-classes.ts';
import { openLoader } from '../../../runtime/node/loader.ts';
import { openTrainingData } from '../../../runtime/node/training-data.ts';
import { createSession, type Session } from '../../../runtime/session.ts';
import { createMeter, scored } from '../../../runtime/train/loop/metrics.ts';
import type { Recipe } from '../../../runtime/train/recipe.ts';
import { artifactFigures } from '../../driver/artifact-figures.ts';
import { percentile } from '../../driver/measured-budgets.ts';
import { batchSymbol, randomInputs } from '../../driver/open-sizes.ts';
import { artifactFiles } from '../../emit/write-artifact.ts';
import type { StageFigures } from './stage-context.ts';

/** `params`, `macs` of one sample, `size` (bytes of the weights file) and `peak_memory` of one sample, in bytes. */
export function staticFigures(artifact: Artifact): StageFigures {
  const size = artifactFiles(artifact).get('weights.safetensors')?.length ?? 0;
  const figures = artifactFigures({ artifact }, size, []);
  const { parameters: params, macs } = artifact.manifest.model;
  const peak = figures('peak_memory', 1)?.value;
  return { params, macs, size, ...(peak === undefined ? {} : { peak_memory: peak }) };
}

/** `val.accuracy` and the other metrics of the recipe; nothing where the data leaves no validation split. */
export async function validationFigures(
  { device, info }: OpenedDevice,
  artifact: Artifact,
  recipe: Recipe,
  signal: AbortSignal,
): Promise<StageFigures> {
  const { target } = recipe;
  const scores = scoresFor(target, artifact.manifest.model.name);
  const data = await openTrainingData(recipe.data, '.', { target: target.kind, scores, needsTraining: false });
  try {
    if (!data.val) return {};
    const session = await createSession(device, artifact, { profile: info.profile });
    try {
      return await measured(session, artifact, recipe, data, signal);
    } finally {
      session.dispose();
    }
  } finally {
    await data.close();
  }
}

async function measured(
  session: Session,
  { manifest }: Artifact,
  recipe: Recipe,
  data: Awaited<ReturnType<typeof openTrainingData>>,
  signal: AbortSignal,
): Promise<StageFigures> {
  const { target, seed, limitBatches } = recipe;
  const [input] = session.plan.inputs;
  const [output] = session.plan.outputs;
  const [batch, channels, height, width] = input?.shape ?? [];
  if (!input || !output || typeof channels !== 'number') return {};
  if (typeof height !== 'number' || typeof width !== 'number') return {};
  const shape = [channels, height, width] as const;
  const size = typeof batch === 'number' ? batch : recipe.batch;
  const common = { data, batch: size, limitBatches, seed, preprocess: manifest.preprocess?.steps ?? [], target };
  const loader = await openLoader({ ...common, input: { name: input.name, shape }, split: 'val', mode: 'evaluate' });
  const names = [...new Set(['accuracy', ...recipe.metrics])];
  const meter = createMeter(target, names);
  try {
    for await (const each of loader.epoch(0, 0)) {
      signal.throwIfAborted();
      const labels = each.inputs['labels'] ?? { shape: [0], data: new Float32Array() };
      const image = each.inputs[input.name];
      if (!image) return {};
      const scores = (await session.run({ [input.name]: image }))[output.name];
      if (!scores) return {};
      meter.add(scored(scores), labels, each.count);
    }
  } finally {
    await loader.close();
  }
  const { values } = meter.result();
  return Object.fromEntries(names.map((name) => [`val.${name}`, values[name] ?? NaN]));
}

const [warmup, iterations] = [3, 15];

/** `latency_p50_ms`: the median of a few runs of one random sample, tensors in memory to tensors in memory. */
export async function latencyFigures({ device, info }: OpenedDevice, artifact: Artifact): Promise<StageFigures> {
  const session = await createSession(device, artifact, { profile: info.profile });
  try {
    const { symbols } = artifact.manifest;
    const batch = batchSymbol(session.plan);
    if (symbols.some((symbol) => symbol !== batch)) return {};
    const inputs = randomInputs(session.plan, batch === undefined ? {} : { [batch]: 1 }, 0);
    const times: number[] = [];
    for (let at = -warmup; at < iterations; at++) {
      const started = performance.now();
      await session.run(inputs);
      if (at >= 0) times.push(performance.now() - started);
    }
    return {
      latency_p50_ms: percentile(
        times.toSorted((a, b) => a - b),
        0.5,
      ),
    };
  } finally {
    session.dispose();
  }
}
