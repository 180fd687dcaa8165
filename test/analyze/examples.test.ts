/** The examples check without a fault, and their directives say what their text says. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { analyze, checkProgram, nodeHost } from '../../compiler/analyze/index.ts';
import { show } from './memory-host.ts';

const root = new URL('../../', import.meta.url).pathname;
const host = nodeHost();
const fileOf = (name: string): string => `${root}examples/${name}/${name}.cnn`;
const faultsOf = (path: string): string[] =>
  checkProgram(path, host).diagnostics.map((each) => show(each).replace(path, ''));

describe('examples', () => {
  it.each(['resnet20', 'squeezenet', 'mobilenet_v1', 'mobilenet_v3_small', 'shufflenet_v2', 'unet', 'stages'])(
    '%s',
    (name) => {
      expect(faultsOf(fileOf(name))).toEqual([]);
    },
  );

  it.each([
    ['resnet20', 'ResNet20', 10, 'truck'],
    ['squeezenet', 'SqueezeNet', 1000, 'toilet tissue'],
    ['mobilenet_v1', 'MobileNetV1', 1001, 'toilet tissue'],
  ])('%s names its classes', (name, model, count, last) => {
    const found = analyze(fileOf(name), host)
      .models.find((each) => each.name === model)
      ?.preprocess();
    expect(found?.diagnostics).toEqual([]);
    expect(found?.preprocess?.labels).toHaveLength(count);
    expect(found?.preprocess?.labels?.at(-1)).toContain(last);
  });

  it('resnet20 has every kind of directive', () => {
    const { directives } = analyze(fileOf('resnet20'), host);
    expect(directives.map(({ word, name = '', target = '' }) => [word, name, target].join(' '))).toEqual([
      'preprocess  ResNet20',
      'dataset cifar10 ',
      'train base ResNet20',
      'prune slim ResNet20',
      'distill taught ResNet20',
      'quantize int8 ResNet20',
      'budget  int8',
    ]);
    const [, , train, prune, distill, quantize, budget] = directives;
    expect(train?.settings.get('epochs')).toEqual({ kind: 'number', value: 200 });
    expect(train?.settings.get('early_stop')).toMatchObject({ kind: 'group' });
    expect(prune?.settings.get('target')).toMatchObject({
      kind: 'call',
      name: 'macs',
      args: new Map([['value', { kind: 'number', value: -0.5, quantity: 'ratio' }]]),
    });
    expect(distill?.settings.get('teacher')).toEqual({
      kind: 'model',
      name: 'ResNet20',
      args: { depth: '56' },
      file: 'runs/resnet56/best.safetensors',
    });
    expect(quantize?.settings.get('keep_float')).toMatchObject({
      kind: 'list',
      elements: [{ kind: 'string', value: 'linear' }],
    });
    expect(budget?.constraints.map(({ text }) => text)).toEqual([
      'val.accuracy >= 91.0%',
      'drop(base) <= 1.0%',
      'macs <= 21MMACs',
      'size <= 160KiB',
      'peak_memory <= 2MiB',
      'latency(p50) <= 2ms',
    ]);
  });
});

describe('the library', () => {
  it.each(readdirSync(`${root}stdlib`))('%s is documented and free of faults', (name) => {
    const path = `${root}stdlib/${name}`;
    expect(faultsOf(path)).toEqual([]);
    const { models } = analyze(path, host);
    for (const { name: model, doc } of models) expect(doc, model).toBeTruthy();
  });
});
