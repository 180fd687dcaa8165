/**
 * Artifacts that were changed: by accident, which the seal finds; and on purpose, with a new seal, which may change what is
 * computed but reads and writes nothing outside of its buffers and ends in a coded fault or in values.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../compiler/compile/compile.ts';
import { artifactFiles } from '../../compiler/emit/write-artifact.ts';
import { symbolicDim } from '../../compiler/ir/dim.ts';
import { makeGraph, makeNode } from '../../compiler/ir/node.ts';
import { randomTensor } from '../../compiler/ir/tensor-literal.ts';
import { constant, conv2d, globalAveragePool, input, relu } from '../../compiler/ops/index.ts';
import type { Artifact } from '../../runtime/artifact.ts';
import { RuntimeFault } from '../../runtime/errors.ts';
import { openDevice, type OpenedDevice } from '../../runtime/node/index.ts';
import { parseManifest } from '../../runtime/parse-manifest.ts';
import { createSession, type HostTensor } from '../../runtime/session.ts';
import { changed, changesOf, pathsOf, sealedAgain, watchDevice, type Manifest } from './change-manifest.ts';

function network(): Artifact {
  const shape = [symbolicDim('N'), 3, 6, 5];
  const image = makeNode(input, [], { name: 'image', index: 0, dtype: 'f32', shape });
  const weight = makeNode(constant, [], { tensor: randomTensor([6, 3, 3, 3], 1, -1, 1), name: 'w' });
  const attrs = { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1], groups: 1 } as const;
  const conv = makeNode(conv2d, [image, weight], attrs, { spans: [], path: 'conv', passes: [] });
  const graph = makeGraph({ y: makeNode(relu, [conv], {}), mean: makeNode(globalAveragePool, [conv], {}) });
  return compile({ name: 'net', source: 'net.cnn', graph, parameters: [], weights: new Map() }).artifact;
}

const artifact = network();
const sealed = JSON.parse(String(artifactFiles(artifact).get('manifest.json'))) as Manifest;
const image: HostTensor = {
  shape: [2, 3, 6, 5],
  data: Float32Array.from(randomTensor([2, 3, 6, 5], 3, -1, 1).data),
};

const changes = changesOf(sealed, pathsOf(sealed));

describe('a manifest that was changed after it was sealed', () => {
  it('is refused with E0715 wherever one value is another one', () => {
    fc.assert(
      fc.property(changes, ([path, change]) => {
        const json = changed(sealed, path, change);
        if (JSON.stringify(json) === JSON.stringify(sealed)) return;
        expect(() => parseManifest(json), path.join('.')).toThrow(expect.objectContaining({ code: 'E0715' }));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a manifest that was changed and sealed again', () => {
  let opened: OpenedDevice;
  let nothingUntold: () => Promise<void>;
  beforeAll(async () => {
    opened = await openDevice();
    nothingUntold = watchDevice(opened.device);
  });
  afterAll(() => opened.close());

  async function outcome(json: Manifest): Promise<string> {
    try {
      const manifest = parseManifest(sealedAgain(json));
      const session = await createSession(opened.device, { ...artifact, manifest }, { profile: 'software' });
      try {
        await session.run({ image });
        await session.trace({ image }, () => undefined);
      } finally {
        session.dispose();
      }
      return 'values';
    } catch (error) {
      if (error instanceof RuntimeFault) return error.code;
      throw error;
    }
  }

  it('gives values or a coded fault, and the device goes on', async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(changes, async ([path, change]) => {
        const result = await outcome(changed(sealed, path, change));
        seen.set(result, (seen.get(result) ?? 0) + 1);
        expect(result, path.join('.')).toMatch(/^(values|E0715|E090[2456])$/);
        await nothingUntold();
      }),
      { numRuns: 150 },
    );
    expect(await outcome(sealed)).toBe('values');
    console.log(`outcomes: ${[...seen].map(([code, count]) => `${code} ${count}`).join(', ')}`);
  });

  it('a kernel that reads and writes far behind its buffers does neither', async () => {
    const kernels = new Map(
      [...artifact.kernels].map(([file, text]) => [
        file,
        // Every access of a storage buffer, moved by more than a gigabyte.
        text.replaceAll(/\bB(\d+)\[/g, 'B$1[90000000u + '),
      ]),
    );
    const session = await createSession(opened.device, { ...artifact, kernels }, { profile: 'software' });
    expect((await session.run({ image }))['y']?.shape).toEqual([2, 6, 6, 5]);
    session.dispose();
    expect(await outcome(sealed)).toBe('values');
  });
});
