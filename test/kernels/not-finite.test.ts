/**
 * NaN and infinities through every kernel of both profiles: on each op's samples with some values replaced, the device's
 * values are NaN, infinite or finite where the interpreter's are. What the interpreter gives is held to PyTorch's values in
 * test/ops/not-finite.test.ts.
 */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { makeGraph, makeNode, type Graph, type Node } from '../../compiler/ir/node.ts';
import type { Attrs, Op, Sample, SampleInput } from '../../compiler/ir/op.ts';
import type { Profile } from '../../compiler/kernels/kernel.ts';
import { candidates, type Selection } from '../../compiler/kernels/select.ts';
import {
  clip,
  constant,
  elu,
  hardSigmoid,
  hardSwish,
  input,
  leakyRelu,
  maximum,
  minimum,
  ops,
  relu,
  relu6,
} from '../../compiler/ops/index.ts';
import { expandBatchNorm } from '../../compiler/passes/expand-batch-norm.ts';
import { foldBatchNorm } from '../../compiler/passes/fold-batch-norm.ts';
import { fuseElementwise } from '../../compiler/passes/fuse-elementwise.ts';
import { legalize } from '../../compiler/passes/legalize.ts';
import { simplify } from '../../compiler/passes/simplify.ts';
import { differentiate } from '../../compiler/train/differentiate.ts';
import { times, total } from '../../compiler/train/expressions.ts';
import type { OpenedDevice } from '../../runtime/node/index.ts';
import type { HostTensor } from '../../runtime/session.ts';
import { isFull, some } from '../amount.ts';
import { sharedDevice } from '../shared-device.ts';
import { runOnDevice } from './run-on-device.ts';

let opened: OpenedDevice;
beforeAll(async () => {
  opened = await sharedDevice();
});

/** Operands that hold no numbers of a computation, so that no special value belongs there. */
const without: Readonly<Record<string, string>> = {
  dropoutMask: 'its operand is the bits of a random state',
  packWeights: 'its result is in an order of its own; it only moves values',
};
/** Gradients and statistics that are NaN where PyTorch's may be infinite, or finite. A training stops at either. */
const moreNaN: Readonly<Record<string, string>> = {
  channelMoments: 'the mean is the first value and the mean of what differs from it: infinity less infinity',
  partialMoments: 'as channelMoments',
  mergeMoments: 'as channelMoments',
  conv2dWeightGrad: 'a gradient that is not finite is multiplied by zeros of the padding as well',
};
/** Operands behind these are settings: a step of infinite size means nothing. */
const operandsOfValues: Readonly<Record<string, number>> = { fakeQuantize: 1 };
const leaves = new Set(['input', 'parameter', 'constant']);
const isInteger = (op: Op): boolean =>
  op.name === 'quantize' || op.samples.some(({ inputs }) => inputs.some(({ dtype }) => dtype === 'i8'));

/** Which values take the place of others, and one in how many. */
const replacements: readonly { readonly values: readonly number[]; readonly oneIn: number }[] = [
  { values: [Number.NaN], oneIn: 40 },
  { values: [Infinity], oneIn: 40 },
  { values: [-Infinity], oneIn: 40 },
  { values: [Number.NaN, Infinity, -Infinity], oneIn: 4 },
  { values: [-Infinity], oneIn: 1 },
];

const kinked: readonly (readonly [Op, Attrs])[] = [
  [relu, {}],
  [relu6, {}],
  [clip, { min: -1, max: 2 }],
  [hardSigmoid, {}],
  [hardSwish, {}],
  [leakyRelu, { alpha: 0.1 }],
  [elu, { alpha: 1 }],
  [maximum, {}],
  [minimum, {}],
] as readonly (readonly [Op, Attrs])[];

function numbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 16777216;
  };
}

function dataOf({ shape, range: [low, high] = [-1, 1], whole }: SampleInput, seed: number): Float32Array {
  const next = numbers(seed);
  const count = shape.reduce((a, b) => a * b, 1);
  return Float32Array.from({ length: count }, () =>
    whole ? Math.floor(low + next() * (high - low + 1)) : low + next() * (high - low),
  );
}

function replaced(data: Float32Array, seed: number, { values, oneIn }: (typeof replacements)[number]): Float32Array {
  const next = numbers(seed);
  return data.map((value) => (next() * oneIn < 1 ? (values[Math.floor(next() * values.length)] ?? value) : value));
}

interface Case {
  readonly graph: Graph;
  readonly inputs: readonly Readonly<Record<string, HostTensor>>[];
}

/** The sample's graph, and its inputs with each kind of replacement in turn. */
function caseOf(op: Op, sample: Sample, seed: number): Case {
  const plain: Record<string, HostTensor> = {};
  const nodes = sample.inputs.map((operand, index): Node => {
    const { shape, constant: fixed } = operand;
    const data = dataOf(operand, seed + index + 1);
    if (fixed) return makeNode(constant, [], { tensor: { dtype: 'f32', shape, data }, name: `w${index}` });
    plain[`x${index}`] = { shape, data };
    return makeNode(input, [], { name: `x${index}`, index, dtype: 'f32', shape });
  });
  const inputs = replacements.map((kind, round) =>
    Object.fromEntries(
      Object.entries(plain).map(([name, { shape, data }], index) => {
        // All of an operand is replaced in the first alone: a product of infinities and zeros tells nothing.
        const most = kind.oneIn === 1 ? 1 : (operandsOfValues[op.name] ?? Infinity);
        return [name, { shape, data: index < most ? replaced(data, seed + round * 7 + index, kind) : data }];
      }),
    ),
  );
  return { graph: makeGraph({ result: makeNode(op, nodes, sample.attrs) }), inputs };
}

