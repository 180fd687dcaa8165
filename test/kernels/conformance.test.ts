/** Every kernel of both profiles on every op's samples, in full runs with every schedule, against the interpreter. */
import { beforeAll, describe, expect, it } from 'vitest';
import { makeGraph, makeNode, type Graph, type Node } from '../../compiler/ir/node.ts';
import type { Op, Sample, SampleInput } from '../../compiler/ir/op.ts';
import type { Profile } from '../../compiler/kernels/kernel.ts';
import { candidates } from '../../compiler/kernels/select.ts';
import { constant, input, ops } from '../../compiler/ops/index.ts';
import { expandBatchNorm } from '../../compiler/passes/expand-batch-norm.ts';
import { foldBatchNorm } from '../../compiler/passes/fold-batch-norm.ts';
import { legalize } from '../../compiler/passes/legalize.ts';
import type { OpenedDevice } from '../../runtime/node/index.ts';
import type { HostTensor } from '../../runtime/session.ts';
import { sharedDevice } from '../shared-device.ts';
import { isFull } from '../amount.ts';
import { deviceError } from './run-on-device.ts';
import { rationed, triedSchedules } from './tried-schedules.ts';

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await sharedDevice();
});

// Sums of a few hundred products in float32; the reference computes in float64.
const tolerance = 2e-5;

/** Uniform values from a linear congruential generator: the same on every machine. */
function values(count: number, seed: number, { range: [low, high] = [-1, 1], whole }: SampleInput): Float32Array {
  let state = seed | 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    const fraction = (state >>> 8) / 16777216;
    return whole ? Math.floor(low + fraction * (high - low + 1)) : low + fraction * (high - low);
  });
}

function sampleGraph(op: Op, sample: Sample): { graph: Graph; inputs: Record<string, HostTensor> } {
  const inputs: Record<string, HostTensor> = {};
  const nodes = sample.inputs.map((operand, index): Node => {
    const { shape, constant: fixed } = operand;
    const data = values(
      shape.reduce((a, b) => a * b, 1),
      index + 1,
      operand,
    );
    if (fixed) return makeNode(constant, [], { tensor: { dtype: 'f32', shape, data }, name: `w${index}` });
    inputs[`x${index}`] = { shape, data };
    return makeNode(input, [], { name: `x${index}`, index, dtype: 'f32', shape });
  });
  return { graph: makeGraph({ result: makeNode(op, nodes, sample.attrs) }), inputs };
}

const leaves = new Set(['input', 'parameter', 'constant']);
// Exact to the bit, so without a tolerance: what runs on i8 is tested in files of its own.
const isInteger = (op: Op): boolean =>
  op.name === 'quantize' || op.samples.some(({ inputs }) => inputs.some(({ dtype }) => dtype === 'i8'));
// Its result is in an order of its own: test/kernels/packed-weights.test.ts.
const elsewhere = new Set(['packWeights']);

describe.each(['software', 'gpu'] as const)('profile %s', (profile: Profile) => {
  for (const op of ops.values()) {
    if (leaves.has(op.name) || elsewhere.has(op.name) || isInteger(op)) continue;
    describe(op.name, () => {
      const cases = [];
      for (const sample of op.samples) {
        if (sample.inputs.every((each) => each.constant)) continue;
        const { graph, inputs } = sampleGraph(op, sample);
        const legal = legalize.run(expandBatchNorm.run(foldBatchNorm.run(graph)));
        const root = Object.values(legal.outputs)[0];
        if (!root) throw new Error('no output');
        const choices = candidates(root, profile);
        if (leaves.has(root.op.name)) {
          it(`${sample.name}: needs no kernel`, async () => {
            expect(await deviceError(opened.device, legal, inputs, profile)).toBe(0);
          });
          continue;
        }
        it(`${sample.name}: has a kernel`, () => expect(choices.length).toBeGreaterThan(0));
        const tried = isFull ? choices : triedSchedules(choices);
        cases.push(...tried.map((choice) => ({ name: sample.name, legal, inputs, root, choice })));
      }
      for (const { name, legal, inputs, root, choice } of rationed(cases, profile)) {
        it(`${name}: ${choice.kernel.name} ${JSON.stringify(choice.schedule)}`, async () => {
          const select = (node: Node) => (node === root ? choice : candidates(node, profile)[0]);
          expect(await deviceError(opened.device, legal, inputs, profile, select)).toBeLessThan(tolerance);
        });
      }
    });
  }
});
