/** Published networks as int8 in the interpreter: scores close to those of float32, all layers integer. */
import { existsSync, readFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { analyze, nodeHost } from '../../../compiler/analyze/index.ts';
import { evaluateGraph } from '../../../compiler/ir/evaluate.ts';
import { topologicalOrder } from '../../../compiler/ir/node.ts';
import type { Tensor } from '../../../compiler/ir/type.ts';
import { bindParameters } from '../../../compiler/passes/bind-parameters.ts';
import { planInt8 } from '../../../compiler/passes/int8/plan.ts';
import { int8Pipeline, measuredPasses, runPipeline, type Int8Options } from '../../../compiler/passes/pipelines.ts';
import { parseSafetensors } from '../../../runtime/files/safetensors.ts';
import { toFloat32 } from '../../../runtime/files/stored-tensor.ts';
import { some } from '../../amount.ts';
import { measureRanges, sqnr } from './measure.ts';

const root = new URL('../../../', import.meta.url).pathname;
const data = process.env['CNNC_DATA'] ?? `${root}../shared/data`;
const hasData = existsSync(`${data}/weights`);
if (!hasData) console.log(`skipped: no weights under ${data}`);

interface Normalise {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Images of 0..255 as `[n, 3, size, size]`. */
function images(
  count: number,
  size: number,
  { mean, std }: Normalise,
  at: (image: number, channel: number, pixel: number) => number,
): Tensor {
  const pixels = size * size;
  const values = Float64Array.from({ length: count * 3 * pixels }, (_, index) => {
    const [channel, pixel] = [Math.floor(index / pixels) % 3, index % pixels];
    return (at(Math.floor(index / (3 * pixels)), channel, pixel) / 255 - (mean[channel] ?? 0)) / (std[channel] ?? 1);
  });
  return { dtype: 'f32', shape: [count, 3, size, size], data: values };
}

function cifar(file: string, from: number, count: number): Tensor {
  const records = readFileSync(`${data}/cifar10/${file}`).subarray(from * 3073, (from + count) * 3073);
  const normalise = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
  return images(
    count,
    32,
    normalise,
    (image, channel, pixel) => records[image * 3073 + 1 + channel * 1024 + pixel] ?? 0,
  );
}

async function photos(from: number, count: number): Promise<Tensor> {
  const names = Array.from({ length: count }, (_, index) => String((from + index) * 5).padStart(4, '0'));
  const pictures = await Promise.all(
    names.map((name) => sharp(`${data}/photos/128/${name}.png`).removeAlpha().raw().toBuffer()),
  );
  const grey = [128 / 255, 128 / 255, 128 / 255];
  return images(
    count,
    128,
    { mean: grey, std: grey },
    (image, channel, pixel) => pictures[image]?.[pixel * 3 + channel] ?? 0,
  );
}

interface Published {
  readonly weights: string;
  readonly file: string;
  readonly model: string;
  readonly calibration: () => Tensor | Promise<Tensor>;
  readonly test: () => Tensor | Promise<Tensor>;
  /** Least decibels of the scores. */
  readonly least: number;
  readonly options?: Partial<Int8Options>;
}

const resnet20 = {
  weights: 'resnet20-cifar10',
  file: 'examples/resnet20/resnet20',
  model: 'ResNet20',
  calibration: () => cifar('data_batch_1.bin', 0, 24),
  test: () => cifar('test_batch.bin', 0, 8),
};

const published: readonly Published[] = [
  { ...resnet20, least: 27 },
  { ...resnet20, least: 27, options: { equalize: true } },
  {
    weights: 'mobilenet_v1_025_128-imagenet',
    file: 'examples/mobilenet_v1/mobilenet_v1',
    model: 'MobileNetV1',
    calibration: () => photos(0, 8),
    test: () => photos(100, 3),
    least: 14,
  },
];

function bound({ weights, file, model }: Published) {
  const built = analyze(`${root}${file}.cnn`, nodeHost())
    .models.find(({ name }) => name === model)
    ?.build({ arguments: {} });
  const stored = parseSafetensors(readFileSync(`${data}/weights/${weights}.safetensors`)).tensors;
  const parameters = new Map(
    [...stored].map(([name, tensor]): [string, Tensor] => [
      name,
      { dtype: 'f32', shape: tensor.shape, data: toFloat32(tensor) },
    ]),
  );
  if (!built?.graph) throw new Error(`${file} does not build`);
  return bindParameters.run(built.graph, { parameters });
}

const best = (scores: ArrayLike<number>): number =>
  Array.from(scores).reduce((top, score, at) => (score > (scores[top] ?? 0) ? at : top), 0);

describe.runIf(hasData)('int8 networks', () => {
  it.each(some(published, 1))('$model keeps its scores', async (each) => {
    const graph = bound(each);
    const prepared = runPipeline(graph, measuredPasses(each.options ?? {}));
    const [calibration, image] = [await each.calibration(), await each.test()];
    const ranges = measureRanges(prepared, [{ image: calibration }]);
    const quantized = runPipeline(graph, int8Pipeline({ ranges, ...each.options }));
    expect(planInt8(prepared).floats).toEqual([]);
    const left = topologicalOrder(quantized).filter(
      ({ inputs, type, op }) => inputs.length > 0 && type.dtype === 'f32' && op.name !== 'dequantize',
    );
    expect(left).toEqual([]);
    const [wanted, actual] = [prepared, quantized].map((of) => Object.values(evaluateGraph(of, { image }))[0] ?? image);
    if (!wanted || !actual) throw new Error('no scores');
    const decibels = sqnr(wanted.data, actual.data);
    console.log(`${each.model}: scores at ${decibels.toFixed(1)} dB`);
    expect(decibels).toBeGreaterThan(each.least);
    const [count = 1, classes = 1] = wanted.shape;
    const agreeing = Array.from(
      { length: count },
      (_, at) =>
        best(wanted.data.subarray(at * classes, (at + 1) * classes)) ===
        best(actual.data.subarray(at * classes, (at + 1) * classes)),
    );
    expect(agreeing.filter(Boolean).length).toBeGreaterThanOrEqual(Math.ceil(count * 0.6));
  });
});
