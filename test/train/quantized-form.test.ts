/** Quantization-aware training: a run against PyTorch, and int8 that computes what was trained. */
import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { isParameter } from '../../compiler/ir/leaves.ts';
import { topologicalOrder, type Graph } from '../../compiler/ir/node.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import { verifyGraph } from '../../compiler/ir/verify.ts';
import { ops } from '../../compiler/ops/index.ts';
import { bindParameters } from '../../compiler/passes/bind-parameters.ts';
import { foldedWeights } from '../../compiler/passes/int8/folded-weights.ts';
import { insertQdq, type QdqOptions } from '../../compiler/passes/int8/insert-qdq.ts';
import { lowerInt8 } from '../../compiler/passes/int8/lower-int8.ts';
import { planInt8 } from '../../compiler/passes/int8/plan.ts';
import { quantizeAttrsOf } from '../../compiler/passes/int8/scales.ts';
import { int8Preparation, runPipeline } from '../../compiler/passes/pipelines.ts';
import { quantizationAware } from '../../compiler/stages/quantize/quantize-aware.ts';
import type { StagedModel } from '../../compiler/stages/run/staged-model.ts';
import { f32, noise } from '../ops/check-op.ts';
import { measureRanges } from '../passes/int8/measure.ts';
import { differenceOf, final, inputsOf, loss as losses, ranges as recordedRanges, start } from './quantized-run.ts';
import { graphOf, plainRun, ReferenceTraining } from './reference-training.ts';

const named = (graph: Graph) => topologicalOrder(graph).filter(isParameter);

/** A network as a stage has it, with weights of its own unless they are given. */
function staged(name: string, given?: ReadonlyMap<string, Tensor>): StagedModel {
  const graph = graphOf('quantized-nets.cnn', name);
  const parameters = named(graph).map(({ attrs }) => ({ ...attrs, trainable: true, shape: attrs.shape.map(Number) }));
  const drawn = parameters.map(({ name: key, shape }, seed): [string, Tensor] => {
    const isScale = key.endsWith('running_var') || (key.startsWith('bn') && key.endsWith('weight'));
    return [key, noise(shape, seed, isScale ? [0.5, 1.5] : [-0.6, 0.6])];
  });
  const weights = given ?? new Map(drawn);
  return { name, source: 'quantized-nets.cnn', graph, parameters, weights, guards: [] };
}

const preparedOf = ({ graph, weights }: Pick<StagedModel, 'graph' | 'weights'>): Graph =>
  runPipeline(bindParameters.run(graph, { parameters: weights }), int8Preparation);

const sgd = { kind: 'sgd', momentum: 0.9, dampening: 0, nesterov: false, weightDecay: 0 } as const;

function trainingOf({ graph, weights }: StagedModel): ReferenceTraining {
  const target = { kind: 'class', classes: 3 } as const;
  return new ReferenceTraining({ ...plainRun, graph, weights, batch: 4, target, optimizer: sgd });
}

describe('quantization-aware training', () => {
  it('equals PyTorch with straight-through gradients', () => {
    const model = staged('Residual', start);
    expect(planInt8(preparedOf(model)).points.map(({ key }) => key)).toEqual(Object.keys(recordedRanges));
    const training = trainingOf(quantizationAware(model, { ranges: recordedRanges }));
    for (const [step, loss] of losses.entries()) {
      const outputs = training.step(inputsOf(step), { lr: 0.05 });
      expect(Math.abs(Number(outputs['loss']?.data[0]) / loss - 1), `loss of step ${step}`).toBeLessThan(1e-9);
    }
    const tensors = training.tensors();
    for (const key of Object.keys(final)) expect(differenceOf(key, tensors.get(key)), key).toBeLessThan(1e-7);
  });

  const cases: readonly (readonly [string, Omit<QdqOptions, 'ranges'>])[] = [
    ['Residual', {}],
    ['Normed', {}],
    ['Normed', { perTensorWeights: true, symmetric: true }],
    ['Normed', { keepFloat: ['depthwise'] }],
  ];
  it.each(cases)('makes weights with which int8 computes what was trained: %s %j', (name, options) => {
    const model = staged(name);
    const size = name === 'Normed' ? 8 : 6;
    const images = Array.from({ length: 4 }, (_, seed) => noise([4, 2, size, size], 40 + seed));
    const ranges = measureRanges(
      preparedOf(model),
      images.map((image) => ({ image })),
      options,
    );
    const aware = quantizationAware(model, { ...options, ranges });
    expect(verifyGraph(aware.graph, ops)).toEqual([]);
    const training = trainingOf(aware);
    for (const [step, image] of images.entries()) {
      training.step({ image, labels: f32([4], [0, 1, 2, step % 3]) }, { lr: 0.05 });
    }
    // As a checkpoint keeps them.
    const rounded = (tensor: Tensor): Tensor => ({ ...tensor, data: Float32Array.from(tensor.data, Number) });
    const learned = [...training.tensors()].filter(([key]) => aware.weights.has(key));
    expect(learned.length).toBe(aware.parameters.length);
    const weights = new Map([...aware.weights, ...learned.map(([key, tensor]) => [key, rounded(tensor)] as const)]);
    expect(
      learned.some(([key, { data }]) => data.some((value, index) => value !== aware.weights.get(key)?.data[index])),
    ).toBe(true);

    const prepared = preparedOf({ graph: model.graph, weights });
    const int8 = lowerInt8.run(insertQdq.run(prepared, { ...options, ranges }));
    expect(topologicalOrder(int8).some(({ op }) => op.name === 'quantizedConv2d')).toBe(true);
    const [exit] = Object.values(prepared.outputs);
    const key = planInt8(prepared, options).points.find(({ node }) => node === exit)?.key ?? '';
    const { scale } = quantizeAttrsOf(ranges[key] ?? { min: 0, max: 0 }, options.symmetric);
    let [largest, off] = [0, 0];
    for (const image of images) {
      const [float, integer] = [aware.graph, int8].map((graph) => {
        const outputs = evaluateGraph(graph, { image }, { parameters: Object.fromEntries(weights) });
        return Object.values(outputs)[0]?.data ?? [];
      });
      for (const [index, value] of (float ?? []).entries()) {
        const steps = Math.abs(value - Number(integer?.[index])) / scale;
        largest = Math.max(largest, steps);
        if (steps > 0.5) off += 1;
      }
    }
    expect(largest).toBeLessThan(1.01);
    // Most results are the very same step.
    expect(off).toBeLessThan(images.length * 12 * 0.5);
  });
});

describe('folded weights', () => {
  it('are those of the declared network, and fold to themselves bit for bit', () => {
    const model = staged('Normed');
    const { weights, biases } = foldedWeights(model.graph, model.weights);
    expect([...biases]).toEqual([
      ['conv1.weight', 'bn1.bias'],
      ['depthwise.weight', 'bn2.bias'],
      ['expand.weight', 'bn3.bias'],
    ]);
    const again = foldedWeights(model.graph, weights).weights;
    for (const [key, tensor] of weights) expect(again.get(key), key).toEqual(tensor);
    const image = noise([2, 2, 8, 8], 3);
    const [wanted, actual] = [model.weights, weights].map(
      (parameters) => evaluateGraph(model.graph, { image }, { parameters: Object.fromEntries(parameters) })['output'],
    );
    expect(wanted?.data.length).toBe(6);
    wanted?.data.forEach((value: number | bigint, index: number) =>
      expect(Math.abs(Number(value) - Number(actual?.data[index]))).toBeLessThan(1e-5),
    );
  });
});
