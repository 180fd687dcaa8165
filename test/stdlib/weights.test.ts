/** Published weights fit the networks: every key found, none left over, shapes equal; and the logits are PyTorch's. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import sharp from 'sharp';
import { analyze, nodeHost, type BuiltModel } from '../../compiler/analyze/index.ts';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import { parseSafetensors } from '../../runtime/files/safetensors.ts';
import { toFloat64 } from '../../runtime/files/stored-tensor.ts';

const root = new URL('../../', import.meta.url).pathname;
const data = process.env['CNNC_DATA'] ?? `${root}../shared/data`;
const hasData = existsSync(`${data}/weights`);
if (!hasData) console.log(`skipped: no weights under ${data}`);

const read = (path: string) => parseSafetensors(readFileSync(`${data}/${path}`));

function build(file: string, name: string, args: Readonly<Record<string, string>>): BuiltModel & { graph: object } {
  const program = analyze(`${root}${file}.cnn`, nodeHost());
  const built = program.models.find((model) => model.name === name)?.build({ arguments: args });
  if (!built?.graph)
    throw new Error(JSON.stringify((built ?? program).diagnostics.map(({ code, message }) => [code, message])));
  return { ...built, graph: built.graph };
}

interface Published {
  readonly weights: string;
  readonly file: string;
  readonly model: string;
  readonly args?: Readonly<Record<string, string>>;
}

const published: readonly Published[] = [
  { weights: 'resnet20-cifar10', file: 'examples/resnet20/resnet20', model: 'ResNet20' },
  { weights: 'resnet20-cifar10', file: 'stdlib/cifar_resnet', model: 'CifarResNet' },
  { weights: 'resnet56-cifar10', file: 'examples/resnet20/resnet20', model: 'ResNet20', args: { depth: '56' } },
  { weights: 'resnet56-cifar10-torch-pruning', file: 'stdlib/cifar_resnet', model: 'ProjectedCifarResNet' },
  { weights: 'squeezenet1_0-imagenet', file: 'examples/squeezenet/squeezenet', model: 'SqueezeNet' },
  { weights: 'mobilenet_v1_025_128-imagenet', file: 'examples/mobilenet_v1/mobilenet_v1', model: 'MobileNetV1' },
  { weights: 'mobilenet_v3_small-seeded', file: 'stdlib/mobilenet_v3', model: 'MobileNetV3Small' },
  { weights: 'shufflenet_v2_x1_0-seeded', file: 'stdlib/shufflenet_v2', model: 'ShuffleNetV2' },
  { weights: 'shufflenet_v2_x1_0-seeded', file: 'examples/shufflenet_v2/shufflenet_v2', model: 'ShuffleNetV2' },
];

describe.runIf(hasData)('weights', () => {
  it.each(published)('$weights fit $file', ({ weights, file, model, args }) => {
    const built = build(file, model, args ?? {});
    const buffers = new Set(built.bufferNames);
    const found = [...read(`weights/${weights}.safetensors`).tensors].filter(([name]) => !buffers.has(name));
    const shapes = (entries: readonly (readonly [string, readonly number[]])[]) =>
      entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
    expect(shapes(found.map(([name, { shape }]) => [name, shape]))).toEqual(
      shapes(built.parameters.map(({ name, shape }) => [name, shape])),
    );
  });
});

/** An image of 0..1 in [1, 3, H, W], less the mean, over the deviation. */
function normalized(
  at: (channel: number, pixel: number) => number,
  size: number,
  mean: readonly number[],
  std: readonly number[],
): Tensor {
  const pixels = size * size;
  const image = new Float64Array(3 * pixels);
  for (let index = 0; index < image.length; index++) {
    const channel = Math.floor(index / pixels);
    image[index] = (at(channel, index % pixels) / 255 - (mean[channel] ?? 0)) / (std[channel] ?? 1);
  }
  return { dtype: 'f32', shape: [1, 3, size, size], data: image };
}

async function photo(index: number, size: number, mean: readonly number[], std: readonly number[]): Promise<Tensor> {
  const name = String(index * 5).padStart(4, '0');
  const bytes = await sharp(`${data}/photos/${size}/${name}.png`).removeAlpha().raw().toBuffer();
  return normalized((channel, pixel) => bytes[pixel * 3 + channel] ?? 0, size, mean, std);
}

function cifar(index: number, mean: readonly number[], std: readonly number[]): Tensor {
  const record = readFileSync(`${data}/cifar10/test_batch.bin`).subarray(index * 3073 + 1, (index + 1) * 3073);
  return normalized((channel, pixel) => record[channel * 1024 + pixel] ?? 0, 32, mean, std);
}

const imagenetMean = [0.485, 0.456, 0.406];
const imagenetStd = [0.229, 0.224, 0.225];
const grey = [128 / 255, 128 / 255, 128 / 255];

const golden: readonly (Published & {
  readonly key: string;
  readonly image: (index: number) => Tensor | Promise<Tensor>;
  readonly index: number;
})[] = [
  {
    ...published[0]!,
    key: 'resnet20-cifar10.first64',
    image: (index) => cifar(index, imagenetMean, imagenetStd),
    index: 0,
  },
  {
    ...published[0]!,
    key: 'resnet20-cifar10.first64',
    image: (index) => cifar(index, imagenetMean, imagenetStd),
    index: 63,
  },
  {
    ...published[5]!,
    key: 'mobilenet_v1_025_128-imagenet.photos',
    image: (index) => photo(index, 128, grey, grey),
    index: 7,
  },
  {
    ...published[6]!,
    key: 'mobilenet_v3_small-seeded.photos_first16',
    image: (index) => photo(index, 224, imagenetMean, imagenetStd),
    index: 3,
  },
  {
    ...published[7]!,
    key: 'shufflenet_v2_x1_0-seeded.photos_first16',
    image: (index) => photo(index, 224, imagenetMean, imagenetStd),
    index: 2,
  },
  {
    ...published[4]!,
    key: 'squeezenet1_0-imagenet.photos',
    image: (index) => photo(index, 224, [123 / 255, 117 / 255, 104 / 255], [1 / 255, 1 / 255, 1 / 255]),
    index: 11,
  },
];

describe.runIf(hasData)('golden logits in float64', () => {
  it.each(golden)('$key, image $index', async ({ weights, file, model, key, image, index }) => {
    const { graph } = build(file, model, {});
    const { tensors } = read(`weights/${weights}.safetensors`);
    const parameters = Object.fromEntries(
      [...tensors].map(([name, tensor]): [string, Tensor] => [
        name,
        { dtype: 'f32', shape: tensor.shape, data: toFloat64(tensor) },
      ]),
    );
    const { output } = evaluateGraph(graph, { image: await image(index) }, { parameters });
    const logits = read('golden/logits.safetensors').tensors.get(key);
    if (!logits || !output) throw new Error(`no ${key}`);
    const classes = logits.shape[1] ?? 0;
    const wanted = toFloat64(logits).subarray(index * classes, (index + 1) * classes);
    const scale = Math.max(...wanted.map(Math.abs));
    const worst = Math.max(...wanted.map((value, at) => Math.abs(value - (output.data[at] ?? Number.NaN))));
    // The logits are stored in float32: half a unit in the last place of the largest is 6e-8 of it.
    expect(worst / scale).toBeLessThan(1.2e-7);
  });
});
