/** The runtime runs an artifact where there is no compiler: a copy of `runtime/` alone, in a process of its own. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compile } from '../../compiler/compile/compile.ts';
import { artifactFiles } from '../../compiler/emit/write-artifact.ts';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { makeGraph, makeNode } from '../../compiler/ir/node.ts';
import { randomTensor } from '../../compiler/ir/tensor-literal.ts';
import { constant, conv2d, globalAveragePool, input, relu } from '../../compiler/ops/index.ts';
import { writeFolderAtomically } from '../../runtime/node/index.ts';
import { compileCopy, copyRuntime } from '../runtime/runtime-copy.ts';

const program = `
import { createSession } from './dist/runtime/index.js';
import { openDevice, readArtifact } from './dist/runtime/node/index.js';

const opened = await openDevice();
const session = await createSession(opened.device, await readArtifact('artifact'), { profile: 'software' });
const { shape, data } = JSON.parse(process.argv[2]);
const { y } = await session.run({ x: { shape, data: Float32Array.from(data) } });
console.log(JSON.stringify({ shape: y.shape, data: [...y.data] }));
session.dispose();
opened.close();
`;

it('runs an artifact', async () => {
  const x = makeNode(input, [], { name: 'x', index: 0, dtype: 'f32', shape: [2, 3, 8, 8] });
  const weight = makeNode(constant, [], { tensor: randomTensor([5, 3, 3, 3], 1), name: 'conv.weight' });
  const window = { stride: [2, 2], padding: [1, 1, 1, 1], dilation: [1, 1], groups: 1 } as const;
  const conv = makeNode(relu, [makeNode(conv2d, [x, weight], window)], {});
  const graph = makeGraph({ y: makeNode(globalAveragePool, [conv], {}) });
  const given = randomTensor([2, 3, 8, 8], 2);

  const folder = copyRuntime({ withNode: true });
  expect(compileCopy(folder)).toBe('');
  const { artifact } = compile({ name: 'Tiny', source: 'tiny.cnn', graph, parameters: [], weights: new Map() });
  await writeFolderAtomically(join(folder, 'artifact'), artifactFiles(artifact));
  writeFileSync(join(folder, 'program.js'), program);
  const argument = JSON.stringify({ shape: given.shape, data: [...given.data] });
  const { status, stdout, stderr } = spawnSync(process.execPath, ['program.js', argument], {
    cwd: folder,
    encoding: 'utf8',
  });

  expect(status, stderr).toBe(0);
  const result: unknown = JSON.parse(stdout);
  const expected = evaluateGraph(graph, { x: given })['y'];
  expect(result).toMatchObject({ shape: [2, 5, 1, 1] });
  expect(result).toMatchObject({ data: [...(expected?.data ?? [])].map((value) => expect.closeTo(value, 5)) });
});
