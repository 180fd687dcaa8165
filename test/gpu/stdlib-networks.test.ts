/** Networks of the library, optimised and run on a device, against the interpreter on the graph as it was written. */
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import { bindParameters } from '../../compiler/passes/bind-parameters.ts';
import { inferencePipeline, runPipeline } from '../../compiler/passes/pipelines.ts';
import { relativeDifference } from '../../compiler/passes/verify-pass.ts';
import { fixedSchedules } from '../../compiler/schedule/fixed.ts';
import type { OpenedDevice } from '../../runtime/node/index.ts';
import { networkProfiles, some } from '../amount.ts';
import { sharedDevice } from '../shared-device.ts';
import { built } from '../analyze/memory-host.ts';
import { runOnDevice } from '../kernels/run-on-device.ts';
import { drawnImage, drawnWeights } from '../stdlib/drawn.ts';
import { smallNetworks, thinUnet } from '../stdlib/small-networks.ts';

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await sharedDevice();
});

/** Float32 against float64 over up to a hundred layers, as a part of the largest output. */
const tolerance = 2e-4;

const narrowed = ({ dtype, shape, data }: Tensor): Tensor => ({ dtype, shape, data: Float32Array.from(data) });

/** Networks of few forms. */
const quick = new Set(['lenet5', thinUnet.golden]);

describe.each(some([...smallNetworks, thinUnet], 2))('$golden', ({ golden, source }) => {
  const { graph, parameters, inputs } = built(source);
  const weights = new Map([...drawnWeights(parameters)].map(([name, tensor]) => [name, narrowed(tensor)]));
  const image = narrowed(drawnImage(inputs[0]?.type.shape.map(Number) ?? []));
  const bound = bindParameters.run(graph, { parameters: weights });
  let expected: Tensor | undefined;

  it.for(networkProfiles)('runs on a device as it is written: profile %s', async (profile, { skip }) => {
    const isSlow = profile === 'gpu' && opened.info.isSoftware && !quick.has(golden);
    skip(isSlow, 'a software adapter takes half a minute to compile kernels with workgroup memory for so many forms');
    expected ??= Object.values(evaluateGraph(bound, { image }))[0];
    const optimized = runPipeline(bound, inferencePipeline);
    const host = { shape: image.shape, data: Float32Array.from(image.data) };
    const schedules = fixedSchedules(optimized, profile);
    const [outputs] = await runOnDevice(opened.device, optimized, [{ image: host }], profile, schedules);
    const [actual] = Object.values(outputs ?? {});
    if (!expected || !actual) throw new Error('no output');
    const magnitude = Math.max(...expected.data.map(Math.abs));
    const scaled = (data: Iterable<number>) => Float64Array.from(data, (value) => value / magnitude);
    const wanted: Tensor = { dtype: 'f32', shape: expected.shape, data: scaled(expected.data) };
    const given: Tensor = { dtype: 'f32', shape: [...actual.shape], data: scaled(actual.data) };
    expect(relativeDifference(wanted, given)).toBeLessThan(tolerance);
  });
});
