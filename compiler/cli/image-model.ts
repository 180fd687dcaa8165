/** Feeds images to a model with one image input, in batches, and reads its classes. */
import { evaluateSize, type Artifact, type Plan, type Size } from '../../runtime/artifact.ts';
import { RuntimeFault } from '../../runtime/errors.ts';
import type { Image8 } from '../../runtime/image.ts';
import { preprocessImage, type ImageShape } from '../../runtime/preprocess.ts';
import { formatSize } from '../../runtime/bind-symbols.ts';
import type { HostTensor, Session } from '../../runtime/session.ts';

export interface ImageModel {
  readonly input: string;
  readonly shape: ImageShape;
  /** The batch that the artifact was built for; undefined where any will do. */
  readonly fixedBatch: number | undefined;
  /** The first output. */
  readonly output: string;
  /** Values that each sample has in it. */
  readonly outputSize: number;
  /** Shape of one sample's output. */
  readonly outputShape: readonly number[];
  /** Whether the output already is a distribution. */
  readonly endsInSoftmax: boolean;
  readonly labels: readonly string[];
  readonly steps: NonNullable<Artifact['manifest']['preprocess']>['steps'];
}

const isKnown = (size: Size | undefined): size is number => typeof size === 'number';

function anyPlan({ plans }: Artifact['manifest']): Plan {
  const plan = plans.software ?? plans.gpu;
  if (!plan) throw new RuntimeFault('E0715', 'input', 'the artifact holds no plan', 'build it again');
  return plan;
}

/** Throws E0906 where the model does not take one image. All plans of an artifact have the same inputs and outputs. */
export function imageModel({ manifest }: Pick<Artifact, 'manifest'>): ImageModel {
  const plan = anyPlan(manifest);
  const [input, second] = plan.inputs;
  const [batch, channels, height, width] = input?.shape ?? [];
  if (!input || second || input.shape.length !== 4 || !isKnown(channels) || !isKnown(height) || !isKnown(width)) {
    const shapes = plan.inputs
      .map(({ name, shape }) => `${name} [${shape.map((size) => formatSize(size)).join(', ')}]`)
      .join(', ');
    throw new RuntimeFault(
      'E0906',
      'input',
      `the model takes ${shapes}, not one image`,
      'give its inputs as .npy files',
    );
  }
  const [output] = plan.outputs;
  const one = Object.fromEntries(manifest.symbols.map((symbol) => [symbol, 1]));
  const outputShape = (output?.shape ?? []).slice(1).map((size) => evaluateSize(size, one));
  return {
    input: input.name,
    shape: { channels, height, width },
    fixedBatch: isKnown(batch) ? batch : undefined,
    output: output?.name ?? '',
    outputSize: outputShape.reduce((product, size) => product * size, 1),
    outputShape,
    endsInSoftmax: plan.steps.at(-1)?.op.split('+').at(-1) === 'softmax',
    labels: manifest.preprocess?.labels ?? [],
    steps: manifest.preprocess?.steps ?? [],
  };
}

/** Whether every sample gives one value a class: `[C]`, or `[C, 1, 1]` as a global pool leaves it. */
export const isClassifier = ({ outputShape }: ImageModel): boolean =>
  outputShape.length > 0 && (outputShape[0] ?? 0) > 1 && outputShape.slice(1).every((size) => size === 1);

export const imageToInput = (model: Pick<ImageModel, 'steps' | 'shape'>, image: Image8): Float32Array =>
  preprocessImage(image, model.steps, model.shape);

/** The first output of each sample. A batch that the artifact fixes is filled up with zeros. */
export async function runSamples(
  session: Session,
  model: ImageModel,
  samples: readonly Float32Array[],
): Promise<Float32Array[]> {
  const { shape, fixedBatch, outputSize } = model;
  const sampleSize = shape.channels * shape.height * shape.width;
  const size = fixedBatch ?? Math.max(1, samples.length);
  const rows: Float32Array[] = [];
  for (let from = 0; from < samples.length; from += size) {
    const part = samples.slice(from, from + size);
    const data = new Float32Array(size * sampleSize);
    part.forEach((sample, index) => data.set(sample, index * sampleSize));
    const outputs = await session.run({
      [model.input]: { shape: [size, shape.channels, shape.height, shape.width], data },
    });
    const result = outputOf(outputs, model.output);
    part.forEach((_, index) => rows.push(result.data.subarray(index * outputSize, (index + 1) * outputSize)));
  }
  return rows;
}

function outputOf(outputs: Readonly<Record<string, HostTensor>>, name: string): HostTensor {
  const tensor = outputs[name];
  if (!tensor) throw new RangeError(`the session gave no output ${name}`);
  return tensor;
}

/** Indices of the largest values, the largest first; of equal ones, the lower index. NaN ranks last. */
export function topIndices(values: ArrayLike<number>, count: number): number[] {
  const best: number[] = [];
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    let at = best.length;
    while (at > 0 && value > (values[best[at - 1] ?? 0] ?? 0)) at--;
    if (at < count) best.splice(at, 0, index);
    if (best.length > count) best.pop();
  }
  return best;
}

/** exp(x - max) / sum, in float64. */
export function softmax(values: ArrayLike<number>): Float64Array {
  const result = Float64Array.from(values);
  const largest = result.reduce((most, value) => Math.max(most, value), -Infinity);
  let sum = 0;
  result.forEach((value, index) => (sum += result[index] = Math.exp(value - largest)));
  return result.map((value) => value / sum);
}
