/**
 * Training artifacts that were changed, by accident and on purpose, as changed-artifacts.test.ts does it with those of
 * inference: vectors of state, their tensors, both programs.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainingArtifactFiles } from '../../compiler/emit/write-training-artifact.ts';
import { RuntimeFault } from '../../runtime/errors.ts';
import { openDevice, type OpenedDevice } from '../../runtime/node/index.ts';
import { createTrainingSession, type TrainingSession } from '../../runtime/train/session.ts';
import { parseTrainingManifest } from '../../runtime/train/training-artifact.ts';
import { amount } from '../amount.ts';
import { changed, changesOf, pathsOf, sealedAgain, watchDevice, type Manifest, type Path } from './change-manifest.ts';
import { compileSmall, hostInputs, smallInputs } from './small-training.ts';

const { artifact } = compileSmall();
const sealed = JSON.parse(String(trainingArtifactFiles(artifact).get('manifest.json'))) as Manifest;
const paths = pathsOf(sealed);
const below = (...start: readonly string[]): readonly Path[] =>
  paths.filter((path) => start.every((key, at) => path[at] === key));

it('a manifest that was changed after it was sealed is refused with E0715', () => {
  fc.assert(
    fc.property(changesOf(sealed, paths), ([path, change]) => {
      const json = changed(sealed, path, change);
      if (JSON.stringify(json) === JSON.stringify(sealed)) return;
      expect(() => parseTrainingManifest(json), path.join('.')).toThrow(expect.objectContaining({ code: 'E0715' }));
    }),
    { numRuns: amount(200, 2000) },
  );
});

describe('a manifest that was changed and sealed again', () => {
  let opened: OpenedDevice;
  // Keeps its pipelines alive, so that no other session of them waits for compilers.
  let first: TrainingSession;
  let nothingUntold: () => Promise<void>;
  beforeAll(async () => {
    opened = await openDevice();
    first = await createTrainingSession(opened.device, artifact, { profile: 'software' });
    nothingUntold = watchDevice(opened.device);
  });
  afterAll(() => {
    first.dispose();
    opened.close();
  });

  const inputs = hostInputs(smallInputs(0));
  const { image, labels } = smallInputs(0);
  const valid = { dtype: 'f32', shape: [4], data: Float64Array.of(1, 1, 1, 0) } as const;
  const measured = hostInputs({ ...(image && labels ? { image, labels } : {}), valid });

  async function use(session: TrainingSession): Promise<void> {
    await session.submitStep(inputs, false);
    await session.evaluate(measured);
    await session.submitStep(inputs, true);
    session.writeState(await session.readState());
    await session.runPhases(inputs, (_, run) => run());
    let traced = 0;
    await session.traceStep(inputs, () => ++traced < 5);
    await session.idle();
  }

  async function outcome(json: Manifest): Promise<string> {
    try {
      const manifest = parseTrainingManifest(sealedAgain(json));
      const session = await createTrainingSession(opened.device, { ...artifact, manifest }, { profile: 'software' });
      try {
        await use(session);
      } finally {
        session.dispose();
      }
      return 'values';
    } catch (error) {
      if (error instanceof RuntimeFault) return error.code;
      throw error;
    }
  }

  // The programs have far more values than the state.
  it.each([
    ['state', below('state'), 40],
    ['the step', below('programs', 'step'), 60],
    ['the evaluation', below('programs', 'evaluate'), 40],
    ['the rest', paths.filter(([key]) => key !== 'state' && key !== 'programs' && key !== 'files'), 20],
  ])('in %s gives values or a coded fault, and the device goes on', async (_, places, runs) => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(changesOf(sealed, places), async ([path, change]) => {
        const result = await outcome(changed(sealed, path, change));
        seen.set(result, (seen.get(result) ?? 0) + 1);
        expect(result, path.join('.')).toMatch(/^(values|E0715|E090[2456])$/);
        await nothingUntold();
      }),
      { numRuns: amount(Math.ceil(runs / 4), runs * 6) },
    );
    expect(await outcome(sealed)).toBe('values');
    console.log(`outcomes: ${[...seen].map(([code, count]) => `${code} ${count}`).join(', ')}`);
  });
});
