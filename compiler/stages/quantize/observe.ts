/** Ranges and mean errors of a network's values, measured by running it on the device. */
import type { OpenedDevice } from '../../../runtime/node/device/device.ts';
import { RuntimeFault } from '../../../runtime/errors.ts';
import { createSession } from '../../../runtime/session.ts';
import type { HostTensor } from '../../../runtime/host-tensor.ts';
import type { Artifact } from '../../../runtime/artifact.ts';
import { compile } from '../../compile/compile.ts';
import { makeGraph, type Graph, type Node } from '../../ir/node.ts';
import type { QuantizationPoint } from '../../passes/int8/plan.ts';
import { union, type Range } from '../../passes/int8/scales.ts';
import { count, emptyHistogram, rangeOf, type CalibrationMethod, type Histogram } from './calibrate.ts';
import type { CalibrationData } from './calibration-data.ts';

export interface Observer {
  readonly opened: OpenedDevice;
  readonly data: CalibrationData;
  readonly signal: AbortSignal;
  readonly onProgress: (what: string, done: number, of: number) => void;
}

/** Outputs by name, `count` of whose samples are new; labels of the batch. */
export type Visit = (outputs: Readonly<Record<string, HostTensor>>, count: number, labels: HostTensor) => void;

/** Runs an artifact over the samples. Throws what the signal and the session throw. */
export async function runOver(observer: Observer, artifact: Artifact, what: string, visit: Visit): Promise<void> {
  const { opened, data, signal, onProgress } = observer;
  const session = await createSession(opened.device, artifact, { profile: opened.info.profile });
  const name = session.plan.inputs[0]?.name ?? '';
  try {
    let done = 0;
    for await (const { image, labels, count: fresh } of data.batches()) {
      signal.throwIfAborted();
      visit(await session.run({ [name]: image }), fresh, labels);
      done += fresh;
      onProgress(what, done, data.samples);
    }
  } finally {
    session.dispose();
  }
}

/** A graph whose weights are constants, for the device that is open. */
export const artifactOf = ({ opened }: Observer, graph: Graph): Artifact =>
  compile(
    { name: 'calibration', source: '', graph, parameters: [], weights: new Map() },
    { profiles: [opened.info.profile] },
  ).artifact;

/** The values of the samples that count. */
export function freshValues({ shape, data }: HostTensor, fresh: number): Float32Array {
  return data.subarray(0, (data.length / Math.max(1, shape[0] ?? 1)) * fresh);
}

function extremes(values: Float32Array): Range {
  let [min, max] = [Infinity, -Infinity];
  for (const x of values) {
    if (x < min) min = x;
    if (x > max) max = x;
  }
  return { min, max };
}

/** Throws E0911 for a value that is infinite or no number somewhere. */
function expectFinite(key: string, { min, max }: Range): void {
  if (Number.isFinite(min) && Number.isFinite(max)) return;
  const help = 'look for it with cnnc run on one of the samples; int8 has no such values';
  throw new RuntimeFault('E0911', 'runtime', `${key} has values that are not finite on the calibration data`, help);
}

const scores = 'scores';

/** WebGPU allows 8 storage buffers a shader but any number of outputs; each is read back whole. */
function observed({ outputs }: Graph, points: readonly QuantizationPoint[]): Graph {
  const [first] = Object.values(outputs);
  const named = points.map(({ node }, index): [string, Node] => [`p${index}`, node]);
  return makeGraph({ ...Object.fromEntries(named), ...(first ? { [scores]: first } : {}) });
}

export interface RangeOptions {
  readonly method: CalibrationMethod;
  readonly symmetric: boolean;
  /** Sees the graph's first output as well, in float32. */
  readonly onScores: (scores: HostTensor, fresh: number, labels: HostTensor) => void;
}

/** The range of every point, by its key; a second run over the samples counts histograms where the method has them. */
export async function observeRanges(
  observer: Observer,
  graph: Graph,
  points: readonly QuantizationPoint[],
  { method, symmetric, onScores }: RangeOptions,
): Promise<Record<string, Range>> {
  const artifact = artifactOf(observer, observed(graph, points));
  const ranges = new Map<string, Range>();
  await runOver(observer, artifact, 'ranges', (outputs, fresh, labels) => {
    const scored = outputs[scores];
    if (scored) onScores(scored, fresh, labels);
    for (const [index, { key }] of points.entries()) {
      const output = outputs[`p${index}`];
      if (!output) continue;
      const range = extremes(freshValues(output, fresh));
      ranges.set(key, union(ranges.get(key) ?? range, range));
    }
  });
  for (const [key, range] of ranges) expectFinite(key, range);
  if (method.kind === 'min_max') return Object.fromEntries(ranges);
  const histograms = new Map<string, Histogram>();
  for (const [key, range] of ranges) histograms.set(key, emptyHistogram(range));
  await runOver(observer, artifact, 'histograms', (outputs, fresh) => {
    for (const [index, { key }] of points.entries()) {
      const [output, histogram] = [outputs[`p${index}`], histograms.get(key)];
      if (output && histogram) count(histogram, freshValues(output, fresh));
    }
  });
  return Object.fromEntries([...histograms].map(([key, each]) => [key, rangeOf(each, method, symmetric)]));
}

/** Means over the samples of outputs `[N, C]`, by name. */
export async function observeMeans(observer: Observer, graph: Graph): Promise<Record<string, number[]>> {
  const sums = new Map<string, Float64Array>();
  const names = Object.keys(graph.outputs);
  const renamed = Object.fromEntries(names.map((name, index) => [`p${index}`, graph.outputs[name]]));
  const outputsOf = Object.entries(renamed).flatMap(([name, node]) => (node ? [[name, node] as const] : []));
  const artifact = artifactOf(observer, makeGraph(Object.fromEntries(outputsOf)));
  await runOver(observer, artifact, 'errors', (outputs, fresh) => {
    for (const [index, name] of names.entries()) {
      const output = outputs[`p${index}`];
      const channels = output?.shape[1] ?? 0;
      const sum = sums.get(name) ?? new Float64Array(channels);
      sums.set(name, sum);
      const values = output ? freshValues(output, fresh) : [];
      for (const [at, value] of values.entries()) sum[at % channels] = (sum[at % channels] ?? 0) + value;
    }
  });
  return Object.fromEntries(
    [...sums].map(([name, sum]) => [name, Array.from(sum, (value) => value / observer.data.samples)]),
  );
}
