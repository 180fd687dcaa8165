/** The runtime trains where there is no compiler: a folder, a copy of `runtime/` alone, a process of its own. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { trainingArtifactFiles } from '../../compiler/emit/write-training-artifact.ts';
import { writeFolderAtomically } from '../../runtime/node/index.ts';
import { compileCopy, copyRuntime } from '../runtime/runtime-copy.ts';
import { ReferenceTraining } from '../train/reference-training.ts';
import { compileSmall, smallInputs, smallTraining } from './small-training.ts';

const program = `
import { createTrainingSession } from './dist/runtime/index.js';
import { openDevice, readTrainingArtifact } from './dist/runtime/node/index.js';

const opened = await openDevice();
const artifact = await readTrainingArtifact('artifact');
const session = await createTrainingSession(opened.device, artifact, { profile: 'software' });
const losses = [];
for (const inputs of JSON.parse(process.argv[2])) {
  for (const tensor of Object.values(inputs)) tensor.data = Float32Array.from(tensor.data);
  const { loss } = await session.submitStep(inputs, true);
  losses.push(loss.data[0]);
}
console.log(JSON.stringify(losses));
session.dispose();
opened.close();
`;

it('trains an artifact', async () => {
  const folder = copyRuntime({ withNode: true });
  expect(compileCopy(folder)).toBe('');
  await writeFolderAtomically(join(folder, 'artifact'), trainingArtifactFiles(compileSmall().artifact));
  writeFileSync(join(folder, 'program.js'), program);
  const batches = [0, 1, 2].map(smallInputs);
  const plain = batches.map((inputs) =>
    Object.fromEntries(Object.entries(inputs).map(([name, { shape, data }]) => [name, { shape, data: [...data] }])),
  );
  const argument = JSON.stringify(plain);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['program.js', argument], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  const reference = new ReferenceTraining(smallTraining().options);
  const wanted = batches.map((inputs) => Number(reference.step(inputs, { lr: 0.1 })['loss']?.data[0]));
  expect(JSON.parse(stdout)).toEqual(wanted.map((loss) => expect.closeTo(loss, 5)));
});
