import { describe, expect, it } from 'vitest';
import { checkQuantizeStage, quantizeSettings } from '../../compiler/stages/quantize/quantize-settings.ts';
import { int8OptionsOf, recordOf } from '../../compiler/passes/int8/record.ts';
import { check, show } from '../analyze/memory-host.ts';

const source = (entries: string): string => `
model M(image: f32[N, 3, 8, 8]) { return image |> conv1: conv(4, k=3) |> global_avg_pool |> flatten |> fc: linear(2) }
dataset shapes { format = "synthetic"  samples = 64  size = 8px  classes = 2 }
train base for M { data = shapes  loss = cross_entropy()  optimizer = sgd(lr=0.1)  }
quantize int8 for M { from = base  ${entries} }
`;

function directive(entries: string) {
  const checked = check(source(entries));
  const found = checked.program.directives.find(({ word }) => word === 'quantize');
  if (!found) throw new Error(checked.diagnostics.map(show).join('\n'));
  return found;
}

const settingsOf = (entries: string) => quantizeSettings(directive(entries).settings);
const faultsOf = (entries: string): string[] => checkQuantizeStage(directive(entries)).map(show);

describe('quantize settings', () => {
  it('have defaults', () => {
    expect(settingsOf('calibrate { data = shapes.train }')).toEqual({
      dataset: 'shapes',
      split: 'train',
      samples: 512,
      method: { kind: 'min_max' },
      keepFloat: [],
      symmetric: false,
      perTensorWeights: false,
      equalize: false,
      correctBias: false,
      accuracyDrop: undefined,
      hasFinetune: false,
    });
  });

  it('are read from the directive', () => {
    const read = settingsOf(`
      weights = int8(symmetric=true, per=tensor)  activations = int8(symmetric=true)
      calibrate { data = shapes.val  samples = 32  method = percentile(99.9%) }
      keep_float = ["fc", "layer1.*"]  equalize = true  correct_bias = true  accuracy_drop = 1%`);
    expect(read).toMatchObject({
      split: 'val',
      samples: 32,
      method: { kind: 'percentile', share: expect.closeTo(0.999, 9) as number },
    });
    expect(read).toMatchObject({ symmetric: true, perTensorWeights: true, keepFloat: ['fc', 'layer1.*'] });
    expect(read).toMatchObject({ equalize: true, correctBias: true, accuracyDrop: 0.01 });
    for (const kind of ['entropy', 'mse'] as const) {
      expect(settingsOf(`calibrate { data = shapes.train  method = ${kind} }`).method).toEqual({ kind });
    }
  });

  it('are refused where int8 has no such thing', () => {
    const calibrate = 'calibrate { data = shapes.train }';
    const one = (entries: string): string | undefined =>
      faultsOf(`${calibrate} ${entries}`)[0]?.replace(/^E0605 \d+:\d+ /, '');
    expect(one('')).toBeUndefined();
    expect(one('weights = int8(symmetric=false)')).toBe('weights are always symmetric');
    expect(one('activations = int8(per=channel)')).toBe('values have one scale a tensor');
    expect(one('fold_bn = false')).toBe('int8 needs folded batch norms');
    expect(one('equalize = true finetune { epochs = 1 }')).toMatch(/^`equalize` is for int8 without training/);
    expect(faultsOf('')).toEqual(['E0605 5:1 int8 needs samples to measure on']);
  });

  it('go into the record of a stage and come back', () => {
    const options = {
      ranges: { 'a/out': { min: 0, max: 2.5 } },
      keepFloat: ['fc'],
      symmetric: true,
      perTensorWeights: false,
      equalize: true,
      biasErrors: { 'a/out': [0.5, -1] },
    };
    expect(int8OptionsOf(JSON.parse(JSON.stringify(recordOf(options))) as ReturnType<typeof recordOf>)).toEqual(
      options,
    );
  });
});
