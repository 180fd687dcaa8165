/** Recomputation on the device: the very bits that a run gives which keeps every value. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { analyze, nodeHost } from '../../compiler/analyze/index.ts';
import { compileTraining } from '../../compiler/compile/compile-training.ts';
import type { Recomputation } from '../../compiler/compile/fit-memory.ts';
import { buildTrainingStep } from '../../compiler/train/training-step.ts';
import { initialWeights } from '../../compiler/driver/load-weights.ts';
import { evaluateSize, type ProfileName } from '../../runtime/artifact.ts';
import type { OpenedDevice } from '../../runtime/node/index.ts';
import type { HostTensor } from '../../runtime/session.ts';
import { createTrainingSession } from '../../runtime/train/session.ts';
import { isFull } from '../amount.ts';
import { sharedDevice } from '../shared-device.ts';
import { f32, noise } from '../ops/check-op.ts';
import { temporaryFolder } from '../runtime/node/temporary-folder.ts';
import { hostScalars, plainRun } from '../train/reference-training.ts';
import { hostInputs } from './small-training.ts';
import { trainingRecipe } from './training-recipe.ts';

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await sharedDevice();
});

/** Residual blocks with batch norm, dropouts whose masks have the size of their inputs, a concatenation, a max pool. */
const dropping = `
model Dropping(image: f32[N, 3, 16, 16]) -> f32[N, 4] {
  let a = image |> conv1: conv(8, k=3, bias=false) |> bn1: bn |> relu |> dropout(0.3)
  let b = relu(a + (a |> conv2: conv(8, k=3, bias=false) |> bn2: bn))
  let c = relu(b + (b |> conv3: conv(8, k=3, bias=false) |> bn3: bn |> hard_swish |> dropout(0.2)))
  let d = concat(c, c |> conv4: conv(8, k=3) |> relu) |> max_pool(2)
  return d |> conv5: conv(8, k=3) |> relu |> global_avg_pool |> flatten |> fc: linear(4)
}
`;

interface Net {
  readonly name: string;
  readonly size: number;
  readonly batch: number;
  readonly classes: number;
  readonly file?: string;
}

interface Trained {
  readonly outputs: readonly unknown[];
  readonly state: ReadonlyMap<string, HostTensor>;
  readonly arena: number;
  /** Steps that compute something again. */
  readonly recomputed: number;
}

/** Three steps on the same batches. */
async function trained(net: Net, profile: ProfileName, recompute: Recomputation | undefined): Promise<Trained> {
  const { name, size, batch, classes, file } = net;
  const path = file ?? join(temporaryFolder({ 'dropping.cnn': dropping }), 'dropping.cnn');
  const built = analyze(path, nodeHost())
    .models.find((each) => each.name === name)
    ?.build();
  if (!built?.graph) throw new Error(`${name} does not build`);
  const training = buildTrainingStep({
    ...plainRun,
    graph: built.graph,
    weights: initialWeights(built.parameters, 1),
    batch,
    imageSize: [size, size],
    target: { kind: 'class', classes },
    optimizer: { kind: 'sgd', momentum: 0.9, dampening: 0, nesterov: false, weightDecay: 1e-4 },
  });
  const parts = { name, source: path, parameters: built.parameters, recipe: trainingRecipe(batch) };
  const { artifact } = compileTraining({ ...parts, training, recompute }, { profiles: [profile] });
  const session = await createTrainingSession(opened.device, artifact, { profile });
  const outputs: unknown[] = [];
  for (let step = 1; step <= 3; step++) {
    const image = noise([batch, 3, size, size], step);
    const labels = f32(
      [batch],
      Array.from({ length: batch }, (_, at) => (at + step) % classes),
    );
    const scalars = hostScalars(training.scalars, step, { lr: 0.1, seed: 7 });
    outputs.push(await session.submitStep(hostInputs({ image, labels, ...scalars }), true));
  }
  const state = await session.readState();
  session.dispose();
  const plan = artifact.manifest.programs.step[profile];
  const again = plan?.steps.filter(({ passes }) => passes.includes('recompute'));
  return { outputs, state, arena: evaluateSize(plan?.arena.bytes ?? 0, {}), recomputed: again?.length ?? 0 };
}

const resnet20: Net = {
  name: 'ResNet20',
  size: 32,
  batch: 4,
  classes: 10,
  file: join(import.meta.dirname, '../../examples/resnet20/resnet20.cnn'),
};
const droppingNet: Net = { name: 'Dropping', size: 16, batch: 6, classes: 4 };

const nets = [
  // The peak of so small a network is where nothing can be dropped.
  [
    droppingNet,
    1,
    [
      { kind: 'segments', count: 2 },
      { kind: 'segments', count: 9 },
    ],
  ],
  [resnet20, 0.5, [{ kind: 'auto' }]],
] as const;

describe.each(isFull ? nets : nets.slice(0, 1))('$name', (net, share, settings) => {
  it('gives the same losses and the same state, bit for bit', async () => {
    const { profile } = opened.info;
    const kept = await trained(net, profile, undefined);
    expect(new Set(kept.outputs.map((each) => JSON.stringify(each))).size).toBe(3);
    for (const setting of settings) {
      const { outputs, state, arena, recomputed } = await trained(net, profile, setting);
      expect(recomputed).toBeGreaterThan(3);
      expect(outputs).toEqual(kept.outputs);
      expect(state).toEqual(kept.state);
      expect(arena).toBeLessThanOrEqual(share * kept.arena);
    }
  });
});
