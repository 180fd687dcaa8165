/** Training sessions: steps as the interpreter computes them, state in and out, and a coded fault for every misuse. */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { openDevice, type OpenedDevice } from '../../runtime/node/index.ts';
import { RuntimeFault } from '../../runtime/errors.ts';
import type { HostTensor } from '../../runtime/session.ts';
import { createTrainingSession, type TrainingSession } from '../../runtime/train/session.ts';
import type { TrainingArtifact } from '../../runtime/train/training-artifact.ts';
import { networkProfiles } from '../amount.ts';
import { sharedDevice } from '../shared-device.ts';
import { ReferenceTraining } from '../train/reference-training.ts';
import { overlapping } from './change-manifest.ts';
import { compileSmall, hostInputs, smallInputs, smallTraining } from './small-training.ts';

let opened: OpenedDevice;
let artifact: TrainingArtifact;
beforeAll(async () => {
  opened = await sharedDevice();
  ({ artifact } = compileSmall(['software', 'gpu']));
});

const inputsOf = (step: number): Record<string, HostTensor> => hostInputs(smallInputs(step));
const valid = { shape: [4], data: Float32Array.of(1, 1, 1, 0) };

async function withSession<T>(use: (session: TrainingSession) => Promise<T>): Promise<T> {
  const session = await createTrainingSession(opened.device, artifact, { profile: 'software' });
  try {
    return await use(session);
  } finally {
    session.dispose();
  }
}

async function faultOf(work: () => unknown): Promise<RuntimeFault> {
  try {
    await work();
  } catch (error) {
    if (error instanceof RuntimeFault) return error;
    throw error;
  }
  throw new Error('no fault');
}

const worst = (actual: HostTensor | undefined, wanted: { readonly data: ArrayLike<number> } | undefined): number =>
  Math.max(...Array.from(wanted?.data ?? [NaN], (value, at) => Math.abs((actual?.data[at] ?? NaN) - value)));

describe('phases', () => {
  it('are a step cut in three, which leaves the same state bit for bit', async () => {
    const whole = await withSession(async (session) => {
      await session.submitStep(inputsOf(0), false);
      return session.readState();
    });
    await withSession(async (session) => {
      const seen: string[] = [];
      await session.runPhases(inputsOf(0), async (phase, run) => {
        seen.push(phase);
        await run();
      });
      expect(seen).toEqual(['forward', 'backward', 'update']);
      expect(await session.readState()).toEqual(whole);
    });
  });

  it('are those of the ops: convolutions forward, gradients of weights backward, the optimizer at the end', () => {
    const steps = artifact.manifest.programs.step.software?.steps ?? [];
    const phasesOf = (pattern: RegExp) => [
      ...new Set(steps.filter(({ op }) => pattern.test(op)).map(({ phase }) => phase)),
    ];
    expect(phasesOf(/^conv\b/)).toEqual(['forward']);
    expect(phasesOf(/conv2d_weight_grad/)).toEqual(['backward']);
    expect(steps.filter(({ path, op }) => path === 'optimizer' && op !== 'flat_storage').at(-1)?.phase).toBe('update');
    expect(artifact.manifest.programs.evaluate.software?.steps.every(({ phase }) => phase === undefined)).toBe(true);
  });
});

