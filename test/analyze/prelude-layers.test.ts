/** Prelude ops with parameters of their own: the types they give, the parameters they make, the faults they find. */
import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { formatType } from '../../compiler/ir/type.ts';
import { initialWeights } from '../../compiler/driver/load-weights.ts';
import { built, faultsOf } from './memory-host.ts';

const model = (body: string): string => `model M(x: f32[N, 8, 6, W]) {\n  return x |> ${body}\n}`;

function describeModel(body: string) {
  const { graph, parameters } = built(model(body));
  const result = Object.values(graph.outputs)[0];
  return {
    type: result && formatType(result.type),
    op: result?.op.name,
    parameters: Object.fromEntries(parameters.map(({ name, shape, init }) => [name, [shape, init]])),
  };
}

describe('prelude layers', () => {
  it('conv_transpose has PyTorch’s weight, initial values and size', () => {
    expect(describeModel('up: conv_transpose(6, k=(4, 2), stride=2, pad=(1, 0), output_pad=(1, 0), groups=2)')).toEqual(
      {
        type: 'f32[N, 6, 13, 2*W]',
        op: 'convTranspose2d',
        parameters: {
          'up.weight': [[8, 3, 4, 2], { kind: 'kaimingUniform', fanIn: 24 }],
          'up.bias': [[6], { kind: 'uniform', fanIn: 24 }],
        },
      },
    );
    const plain = describeModel('conv_transpose(4, k=3, bias=false, dilation=2)');
    expect([plain.type, Object.keys(plain.parameters)]).toEqual(['f32[N, 4, 10, W + 4]', ['weight']]);
  });

  it('prelu has a slope a channel, at first 0.25', () => {
    expect(describeModel('act: prelu')).toEqual({
      type: 'f32[N, 8, 6, W]',
      op: 'prelu',
      parameters: { 'act.weight': [[8], { kind: 'constant', value: 0.25 }] },
    });
  });

  it('prelu(shared=true) has one slope, as torch.nn.PReLU() has', () => {
    expect(describeModel('act: prelu(shared=true)')).toEqual({
      type: 'f32[N, 8, 6, W]',
      op: 'prelu',
      parameters: { 'act.weight': [[1], { kind: 'constant', value: 0.25 }] },
    });
    const { graph } = built('model M(x: f32[1, 2, 1, 2]) -> f32[1, 2, 1, 2] { return x |> prelu(shared=true) }');
    const tensor = (shape: readonly number[], data: readonly number[]) => ({
      dtype: 'f32' as const,
      shape,
      data: Float64Array.from(data),
    });
    const x = tensor([1, 2, 1, 2], [-1, 2, 3, -4]);
    const [y] = Object.values(evaluateGraph(graph, { x }, { parameters: { weight: tensor([1], [0.5]) } }));
    expect([...(y?.data ?? [])]).toEqual([-0.5, 2, 3, -2]);
  });

  it('prelu starts at 0.25 in memory too', () => {
    const { parameters } = built(model('act: prelu'));
    expect(initialWeights(parameters, 1).get('act.weight')?.data).toEqual(new Float32Array(8).fill(0.25));
  });

  it('group_norm and layer_norm start as the identity of what they normalise', () => {
    const [one, zero] = [{ kind: 'ones' }, { kind: 'zeros' }];
    expect(describeModel('n: group_norm(groups=4)').parameters).toEqual({
      'n.weight': [[8], one],
      'n.bias': [[8], zero],
    });
    const layers = describeModel('resize(5, 7) |> n: layer_norm(dims=2, eps=1e-3)');
    expect(layers).toEqual({
      type: 'f32[N, 8, 5, 7]',
      op: 'layerNorm',
      parameters: { 'n.weight': [[5, 7], one], 'n.bias': [[5, 7], zero] },
    });
  });

  it.each([
    ['resize(12, 2 * W, mode=bilinear)', 'resize', 'f32[N, 8, 12, 2*W]'],
    ['pixel_shuffle(2)', 'pixelShuffle', 'f32[N, 2, 12, 2*W]'],
    ['log_softmax', 'logSoftmax', 'f32[N, 8, 6, W]'],
    ['leaky_relu(0.2)', 'leakyRelu', 'f32[N, 8, 6, W]'],
    ['elu(alpha=0.5)', 'elu', 'f32[N, 8, 6, W]'],
    ['clip(-1, max=1)', 'clip', 'f32[N, 8, 6, W]'],
  ])('%s has no parameters', (body, op, type) => {
    expect(describeModel(body)).toEqual({ type, op, parameters: {} });
  });

  it.each([
    [
      'conv_transpose(4, k=2, pad=same)',
      'E0331 2:42 `pad` of `conv_transpose` must be an int of at least 0 or a pair, not `same`',
    ],
    ['conv_transpose(4, k=2, groups=3)', 'E0304 2:15 groups=3 does not divide the 8 channels of the input'],
    ['conv_transpose(5, k=2, groups=2)', 'E0304 2:15 groups=2 does not divide the 5 output channels'],
    [
      'conv_transpose(4, k=2, stride=2, output_pad=2)',
      'E0310 2:15 outputPadding 2 must be less than the stride 2 or the dilation 1',
    ],
    ['resize(4, 4, mode=same)', 'E0320 2:33 `mode` of `resize` must be `nearest` or `bilinear`, not `same`'],
    ['resize(0, 4)', 'E0310 2:15 a size must be an integer of at least 1, not 0'],
    ['resize(4)', 'E0323 2:15 `resize` needs a value for `w`'],
    ['group_norm(groups=3)', 'E0304 2:15 3 groups do not divide the 8 channels of f32[N, 8, 6, W]'],
    ['layer_norm(dims=4)', 'E0307 2:31 a tensor of rank 4 has no 4 axes behind the batch'],
    ['layer_norm', 'E0309 2:15 the size of a normalised axis must be known while compiling, not the symbolic size W'],
    ['pixel_shuffle(3)', 'E0304 2:15 3 * 3 does not divide the 8 channels of f32[N, 8, 6, W]'],
  ])('%s is a fault', (body, fault) => {
    expect(faultsOf(model(body))).toEqual([fault]);
  });
});
