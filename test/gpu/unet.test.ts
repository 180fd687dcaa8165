/** The U-Net with open image sizes: one session runs every legal size, and refuses others in the source's words. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { analyze, nodeHost } from '../../compiler/analyze/index.ts';
import { compile } from '../../compiler/compile/compile.ts';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { randomTensor } from '../../compiler/ir/tensor-literal.ts';
import { initialWeights } from '../../compiler/driver/load-weights.ts';
import type { OpenedDevice } from '../../runtime/node/index.ts';
import { createSession, type HostTensor, type Session } from '../../runtime/session.ts';
import { sharedDevice } from '../shared-device.ts';

const source = join(import.meta.dirname, '..', '..', 'examples', 'unet', 'unet.cnn');

function build() {
  const built = analyze(source, nodeHost()).models[0]?.build({ arguments: { base: '4', classes: '3' } });
  if (!built?.graph) throw new Error('the U-Net does not build');
  const { graph, parameters, facts } = built;
  return compile({ name: 'UNet', source, graph, parameters, weights: initialWeights(parameters, 3), guards: facts });
}

let opened: OpenedDevice;
let session: Session;
const { artifact, bound } = build();

beforeAll(async () => {
  opened = await sharedDevice();
  session = await createSession(opened.device, artifact, { profile: 'software' });
});
afterAll(() => {
  session.dispose();
});

const image = (height: number, width: number): HostTensor => {
  const shape = [1, 3, height, width];
  return { shape, data: Float32Array.from(randomTensor(shape, height, -1, 1).data) };
};

it.each([
  [64, 64],
  [96, 160],
  [240, 176],
])('%ix%i equals the interpreter', async (height, width) => {
  const { shape, data } = image(height, width);
  const { output } = await session.run({ image: { shape, data } });
  const { output: expected } = evaluateGraph(bound, { image: { dtype: 'f32', shape, data: Float64Array.from(data) } });
  expect(output?.shape).toEqual([1, 3, height, width]);
  let [largest, difference] = [0, 0];
  expected?.data.forEach((value: number, index: number) => {
    largest = Math.max(largest, Math.abs(value));
    difference = Math.max(difference, Math.abs(value - (output?.data[index] ?? Number.NaN)));
  });
  expect(difference / largest).toBeLessThan(1e-5);
});

it('refuses 100x100 with the message of the assert', async () => {
  await expect(session.run({ image: image(100, 100) })).rejects.toMatchObject({
    code: 'E0906',
    message: 'input image: H and W must be multiples of 16, got 100x100',
  });
});
