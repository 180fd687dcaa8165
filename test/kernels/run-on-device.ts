/** Compiles a graph for a profile, runs it on a device and compares it with the reference interpreter. */
import { assembleArtifact } from '../../compiler/emit/write-artifact.ts';
import { lower } from '../../compiler/emit/lower.ts';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import type { Graph, Node } from '../../compiler/ir/node.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import type { Profile } from '../../compiler/kernels/kernel.ts';
import { candidates, type Selection } from '../../compiler/kernels/select.ts';
import { createSession, type HostTensor } from '../../runtime/session.ts';

export type Select = (node: Node) => Selection | undefined;

export const firstCandidate =
  (profile: Profile): Select =>
  (node) =>
    candidates(node, profile)[0];

/** Runs each set of inputs through one session; the outputs of each in turn. */
export async function runOnDevice(
  device: GPUDevice,
  graph: Graph,
  inputs: readonly Readonly<Record<string, HostTensor>>[],
  profile: Profile,
  select: Select = firstCandidate(profile),
): Promise<Record<string, HostTensor>[]> {
  const lowered = lower(graph, profile, select);
  const model = { name: 'test', source: 'test', parameters: 0, macs: 0 };
  const artifact = assembleArtifact({ compiler: 'test', model, preprocess: undefined, plans: { [profile]: lowered } });
  const session = await createSession(device, artifact, { profile });
  const results = [];
  for (const each of inputs) results.push(await session.run(each));
  session.dispose();
  return results;
}

/** Largest difference of all outputs over the largest magnitude of the reference. */
export async function deviceError(
  device: GPUDevice,
  graph: Graph,
  inputs: Readonly<Record<string, HostTensor>>,
  profile: Profile,
  select?: Select,
): Promise<number> {
  const [actual] = await runOnDevice(device, graph, [inputs], profile, select);
  const tensors = Object.entries(inputs).map(([name, { shape, data }]): [string, Tensor] => [
    name,
    { dtype: 'f32', shape, data: Float64Array.from(data) },
  ]);
  const expected = evaluateGraph(graph, Object.fromEntries(tensors));
  let worst = 0;
  for (const [name, { shape, data }] of Object.entries(expected)) {
    const result = actual?.[name];
    if (!result || result.data.length !== data.length)
      throw new Error(`output ${name} has shape [${result?.shape.join() ?? ''}], not [${shape.join()}]`);
    let [difference, magnitude] = [0, 0];
    data.forEach((value: number, index: number) => {
      const other = result.data[index] ?? Number.NaN;
      if (Number.isNaN(other) !== Number.isNaN(value)) difference = Infinity;
      else if (value !== other) difference = Math.max(difference, Math.abs(value - other));
      if (Number.isFinite(value)) magnitude = Math.max(magnitude, Math.abs(value));
    });
    worst = Math.max(worst, difference / Math.max(magnitude, 1e-6));
  }
  return worst;
}