describe('steps', () => {
  it.each(networkProfiles)('equal the interpreter for five steps: %s', async (profile) => {
    const reference = new ReferenceTraining(smallTraining().options);
    const session = await createTrainingSession(opened.device, artifact, { profile });
    for (let step = 0; step < 5; step++) {
      const wanted = reference.step(smallInputs(step), { lr: 0.1 });
      const outputs = await session.submitStep(inputsOf(step), true);
      expect(Object.keys(outputs ?? {}).toSorted()).toEqual(Object.keys(wanted).toSorted());
      for (const [name, tensor] of Object.entries(wanted)) expect(worst(outputs?.[name], tensor)).toBeLessThan(1e-4);
    }
    const state = await session.readState();
    for (const [name, tensor] of reference.tensors()) expect(worst(state.get(name), tensor), name).toBeLessThan(1e-4);
    const { image, labels } = smallInputs(7);
    const given = { image, labels, valid: { dtype: 'f32', shape: [4], data: Float64Array.of(1, 1, 1, 0) } } as never;
    const wanted = reference.evaluate(given);
    const measured = await session.evaluate({ ...hostInputs({ image, labels } as never), valid });
    for (const [name, tensor] of Object.entries(wanted)) expect(worst(measured[name], tensor), name).toBeLessThan(1e-4);
    session.dispose();
  });

  it('update every vector in place', () => {
    const { programs } = compileSmall(['software', 'gpu']);
    expect(Object.values(programs.step).map(({ copied }) => copied)).toEqual([[], []]);
  });

  it('give the same bits in two sessions, read or not', async () => {
    const run = (read: boolean) =>
      withSession(async (session) => {
        for (let step = 0; step < 4; step++) await session.submitStep(inputsOf(step), read);
        return session.readState();
      });
    const [first, second] = [await run(true), await run(false)];
    expect([...second]).toEqual([...first]);
  });

  it('may be in flight together, and each reads its own outputs', async () => {
    const run = (together: boolean) =>
      withSession(async (session) => {
        const results: Promise<Record<string, HostTensor> | undefined>[] = [];
        for (let step = 0; step < 4; step++) {
          const pending = session.submitStep(inputsOf(step), true);
          results.push(pending);
          if (!together) await pending;
        }
        return (await Promise.all(results)).map((outputs) => outputs?.['loss']?.data[0]);
      });
    expect(await run(true)).toEqual(await run(false));
  });

  it('take no memory once they run', async () => {
    await withSession(async (session) => {
      await session.submitStep(inputsOf(0), true);
      const { image, labels } = inputsOf(0);
      if (image && labels) await session.evaluate({ image, labels, valid });
      const created = vi.spyOn(opened.device, 'createBuffer');
      for (let step = 1; step < 6; step++) await session.submitStep(inputsOf(step), step % 2 === 0);
      if (image && labels) await session.evaluate({ image, labels, valid });
      await session.idle();
      expect(created).not.toHaveBeenCalled();
      created.mockRestore();
    });
  });

  it('can be traced dispatch by dispatch', async () => {
    await withSession(async (session) => {
      const seen: string[] = [];
      await session.traceStep(inputsOf(0), ({ op }) => void seen.push(op));
      const traced = await session.readState();
      expect(seen.filter((op) => op !== 'zero_halo').length).toBeGreaterThan(10);
      const plain = await withSession(async (other) => {
        await other.submitStep(inputsOf(0), false);
        return other.readState();
      });
      expect([...traced]).toEqual([...plain]);
    });
  });
});

describe('state', () => {
  it('starts at the initial values, and zero elsewhere', async () => {
    await withSession(async (session) => {
      const state = await session.readState();
      const { options } = smallTraining();
      for (const [name, tensor] of options.weights) expect(worst(state.get(name), tensor), name).toBeLessThan(1e-7);
      const slots = [...state].filter(([name]) => name.startsWith('optim.'));
      expect(slots.length).toBeGreaterThan(0);
      for (const [, { data }] of slots) expect(data.every((value) => value === 0)).toBe(true);
    });
  });

  it('goes out and in again, and the run goes on with the same bits', async () => {
    const [whole, half] = await withSession(async (session) => {
      for (let step = 0; step < 2; step++) await session.submitStep(inputsOf(step), false);
      const kept = await session.readState();
      for (let step = 2; step < 4; step++) await session.submitStep(inputsOf(step), false);
      return [await session.readState(), kept];
    });
    const resumed = await withSession(async (session) => {
      session.writeState(half ?? new Map());
      for (let step = 2; step < 4; step++) await session.submitStep(inputsOf(step), false);
      return session.readState();
    });
    expect([...resumed]).toEqual([...(whole ?? [])]);
  });

  it('is read vector by vector', async () => {
    await withSession(async (session) => {
      const totals = await session.readState(['totals']);
      const vector = session.manifest.state.find(({ name }) => name === 'totals');
      expect([...totals.keys()]).toEqual(vector?.tensors.map(({ name }) => name));
      expect(await faultOf(() => session.readState(['none']))).toMatchObject({
        code: 'E0906',
        message: 'the training has no state none',
      });
    });
  });

  it('refuses tensors that do not fit', async () => {
    await withSession(async (session) => {
      const state = await session.readState();
      const write = (change: (tensors: Map<string, HostTensor>) => void) =>
        faultOf(() => {
          const tensors = new Map(state);
          change(tensors);
          session.writeState(tensors);
        });
      const tensor = { shape: [1], data: Float32Array.of(1) };
      const messages = [
        await write((tensors) => void tensors.set('fc.scale', tensor)),
        await write((tensors) => void tensors.delete('fc.bias')),
        await write((tensors) => void tensors.set('fc.bias', tensor)),
      ];
      expect(messages.map(({ code }) => code)).toEqual(['E0906', 'E0906', 'E0906']);
      expect(messages.map(({ message }) => message)).toEqual([
        'the training state has no tensor fc.scale',
        'the tensor fc.bias of the state weights is missing',
        'the state tensor fc.bias is [1] of 1 values, not [5]',
      ]);
    });
  });
});

