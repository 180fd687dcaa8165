/** Every kernel of integer ops, and of moves of i8, on the ops' samples: equal to the reference to the last bit. */
import { beforeAll, describe, expect, it } from 'vitest';
import { makeGraph, makeNode, type Graph, type Node } from '../../compiler/ir/node.ts';
import type { Op, Sample } from '../../compiler/ir/op.ts';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import type { DType, Tensor, TensorData } from '../../compiler/ir/type.ts';
import type { Profile } from '../../compiler/kernels/kernel.ts';
import { candidates, type Selection } from '../../compiler/kernels/select.ts';
import { constant, dequantize, input, maxPool2d, neg, ops, quantize, resize } from '../../compiler/ops/index.ts';
import type { OpenedDevice } from '../../runtime/node/index.ts';
import type { HostTensor } from '../../runtime/session.ts';
import { sharedDevice } from '../shared-device.ts';
import { isFull } from '../amount.ts';
import { runOnDevice } from './run-on-device.ts';
import { rationed, triedSchedules } from './tried-schedules.ts';

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await sharedDevice();
});

const unit = { scale: 1, zeroPoint: 0 };

const dataOf = (dtype: DType, values: readonly number[]): TensorData => {
  if (dtype === 'i8') return Int8Array.from(values);
  return dtype === 'i32' ? Int32Array.from(values) : Float32Array.from(values);
};

interface Case {
  readonly graph: Graph;
  readonly root: Node;
  readonly inputs: Record<string, HostTensor>;
}

/** A sample between a `quantize` of each operand and a `dequantize`; i8 where the sample says nothing, if asked. */
function integerCase(op: Op, sample: Sample, moved: boolean): Case {
  const inputs: Record<string, HostTensor> = {};
  let state = 7;
  const uniform = ([low, high]: readonly [number, number]): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return low + ((state >>> 8) / 16777216) * (high - low);
  };
  const nodes = sample.inputs.map((operand, index): Node => {
    const { shape, constant: fixed } = operand;
    const dtype = moved ? 'i8' : (operand.dtype ?? 'f32');
    const range = moved ? ([-128, 127] as const) : (operand.range ?? ([-1, 1] as const));
    const count = shape.reduce((a, b) => a * b, 1);
    const values = Array.from({ length: count }, () => (dtype === 'f32' ? uniform(range) : Math.round(uniform(range))));
    if (fixed)
      return makeNode(constant, [], { tensor: { dtype, shape, data: dataOf(dtype, values) }, name: `w${index}` });
    inputs[`x${index}`] = { shape, data: Float32Array.from(values) };
    const given = makeNode(input, [], { name: `x${index}`, index, dtype: 'f32', shape });
    // An input that is only quantized is quantized by the session: another reader lets the kernel do it.
    return dtype === 'i8' ? makeNode(quantize, [given], unit) : makeNode(neg, [given], {});
  });
  const root = makeNode(op, nodes, sample.attrs);
  const result = root.type.dtype === 'i8' ? makeNode(dequantize, [root], unit) : root;
  return { graph: makeGraph({ result }), root, inputs };
}

function expected({ graph, inputs }: Case): Float32Array {
  const tensors = Object.entries(inputs).map(([name, { shape, data }]): [string, Tensor] => [
    name,
    { dtype: 'f32', shape, data },
  ]);
  return Float32Array.from(evaluateGraph(graph, Object.fromEntries(tensors))['result']?.data ?? []);
}

async function check(each: Case, profile: Profile, choice: Selection): Promise<void> {
  const select = (node: Node) => (node === each.root ? choice : candidates(node, profile)[0]);
  // Twice: what the first run left in borders must not matter.
  const results = await runOnDevice(opened.device, each.graph, [each.inputs, each.inputs], profile, select);
  for (const { result } of results) expect(result?.data).toEqual(expected(each));
}

const isInteger = (op: Op): boolean =>
  op.name === 'quantize' || op.samples.some(({ inputs }) => inputs.some(({ dtype }) => dtype === 'i8'));

const isMoved = (op: Op): boolean =>
  op.traits?.isMovement === true || op.name === maxPool2d.name || op.name === resize.name;

/** Samples of moves that i8 can take: those that speak of fractions or of bilinear weights cannot. */
function fits(op: Op, sample: Sample): boolean {
  try {
    return integerCase(op, sample, true).root.type.dtype === 'i8';
  } catch {
    return false;
  }
}

describe.each(['software', 'gpu'] as const)('profile %s', (profile: Profile) => {
  for (const op of ops.values()) {
    const moved = isMoved(op);
    // Moves have one kernel for both profiles.
    if (moved ? profile === 'gpu' : !isInteger(op)) continue;
    describe(op.name, () => {
      const cases = [];
      for (const [number, sample] of op.samples.entries()) {
        if (sample.inputs.every((each) => each.constant) || (moved && !fits(op, sample))) continue;
        const each = integerCase(op, sample, moved);
        const choices = candidates(each.root, profile);
        it(`${sample.name}: has a kernel`, () => expect(choices.length).toBeGreaterThan(0));
        const tried = triedSchedules(choices, isFull ? number : undefined);
        cases.push(...tried.map((choice) => ({ name: sample.name, each, choice })));
      }
      for (const { name, each, choice } of rationed(cases, profile)) {
        it(`${name}: ${choice.kernel.name} ${JSON.stringify(choice.schedule)}`, () => check(each, profile, choice));
      }
    });
  }
});
