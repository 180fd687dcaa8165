/** Weights that are packed on the device: their bytes, and every kernel that reads them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { makeGraph, makeNode, type Graph, type Node } from '../../compiler/ir/node.ts';
import { isOp, type Op, type Sample } from '../../compiler/ir/op.ts';
import type { Profile } from '../../compiler/kernels/kernel.ts';
import { packWeight } from '../../compiler/kernels/shader/pack.ts';
import { candidates } from '../../compiler/kernels/select.ts';
import { constant, conv2d, convTranspose2d, input, linear, packWeights, relu } from '../../compiler/ops/index.ts';
import { fuseConv } from '../../compiler/passes/fuse-conv.ts';
import { packedFormOf } from '../../compiler/ops/rules/packed-form.ts';
import type { OpenedDevice } from '../../runtime/node/index.ts';
import type { HostTensor } from '../../runtime/session.ts';
import { some } from '../amount.ts';
import { sharedDevice } from '../shared-device.ts';
import { deviceError, runOnDevice } from './run-on-device.ts';
import { rationed, triedSchedules } from './tried-schedules.ts';

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await sharedDevice();
});

/** Distinct numbers, neither zero nor alike under permutation. */
const numbers = (shape: readonly number[], seed: number): Float32Array =>
  Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (((i + seed) * 7919) % 2003) / 1001.5 - 1);

const given = (name: string, index: number, shape: readonly number[]): Node =>
  makeNode(input, [], { name, index, dtype: 'f32', shape });

describe('packWeights', () => {
  it.each(some(packWeights.samples, 6))('makes the bytes that the host makes: $name', async ({ inputs, attrs }) => {
    const shape = inputs[0]?.shape ?? [];
    const data = numbers(shape, 1);
    const graph = makeGraph({ result: makeNode(packWeights, [given('w', 0, shape)], attrs) });
    const fixed = makeNode(constant, [], { tensor: { dtype: 'f32', shape, data }, name: 'w' });
    for (const profile of ['software', 'gpu'] as const) {
      const [outputs] = await runOnDevice(opened.device, graph, [{ w: { shape: [...shape], data } }], profile);
      expect([...(outputs?.['result']?.data ?? [])]).toEqual([...packWeight(fixed, attrs).pack()]);
    }
  });
});

/** The sample with its weight packed on the device; a bias stays constant. */
function packedGraph(op: Op, sample: Sample): { graph: Graph; inputs: Record<string, HostTensor> } {
  const inputs: Record<string, HostTensor> = {};
  const leaves = sample.inputs.map(({ shape }, index) => {
    const data = numbers(shape, index);
    if (index > 1) return makeNode(constant, [], { tensor: { dtype: 'f32', shape, data }, name: 'bias' });
    inputs[`x${index}`] = { shape: [...shape], data };
    return given(`x${index}`, index, shape);
  });
  const [x, weight, ...rest] = leaves;
  const attrs = packedFormOf(makeNode(op, leaves, sample.attrs));
  if (!x || !weight || !attrs) throw new Error(`${op.name} reads no packed weight`);
  const anchor = makeNode(op, [x, makeNode(packWeights, [weight], attrs), ...rest], sample.attrs);
  return { graph: fuseConv.run(makeGraph({ result: makeNode(relu, [anchor], {}) })), inputs };
}

const matrices = (sample: Sample): boolean => sample.inputs[0]?.shape.length !== 3;

describe.each(['software', 'gpu'] as const)('profile %s', (profile: Profile) => {
  describe.each<Op>([conv2d, convTranspose2d, linear])('$name', (op) => {
    const cases = [];
    for (const sample of op.samples.filter((each) => op !== linear || matrices(each))) {
      const { graph, inputs } = packedGraph(op, sample);
      const root = graph.outputs['result'];
      const choices = root && !isOp(root, relu) ? candidates(root, profile) : [];
      it(`${sample.name}: has a kernel`, () => expect(choices.length).toBeGreaterThan(0));
      cases.push(...triedSchedules(choices).map((choice) => ({ name: sample.name, graph, inputs, root, choice })));
    }
    for (const { name, graph, inputs, root, choice } of rationed(cases, profile)) {
      it(`${name}: ${choice.kernel.name}`, async () => {
        const select = (node: Node) => (node === root ? choice : candidates(node, profile)[0]);
        expect(await deviceError(opened.device, graph, inputs, profile, select)).toBeLessThan(2e-5);
      });
    }
  });
});
