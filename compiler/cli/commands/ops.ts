/** `cnnc ops`: every op, what it has, which kernels run it, and whether it has a gradient. */
import { isInput } from '../../ir/leaves.ts';
import { makeGraph, makeNode, topologicalOrder, type Graph, type Node } from '../../ir/node.ts';
import type { Op, Sample } from '../../ir/op.ts';
import { allocate, randomTensor } from '../../ir/tensor-literal.ts';
import type { Profile } from '../../kernels/kernel.ts';
import { candidates } from '../../kernels/select.ts';
import { constant, input, ops } from '../../ops/index.ts';
import type { Pass } from '../../passes/pass.ts';
import { inferencePipeline, runPipeline, trainingPipeline } from '../../passes/pipelines.ts';
import { gradients, noContribution, notDifferentiable } from '../../train/gradients/index.ts';
import type { Configure, Context } from '../command.ts';
import { exitCodes, type ExitCode } from '../../driver/failure.ts';
import { formatTable } from '../../driver/text.ts';

export const configureOps: Configure = (command, act) => {
  command
    .addHelpText(
      'after',
      '\nEvery op has a shape rule and a reference evaluation. `scalar` ops are WGSL expressions and fuse into others.\n' +
        'A kernel after `->` runs what the passes make of the op. A gap is a profile that lacks a kernel for a sample.\n' +
        'A gradient is `zero` where the op is constant between jumps; training stops at an op that has none.',
    )
    .action(() => act(listOps));
};

export interface OpRow {
  readonly op: string;
  readonly summary: string;
  readonly scalar: boolean;
  readonly samples: number;
  /** Kernels that run the op's samples, by profile; `->` marks those of what passes make of it. */
  readonly kernels: Readonly<Record<Profile, readonly string[]>>;
  /** Samples that no kernel of some profile runs. */
  readonly gaps: readonly string[];
  /** `yes`, `zero`, or why there is none. */
  readonly gradient: string;
}

const leaves = new Set([...ops.values()].filter(({ operands }) => operands.length === 0).map(({ name }) => name));

function listOps({ output }: Context): ExitCode {
  const rows = [...ops.values()].map(describeOp);
  const cells = rows.map(({ op, scalar, samples, kernels, gaps, gradient }) => [
    op,
    'yes',
    'yes',
    scalar ? 'yes' : '-',
    leaves.has(op) ? 'no code' : kernels.software.join(' '),
    leaves.has(op) ? 'no code' : kernels.gpu.join(' '),
    String(samples),
    gaps.join(', '),
    gradient,
  ]);
  const titles = ['op', 'shape', 'reference', 'scalar', 'software', 'gpu', 'samples', 'gaps', 'gradient'];
  output.data(formatTable([titles, ...cells], [6]));
  for (const row of rows) output.event({ type: 'metric', kind: 'op', ...row });
  output.event({ type: 'summary', ops: rows.length, gaps: rows.flatMap(({ gaps }) => gaps).length });
  return exitCodes.ok;
}

function sampleGraph(op: Op, sample: Sample): Graph {
  const operands = sample.inputs.map(({ shape, constant: fixed, range, dtype = 'f32' }, index): Node => {
    if (!fixed) return makeNode(input, [], { name: `x${index}`, index, dtype, shape });
    const [low, high] = range ?? [-1, 1];
    const values = randomTensor(shape, index, low, high);
    const data = allocate(dtype, values.data.length);
    data.set(values.data.map(dtype === 'f32' ? Number : Math.round));
    const tensor = dtype === 'f32' ? values : { dtype, shape, data };
    return makeNode(constant, [], { tensor, name: `w${index}` });
  });
  return makeGraph({ result: makeNode(op, operands, sample.attrs) });
}

export function describeOp(op: Op): OpRow {
  const gaps: string[] = [];
  const kernelsOf = (profile: Profile): string[] => {
    const names = new Set<string>();
    for (const sample of leaves.has(op.name) ? [] : op.samples) {
      const found = kernelsOfSample(op, sample, profile);
      if (!found) gaps.push(`${profile}: ${sample.name}`);
      for (const name of found ?? []) names.add(name);
    }
    return [...names];
  };
  const kernels = { software: kernelsOf('software'), gpu: kernelsOf('gpu') };
  const { name, summary, samples } = op;
  const scalar = op.scalar !== undefined;
  return { op: name, summary, scalar, samples: samples.length, kernels, gaps, gradient: describeGradient(name) };
}

function describeGradient(op: string): string {
  const rule = gradients.get(op);
  if (!rule) return `none: ${notDifferentiable.get(op) ?? 'it has no rule'}`;
  return rule === noContribution ? 'zero' : 'yes';
}

/** Undefined where some node of the sample's graph has no kernel. */
function kernelsOfSample(op: Op, sample: Sample, profile: Profile): string[] | undefined {
  const graph = sampleGraph(op, sample);
  const [root] = Object.values(graph.outputs);
  const direct = root && candidates(root, profile)[0]?.kernel.name;
  if (direct !== undefined) return [direct];
  return kernelsAfter(graph, inferencePipeline, profile) ?? kernelsAfter(graph, trainingPipeline, profile);
}

/** The kernels of what passes make of a graph; undefined where some node of it has none. */
function kernelsAfter(graph: Graph, passes: readonly Pass[], profile: Profile): string[] | undefined {
  const computed = topologicalOrder(runPipeline(graph, passes)).filter(
    (node) => node.inputs.length > 0 && !isInput(node),
  );
  if (computed.length === 0) return ['-> nothing'];
  const names = computed.map((node) => candidates(node, profile)[0]?.kernel.name);
  const known = names.filter((name) => name !== undefined);
  return known.length === names.length ? known.map((name) => `-> ${name}`) : undefined;
}
