/** Feeds images to a model with one image input, in batches. */
import type { Artifact, Plan, Size } from '../../runtime/artifact.ts';
import { formatSize } from '../../runtime/bind-symbols.ts';
import { checkCount } from '../../runtime/class-names.ts';
import { RuntimeFault } from '../../runtime/errors.ts';
import type { StoredImage } from '../../runtime/pictures/image.ts';
import { preprocessedSize, preprocessImage } from '../../runtime/pictures/preprocess.ts';
import type { HostTensor, Session } from '../../runtime/session.ts';

export interface ImageModel {
  readonly name: string;
  readonly input: string;
  readonly channels: number;
  /** Undefined where the model takes every height or width. */
  readonly height: number | undefined;
  readonly width: number | undefined;
  /** The batch that the artifact was built for; undefined where any will do. */
  readonly fixedBatch: number | undefined;
  /** The first output. */
  readonly output: string;
  /** How many classes each sample is scored for, as `[N, C]` or `[N, C, 1, 1]`; undefined where it is not. */
  readonly classes: number | undefined;
  /** How many classes each pixel is scored for, as `[N, C, H, W]`, two for one channel; undefined where it is not. */
  readonly pixelClasses: number | undefined;
  /** Whether the output already is a distribution. */
  readonly endsInSoftmax: boolean;
  readonly labels: readonly string[];
  readonly steps: NonNullable<Artifact['manifest']['preprocess']>['steps'];
}

/** One sample without its batch: `[channels, height, width]`. */
export type Sample = HostTensor;

const fixed = (size: Size | undefined): number | undefined => (typeof size === 'number' ? size : undefined);

/** Throws E0906 where the model does not take one image, and E0714 where its classes are not as many as its scores. All plans of an artifact have the same inputs and outputs. */
export function imageModel({ manifest }: Pick<Artifact, 'manifest'>): ImageModel {
  const plan = manifest.plans.software ?? manifest.plans.gpu;
  if (!plan) throw new RuntimeFault('E0715', 'input', 'the artifact holds no plan', 'build it again');
  const [input, second] = plan.inputs;
  const channels = fixed(input?.shape[1]);
  if (!input || second || input.shape.length !== 4 || channels === undefined) throw notOneImage(plan);
  const { name } = manifest.model;
  const scored = scoring(plan);
  const [labels, classes] = [manifest.preprocess?.labels ?? [], scored.pixelClasses ?? scored.classes];
  if (labels.length > 0 && classes !== undefined) {
    checkCount({ who: 'the artifact', names: labels }, classes === 1 ? 2 : classes, name);
  }
  return {
    name,
    input: input.name,
    channels,
    height: fixed(input.shape[2]),
    width: fixed(input.shape[3]),
    fixedBatch: fixed(input.shape[0]),
    ...scored,
    endsInSoftmax: plan.steps.at(-1)?.op.split('+').at(-1) === 'softmax',
    labels,
    steps: manifest.preprocess?.steps ?? [],
  };
}

function scoring({ outputs: [output] }: Plan): Pick<ImageModel, 'output' | 'classes' | 'pixelClasses'> {
  const [, channels, ...rest] = output?.shape ?? [];
  const [name, classes] = [output?.name ?? '', fixed(channels)];
  if (rest.every((size) => size === 1)) return { output: name, classes, pixelClasses: undefined };
  const isMask = rest.length === 2 && classes !== undefined;
  return { output: name, classes: undefined, pixelClasses: isMask ? Math.max(classes, 2) : undefined };
}

function notOneImage({ inputs }: Plan): RuntimeFault {
  const shapes = inputs.map(({ name, shape }) => `${name} [${shape.map((size) => formatSize(size)).join(', ')}]`);
  const help = 'give its inputs as .npy files';
  return new RuntimeFault('E0906', 'input', `the model takes ${shapes.join(', ')}, not one image`, help);
}

/** An image as the model takes it. Throws E0906 where its size does not fit. */
export function imageToSample(
  { steps, channels, height, width }: Pick<ImageModel, 'steps' | 'channels' | 'height' | 'width'>,
  image: StoredImage,
): Sample {
  const own = preprocessedSize(image, steps);
  const target = { channels, height: height ?? own.height, width: width ?? own.width };
  return { shape: [channels, target.height, target.width], data: preprocessImage(image, steps, target) };
}

export type Outputs = Readonly<Record<string, HostTensor>>;

/** The outputs of each sample, `[1, ...]`. Neighbours of one size share a run of at most `most` samples. */
export async function runSamples(
  session: Session,
  model: ImageModel,
  samples: readonly Sample[],
  most = samples.length,
): Promise<Outputs[]> {
  const results: Outputs[] = [];
  while (results.length < samples.length) {
    const rest = samples.slice(results.length, results.length + (model.fixedBatch ?? most));
    const change = rest.findIndex(({ shape }) => shape.join() !== rest[0]?.shape.join());
    results.push(...(await runBatch(session, model, change < 0 ? rest : rest.slice(0, change))));
  }
  return results;
}

/** A batch that the artifact fixes is filled up with zeros. */
async function runBatch(session: Session, model: ImageModel, samples: readonly Sample[]): Promise<Outputs[]> {
  const [first = { shape: [], data: new Float32Array() }] = samples;
  const batch = model.fixedBatch ?? samples.length;
  const data = new Float32Array(batch * first.data.length);
  samples.forEach((sample, index) => data.set(sample.data, index * first.data.length));
  const results = await session.run({ [model.input]: { shape: [batch, ...first.shape], data } });
  return samples.map((_, index) =>
    Object.fromEntries(Object.entries(results).map(([name, result]) => [name, part(result, index, batch)])),
  );
}

function part({ shape, data }: HostTensor, index: number, batch: number): HostTensor {
  const size = data.length / batch;
  return { shape: [1, ...shape.slice(1)], data: data.subarray(index * size, (index + 1) * size) };
}

/** The values of the first output. */
export function scoresOf({ output }: ImageModel, outputs: Outputs): Float32Array {
  const tensor = outputs[output];
  if (!tensor) throw new RangeError(`the session gave no output ${output}`);
  return tensor.data;
}