describe('faults', () => {
  it('E0906: inputs that do not fit', async () => {
    await withSession(async (session) => {
      const { lr, ...rest } = inputsOf(0);
      expect(lr).toBeDefined();
      expect(await faultOf(() => session.submitStep(rest, true))).toMatchObject({
        code: 'E0906',
        message: 'input lr is missing',
      });
    });
  });

  it('E0715: a plan, a file or a vector that is not there', async () => {
    const create = (changed: TrainingArtifact, profile: 'software' | 'gpu') =>
      faultOf(() => createTrainingSession(opened.device, changed, { profile }));
    const { manifest } = artifact;
    const programs = { ...manifest.programs, evaluate: {} };
    const faults = [
      await create({ ...artifact, manifest: { ...manifest, programs } }, 'gpu'),
      await create({ ...artifact, kernels: new Map() }, 'software'),
      await create({ ...artifact, manifest: { ...manifest, state: [] } }, 'software'),
    ];
    expect(faults.map(({ code }) => code)).toEqual(['E0715', 'E0715', 'E0715']);
    expect(faults[0]?.message).toBe('the artifact has no plan of evaluate for the gpu profile');
    expect(faults[2]?.message).toMatch(/^the artifact has no state /);
  });

  it('E0905: a dispatch that the device rejects, in either program and each time', async () => {
    const { manifest } = artifact;
    const create = (name: 'step' | 'evaluate') => {
      const { software } = manifest.programs[name];
      const programs = { ...manifest.programs, [name]: { software: software && overlapping(software) } };
      const changed = { ...artifact, manifest: { ...manifest, programs } };
      return createTrainingSession(opened.device, changed, { profile: 'software' });
    };
    const fault = { code: 'E0905', message: expect.stringMatching(/^the GPU rejected a command: Writable storage/) };
    expect(await faultOf(() => create('step'))).toMatchObject(fault);
    const session = await create('evaluate');
    const { image, labels } = inputsOf(0);
    for (let time = 0; time < 2; time++) {
      const evaluated = () => session.evaluate({ ...(image && labels ? { image, labels } : {}), valid });
      expect(await faultOf(evaluated)).toMatchObject(fault);
    }
    expect(await session.submitStep(inputsOf(0), true)).toBeDefined();
    session.dispose();
  });

  it('E0902: a vector beyond the limits of the device', async () => {
    const { manifest } = artifact;
    const state = manifest.state.map((vector) => ({ ...vector, bytes: 2 ** 50 }));
    const changed = { ...artifact, manifest: { ...manifest, state } };
    const fault = await faultOf(() => createTrainingSession(opened.device, changed, { profile: 'software' }));
    expect(fault.code).toBe('E0902');
    expect(fault.message).toMatch(/^the state \S+ takes \d+ bytes, the device binds at most \d+$/);
  });

  it('E0913: a session that is disposed, before a call and in the middle of one', async () => {
    const session = await createTrainingSession(opened.device, artifact, { profile: 'software' });
    const pending = [() => session.submitStep(inputsOf(0), true), () => session.readState()].map((work) =>
      faultOf(work),
    );
    session.dispose();
    session.dispose();
    for (const fault of await Promise.all(pending)) expect(fault.code).toBe('E0913');
    for (const work of [
      () => session.submitStep(inputsOf(1), false),
      () => session.evaluate(inputsOf(1)),
      () => session.readState(),
      () => session.idle(),
      () => session.traceStep(inputsOf(1), () => undefined),
      () => session.runPhases(inputsOf(1), (_, run) => run()),
      async () => session.writeState(new Map()),
    ]) {
      expect(await faultOf(work)).toMatchObject({ code: 'E0913', message: 'the training session was disposed' });
    }
  });

  it('E0903: a device that was lost', async () => {
    const other = await openDevice();
    const session = await createTrainingSession(other.device, artifact, { profile: 'software' });
    await session.submitStep(inputsOf(0), true);
    other.device.destroy();
    await other.device.lost;
    for (const work of [
      () => session.submitStep(inputsOf(1), false),
      () => session.readState(),
      () => session.idle(),
      () => session.traceStep(inputsOf(1), () => undefined),
    ]) {
      expect(await faultOf(work)).toMatchObject({ code: 'E0903', kind: 'runtime' });
    }
    const created = () => createTrainingSession(other.device, artifact, { profile: 'software' });
    expect(await faultOf(created)).toMatchObject({ code: 'E0903' });
  });
});
