/** Networks of the library become integers that both profiles have kernels for, but for the ops listed here. */
import { some } from '../../amount.ts';
import { describe, expect, it } from 'vitest';
import { analyze, nodeHost } from '../../../compiler/analyze/index.ts';
import { compile } from '../../../compiler/compile/compile.ts';
import { topologicalOrder } from '../../../compiler/ir/node.ts';
import { bindParameters } from '../../../compiler/passes/bind-parameters.ts';
import { planInt8 } from '../../../compiler/passes/int8/plan.ts';
import { int8Preparation, runPipeline } from '../../../compiler/passes/pipelines.ts';
import { recordOf } from '../../../compiler/passes/int8/record.ts';
import { initialWeights } from '../../../compiler/driver/load-weights.ts';

const root = new URL('../../../', import.meta.url).pathname;

/** Ops that stay in float32, by file. */
const files: Readonly<Record<string, readonly string[]>> = {
  cifar_resnet: [],
  efficientnet: [],
  espnet: ['conv_transpose', 'prelu'],
  lenet: [],
  mobilenet_v1: [],
  mobilenet_v2: [],
  mobilenet_v3: [],
  resnet: [],
  shufflenet_v2: [],
  squeezenet: [],
  unet: ['conv_transpose'],
};

describe('int8 in the library', () => {
  it.each(some(Object.entries(files), 2))('%s', (file, floats) => {
    const [model] = analyze(`${root}stdlib/${file}.cnn`, nodeHost()).models;
    const hasOpenSizes = !['cifar_resnet', 'lenet'].includes(file);
    const built = model?.build({ dims: hasOpenSizes ? { H: 224, W: 224 } : {} });
    if (!built?.graph) throw new Error(`${file} does not build`);
    const { graph, parameters } = built;
    const weights = initialWeights(parameters, 1);
    const plan = planInt8(runPipeline(bindParameters.run(graph, { parameters: weights }), int8Preparation));
    expect(new Set(plan.points.map(({ key }) => key)).size).toBe(plan.points.length);
    expect([...new Set(plan.floats.map(({ op }) => op))].toSorted()).toEqual(floats);
    const ranges = Object.fromEntries(plan.points.map(({ key }) => [key, { min: -3, max: 4 }]));
    const quantization = recordOf({ ranges });
    const { optimized } = compile({ name: file, source: '', graph, parameters, weights, quantization });
    const integers = topologicalOrder(optimized).filter(({ op }) => op.name === 'quantizedConv2d');
    expect(integers.length).toBeGreaterThan(3);
  });
});
