/** Sessions: batches without recompiling, runs in turn, and a coded fault for everything that can go wrong. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../compiler/compile/compile.ts';
import { symbolicDim } from '../../compiler/ir/dim.ts';
import { makeGraph, makeNode } from '../../compiler/ir/node.ts';
import { randomTensor } from '../../compiler/ir/tensor-literal.ts';
import { constant, conv2d, globalAveragePool, input, relu } from '../../compiler/ops/index.ts';
import type { Artifact } from '../../runtime/artifact.ts';
import { RuntimeFault } from '../../runtime/errors.ts';
import { openDevice, type OpenedDevice } from '../../runtime/node/index.ts';
import { createSession, type HostTensor, type Session } from '../../runtime/session.ts';
import { sharedDevice } from '../shared-device.ts';
import { overlapping } from './change-manifest.ts';

let opened: OpenedDevice;
let artifact: Artifact;
let session: Session;

function network(): Artifact {
  const span = { file: { path: 'net.cnn', text: 'conv(8, k=3)' }, start: 0, end: 12 };
  const shape = [symbolicDim('N'), 3, 12, 10];
  const image = makeNode(input, [], { name: 'image', index: 0, dtype: 'f32', shape });
  const weight = makeNode(constant, [], { tensor: randomTensor([8, 3, 3, 3], 1, -1, 1), name: 'w' });
  const attrs = { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1], groups: 1 } as const;
  const conv = makeNode(conv2d, [image, weight], attrs, { spans: [span], path: 'conv', passes: [] });
  const graph = makeGraph({ y: makeNode(relu, [conv], {}), mean: makeNode(globalAveragePool, [conv], {}) });
  return compile({ name: 'net', source: 'net.cnn', graph, parameters: [], weights: new Map() }).artifact;
}

beforeAll(async () => {
  opened = await sharedDevice();
  artifact = network();
  session = await createSession(opened.device, artifact, { profile: 'software', instances: 2 });
});
afterAll(() => {
  session.dispose();
});

const images = (batch: number, seed: number): HostTensor => {
  const shape = [batch, 3, 12, 10];
  return { shape, data: Float32Array.from(randomTensor(shape, seed, -1, 1).data) };
};

async function faultOf(work: Promise<unknown>): Promise<RuntimeFault> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RuntimeFault)) throw new Error(`no fault, but ${String(error)}`);
  return error;
}

describe('a disposed session', () => {
  const other = (): Promise<Session> => createSession(opened.device, artifact, { profile: 'software' });
  const disposed = { code: 'E0913', kind: 'runtime', message: 'the session was disposed' };

  it('throws E0913 for every call, and is disposed twice without harm', async () => {
    const brief = await other();
    await brief.run({ image: images(1, 1) });
    brief.dispose();
    brief.dispose();
    expect(await faultOf(brief.run({ image: images(1, 1) }))).toMatchObject(disposed);
    expect(await faultOf(brief.trace({ image: images(1, 1) }, () => undefined))).toMatchObject(disposed);
  });

  it.each([1, 3])('gives a run in flight its values or E0913, never zeros; batch %i', async (batch) => {
    const expected = await session.run({ image: images(batch, 5) });
    // At every point of a run: the first has buffers to make, the second only to fill.
    for (let turns = 0; turns < 12; turns++) {
      const brief = await other();
      if (turns % 2 === 0) await brief.run({ image: images(batch, 6) });
      const runs = [5, 5].map((seed) =>
        brief.run({ image: images(batch, seed) }).catch((error: unknown): unknown => error),
      );
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      brief.dispose();
      for (const result of await Promise.all(runs)) {
        if (result instanceof RuntimeFault) expect(result).toMatchObject(disposed);
        else expect(result).toEqual(expected);
      }
    }
  });

  it('ends a trace with E0913 when it is disposed by what looks on', async () => {
    const brief = await other();
    const seen: string[] = [];
    const trace = brief.trace({ image: images(1, 1) }, ({ op }) => {
      seen.push(op);
      brief.dispose();
    });
    expect(await faultOf(trace)).toMatchObject(disposed);
    expect(seen).toHaveLength(1);
  });
});

describe('batches', () => {
  it('compute the same as their images one by one, in any order and after older sizes were dropped', async () => {
    const batch = images(3, 7);
    const whole = await session.run({ image: batch });
    for (const size of [1, 5, 2, 4]) await session.run({ image: images(size, size) });
    for (let n = 0; n < 3; n++) {
      const one = { shape: [1, 3, 12, 10], data: batch.data.slice(n * 360, (n + 1) * 360) };
      const { y, mean } = await session.run({ image: one });
      expect(y?.data).toEqual(whole['y']?.data.slice(n * 960, (n + 1) * 960));
      expect(mean?.data).toEqual(whole['mean']?.data.slice(n * 8, (n + 1) * 8));
    }
  });

  it('may be started together: each run gets its own result', async () => {
    const inputs = [images(1, 1), images(2, 2), images(1, 3)];
    const together = await Promise.all(inputs.map((image) => session.run({ image })));
    for (const [index, image] of inputs.entries()) {
      expect((await session.run({ image }))['y']?.data).toEqual(together[index]?.['y']?.data);
    }
  });
});

describe('tracing', () => {
  it('hands over what every step wrote, and stops when told', async () => {
    const seen: string[] = [];
    const image = images(2, 9);
    await session.trace({ image }, (step, { shape }) => void seen.push(`${step.op} ${shape.join('x')}`));
    expect(seen.filter((line) => !line.startsWith('zero_halo'))).toEqual([
      'conv 2x8x12x10',
      'relu 2x8x12x10',
      'global_avg_pool 2x8x1x1',
    ]);
    let count = 0;
    await session.trace({ image }, () => ++count < 1);
    expect(count).toBe(1);
  });
});

describe('faults', () => {
  it.each([
    [{}, 'input image is missing'],
    [{ image: images(1, 1), mask: images(1, 1) }, 'the model has no input mask; it takes image'],
    [
      { image: { shape: [1, 3, 10, 12], data: new Float32Array(360) } },
      'input image is [1, 3, 10, 12], the model takes [N, 3, 12, 10]',
    ],
    [
      { image: { shape: [0, 3, 12, 10], data: new Float32Array(0) } },
      'input image is [0, 3, 12, 10], the model takes [N, 3, 12, 10]',
    ],
    [
      { image: { shape: [2, 3, 12, 10], data: new Float32Array(360) } },
      'input image has 360 values, its shape [2, 3, 12, 10] needs 720',
    ],
  ])('E0906: inputs that do not fit', async (inputs: Record<string, HostTensor>, message) => {
    expect(await faultOf(session.run(inputs))).toMatchObject({ code: 'E0906', message });
  });

  it('E0902: a batch beyond the limits of the device, before anything is allocated', async () => {
    const data = new Float32Array(0);
    // The length is checked after the shape, so a huge batch needs a stand-in that only has a length.
    const huge = {
      shape: [3_000_000, 3, 12, 10],
      data: new Proxy(data, { get: (_, key) => (key === 'length' ? 1_080_000_000 : 0) }),
    };
    const fault = await faultOf(session.run({ image: huge }));
    expect(fault).toMatchObject({ code: 'E0902', kind: 'environment' });
    expect(fault.message).toMatch(/^the arena takes \d+ bytes, the device allows \d+$/);
  });

  it('E0902: an artifact that needs more than the device has', async () => {
    const { software } = artifact.manifest.plans;
    if (!software) throw new Error('no plan');
    const plans = { software: { ...software, limits: { maxStorageBuffersPerShaderStage: 1000 } } };
    const demanding = { ...artifact, manifest: { ...artifact.manifest, plans } };
    const fault = await faultOf(createSession(opened.device, demanding, { profile: 'software' }));
    expect(fault.code).toBe('E0902');
    expect(fault.message).toMatch(
      /^the artifact needs maxStorageBuffersPerShaderStage of 1000, the device allows \d+$/,
    );
  });

  it('E0905: a kernel that does not compile names its file, its line and the source', async () => {
    const file = artifact.manifest.plans.software?.kernels.find((kernel) => kernel.file.includes('conv2d'))?.file ?? '';
    const kernels = new Map(artifact.kernels).set(file, 'fn broken( {');
    const fault = await faultOf(createSession(opened.device, { ...artifact, kernels }, { profile: 'software' }));
    expect(fault.code).toBe('E0905');
    expect(fault.message).toContain(`the GPU rejected ${file} (made from net.cnn:1:1): line 1:`);
  });

  it('E0905: a dispatch that the device rejects, each time, however it is met, and told to nobody else', async () => {
    const { software } = artifact.manifest.plans;
    if (!software) throw new Error('no plan');
    const plans = { software: overlapping(software) };
    const changed = { ...artifact, manifest: { ...artifact.manifest, plans } };
    const [broken, whole] = await Promise.all(
      [changed, artifact].map((each) => createSession(opened.device, each, { profile: 'software' })),
    );
    if (!broken || !whole) throw new Error('no sessions');
    const image = images(1, 1);
    const rejected = { code: 'E0905', message: expect.stringContaining('Writable storage') };
    expect(await faultOf(broken.trace({ image }, () => undefined))).toMatchObject(rejected);
    const [fault, outputs] = await Promise.all([faultOf(broken.run({ image })), whole.run({ image })]);
    expect(fault).toMatchObject(rejected);
    expect(Object.keys(outputs).length).toBeGreaterThan(0);
    expect(await faultOf(broken.run({ image }))).toMatchObject(rejected);
    broken.dispose();
    whole.dispose();
  });

  it('E0715: a file or a constant that the manifest names is missing', async () => {
    const noKernels = createSession(opened.device, { ...artifact, kernels: new Map() }, { profile: 'software' });
    expect(await faultOf(noKernels)).toMatchObject({ code: 'E0715' });
    const noWeights = await createSession(
      opened.device,
      { ...artifact, constants: new Map() },
      { profile: 'software' },
    );
    expect(await faultOf(noWeights.run({ image: images(1, 1) }))).toMatchObject({ code: 'E0715' });
    noWeights.dispose();
  });

  it('E0903: a device that was lost', async () => {
    const other = await openDevice();
    const lost = await createSession(other.device, artifact, { profile: 'software' });
    await lost.run({ image: images(1, 1) });
    other.device.destroy();
    expect(await faultOf(lost.run({ image: images(1, 1) }))).toMatchObject({ code: 'E0903', kind: 'runtime' });
    const created = createSession(other.device, artifact, { profile: 'software' });
    expect(await faultOf(created)).toMatchObject({ code: 'E0903', kind: 'runtime' });
  });

  it('E0903: a device that is destroyed while a run is in flight, and one that was closed', async () => {
    const other = await openDevice();
    const lost = await createSession(other.device, artifact, { profile: 'software' });
    const runs = [1, 2].map((batch) => faultOf(lost.run({ image: images(batch, 1) })));
    other.close();
    expect(await Promise.all(runs)).toMatchObject([{ code: 'E0903' }, { code: 'E0903' }]);
    expect(await faultOf(lost.trace({ image: images(1, 1) }, () => undefined))).toMatchObject({ code: 'E0903' });
  });
});