const kindOf = (value: number): string =>
  Number.isNaN(value) ? 'NaN' : Number.isFinite(value) ? 'finite' : String(value);

/**
 * The first value of a run that is of another kind than the interpreter's, or, being finite, another number; where
 * `asNaN`, NaN is as good as anything.
 */
function firstDifference(
  graph: Graph,
  given: Readonly<Record<string, HostTensor>>,
  got: Record<string, HostTensor>,
  asNaN: boolean,
): string {
  const tensors = Object.entries(given).map(
    ([name, { shape, data }]) => [name, { dtype: 'f32', shape, data: Float64Array.from(data) }] as const,
  );
  for (const [name, { data }] of Object.entries(evaluateGraph(graph, Object.fromEntries(tensors)))) {
    const actual = got[name]?.data ?? new Float32Array();
    const values = Array.from(data);
    const largest = Math.max(1e-6, ...values.filter(Number.isFinite).map(Math.abs));
    for (const [at, value] of values.entries()) {
      const other = actual[at] ?? Number.NaN;
      const same =
        kindOf(value) === kindOf(other) && (!Number.isFinite(value) || Math.abs(value - other) <= 2e-5 * largest);
      if (!same && !(asNaN && Number.isNaN(other))) {
        const operands = Object.values(given).map((each) => (each.data.length === data.length ? each.data[at] : '-'));
        return `${name}[${at}] is ${other}, not ${value} (operands there: ${operands.join(', ')})`;
      }
    }
  }
  return '';
}

describe.each(['software', 'gpu'] as const)('profile %s', (profile: Profile) => {
  const { seed } = fc.readConfigureGlobal() ?? {};
  const all = [...ops.values()].filter(({ name }) => !leaves.has(name) && !(name in without));
  const tried = all.filter((op) => !isInteger(op));
  // The same text is behind both profiles where an op has one kernel, and one of profile gpu takes long to compile.
  for (const op of profile === 'gpu' ? some(tried, 10) : tried) {
    it(op.name, async () => {
      const differences: string[] = [];
      const runsOf = new Map<string, number>();
      for (const sample of op.samples) {
        if (sample.inputs.every((each) => each.constant)) continue;
        const { graph, inputs } = caseOf(op, sample, seed ?? 1);
        const legal = legalize.run(expandBatchNorm.run(foldBatchNorm.run(graph)));
        const root = Object.values(legal.outputs)[0];
        if (!root) throw new Error('no output');
        const choices = new Map<string, Selection | undefined>(
          candidates(root, profile).map((choice) => [choice.kernel.name, choice]),
        );
        if (leaves.has(root.op.name)) choices.set('none', undefined);
        for (const [kernel, choice] of choices) {
          // Few samples a kernel: shapes are the business of other tests, and each is a shader to compile.
          const runs = runsOf.get(kernel) ?? 0;
          if (runs === (isFull && profile === 'software' ? 2 : 1)) continue;
          runsOf.set(kernel, runs + 1);
          const select = (node: Node) => (node === root ? choice : candidates(node, profile)[0]);
          const results = await runOnDevice(opened.device, legal, inputs, profile, select);
          for (const [round, given] of inputs.entries()) {
            const difference = firstDifference(legal, given, results[round] ?? {}, op.name in moreNaN);
            const which = `${replacements[round]?.values.join()} one in ${replacements[round]?.oneIn}`;
            if (difference) differences.push(`${sample.name}, ${kernel}, ${which}: ${difference} (seed ${seed})`);
          }
        }
      }
      expect(differences).toEqual([]);
    });
  }

  // Tests of values that may be NaN, as the gradients of kinks have them; test/train/differentiate.test.ts has PyTorch's.
  it.each(kinked.map(([op, attrs]) => [op.name, op, attrs] as const))('gradient of %s', async (_, op, attrs) => {
    const shape = [2, 5, 3, 4];
    const names = [...op.operands.map((__, at) => `x${at}`), 'g'];
    const own = names.map((name, index): Node => makeNode(input, [], { name, index, dtype: 'f32', shape }));
    const [operands, g] = [own.slice(0, -1), own.at(-1)];
    if (!g) throw new Error('a gradient is given');
    const found = differentiate(total(times(makeNode(op, operands, attrs), g)), operands);
    const gradients = operands.map((each, at) => [`d${at}`, found.get(each) ?? each] as const);
    const graph = fuseElementwise.run(simplify.run(makeGraph(Object.fromEntries(gradients))));
    const inputs = replacements.slice(0, 4).map((kind, round) =>
      Object.fromEntries(
        names.map((name, at) => {
          const data = dataOf({ shape, range: [-8, 8] }, at + 1);
          return [name, { shape, data: name === 'g' ? data : replaced(data, (seed ?? 1) + round, kind) }];
        }),
      ),
    );
    const results = await runOnDevice(opened.device, graph, inputs, profile);
    for (const [round, given] of inputs.entries()) {
      expect(firstDifference(graph, given, results[round] ?? {}, false)).toBe('');
    }
  });
});
