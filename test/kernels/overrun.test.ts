/**
 * What kernels read behind the end of a value is what they say (`overrun`), and lies inside of the buffer by the slack
 * that the plan leaves for it; counted in the shaders themselves, because without bounds checks nothing else tells.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { lower } from '../../compiler/emit/lower.ts';
import { makeGraph, makeNode, type Graph, type Node } from '../../compiler/ir/node.ts';
import type { Op, Sample } from '../../compiler/ir/op.ts';
import type { TensorData } from '../../compiler/ir/type.ts';
import type { Profile } from '../../compiler/kernels/kernel.ts';
import { candidates, type Selection } from '../../compiler/kernels/select.ts';
import * as all from '../../compiler/ops/all.ts';
import { constantNode } from '../../compiler/passes/constants.ts';
import { legalize } from '../../compiler/passes/legalize.ts';
import { evaluateSize } from '../../runtime/artifact.ts';
import type { OpenedDevice } from '../../runtime/node/index.ts';
import type { HostTensor } from '../../runtime/session.ts';
import { sharedDevice } from '../shared-device.ts';
import { isFull } from '../amount.ts';
import { runOnDevice } from './run-on-device.ts';
import { triedSchedules } from './tried-schedules.ts';
import { watchReads, type Reach, type WatchedDevice } from './watch-reads.ts';

let opened: OpenedDevice;
let spied: WatchedDevice;
beforeAll(async () => {
  opened = await sharedDevice();
  spied = watchReads(opened.device);
});

interface Case {
  readonly graph: Graph;
  readonly root: Node;
  readonly inputs: Record<string, HostTensor>;
}

/** A sample's values do not matter here; operands of i8 come from a `quantize`. */
function caseOf(op: Op, sample: Sample): Case {
  const inputs: Record<string, HostTensor> = {};
  const nodes = sample.inputs.map(({ shape, dtype = 'f32', constant }, index): Node => {
    const count = shape.reduce((a, b) => a * b, 1);
    const data: TensorData =
      dtype === 'i8' ? new Int8Array(count) : dtype === 'i32' ? new Int32Array(count) : new Float32Array(count);
    if (constant) return constantNode({ dtype, shape, data });
    inputs[`x${index}`] = { shape, data: new Float32Array(count) };
    const given = makeNode(all.input, [], { name: `x${index}`, index, dtype: 'f32', shape });
    return dtype === 'i8' ? makeNode(all.quantize, [given], { scale: 1, zeroPoint: 0 }) : given;
  });
  const made = makeNode(op, nodes, sample.attrs);
  const result = made.type.dtype === 'i8' ? makeNode(all.dequantize, [made], { scale: 1, zeroPoint: 0 }) : made;
  const graph = result === made ? legalize.run(makeGraph({ result })) : makeGraph({ result });
  const output = graph.outputs['result'] ?? result;
  return { graph, root: result === made ? output : made, inputs };
}

interface Watched {
  readonly slack: number;
  /** Of the kernel's own dispatch. */
  readonly reaches: readonly Reach[];
  /** Whether bytes outside of the arena were met, had the plan left no slack. */
  readonly needsSlack: boolean;
}

async function watch({ graph, root, inputs }: Case, profile: Profile, choice: Selection): Promise<Watched> {
  const select = (node: Node): Selection | undefined => (node === root ? choice : candidates(node, profile)[0]);
  const { slack, plan } = lower(graph, profile, select);
  await runOnDevice(spied.device, graph, [inputs], profile, select);
  const reaches = await spied.reaches();
  const arena = evaluateSize(plan.arena.bytes, {});
  const lost = Math.ceil(arena / 256) * 256 - Math.ceil((arena - slack) / 256) * 256;
  return { slack, reaches, needsSlack: reaches.some(({ outside }) => outside + lost > 0) };
}

/** Edge tiles of these may read too far. */
const edged: readonly Op[] = [all.conv2d, all.convTranspose2d, all.conv2dWeightGrad, all.quantizedConv2d];

/** Whether a kernel says that it reads behind the end of a value. */
function overruns({ graph, root }: Case, profile: Profile, choice: Selection): boolean {
  return lower(graph, profile, (node) => (node === root ? choice : candidates(node, profile)[0])).slack > 0;
}

describe.each(edged.map((op) => [op.name, op] as const))('kernels of %s', (_, op) => {
  const cases = op.samples.flatMap((sample) => {
    const each = caseOf(op, sample);
    const profiles: readonly Profile[] = ['software', 'gpu'];
    return profiles.flatMap((profile) => {
      const choices = candidates(each.root, profile);
      return (isFull ? choices : triedSchedules(choices)).flatMap((choice) =>
        isFull || overruns(each, profile, choice) ? [{ name: sample.name, each, profile, choice }] : [],
      );
    });
  });

  it('read as far as they say, and never outside of a buffer', async () => {
    const furthest = new Map<string, number>();
    for (const { name, each, profile, choice } of cases) {
      const { slack, reaches } = await watch(each, profile, choice);
      const label = `${name}: ${choice.kernel.name} ${JSON.stringify(choice.schedule)}`;
      expect(reaches.length, label).toBeGreaterThan(1);
      expect(Math.max(...reaches.map(({ outside }) => outside)), label).toBeLessThanOrEqual(0);
      const beyond = Math.max(...reaches.map((reach) => reach.beyond));
      expect(beyond, label).toBeLessThanOrEqual(slack);
      if (slack > 0) furthest.set(choice.kernel.name, Math.max(beyond, furthest.get(choice.kernel.name) ?? 0));
    }
    // What is allowed is used, so that a kernel that says less would be seen here.
    expect(furthest.size).toBeGreaterThan(0);
    for (const [kernel, bytes] of furthest) expect(bytes, kernel).toBeGreaterThan(0);
  });
});

describe('the slack of a plan', () => {
  const plain = { dilation: [1, 1], padding: [0, 0, 0, 0], groups: 1 } as const;
  const wide = [
    ['conv2d-direct', all.conv2d, [1, 128, 2, 28], [512, 128, 1, 1], { ...plain, stride: [1, 3] }],
    [
      'conv-transpose',
      all.convTranspose2d,
      [1, 128, 2, 9],
      [128, 64, 2, 2],
      { ...plain, stride: [2, 2], outputPadding: [0, 0] },
    ],
  ] as const;
  it.each(wide)(
    'keeps what %s reads behind the last value of the arena inside of it',
    async (kernel, op, x, weight, attrs) => {
      const sample: Sample = { name: 'wide', inputs: [{ shape: x }, { shape: weight, constant: true }], attrs };
      const each = caseOf(op, sample);
      const choice = candidates(each.root, 'software').find((other) => other.kernel.name === kernel);
      if (!choice) throw new Error(`${kernel} does not take it`);
      const { reaches, needsSlack } = await watch(each, 'software', choice);
      expect(Math.max(...reaches.map(({ outside }) => outside))).toBeLessThanOrEqual(0);
      // Without it, the same reads would leave the buffer.
      expect(needsSlack).toBe(true);
    },
  );
});
