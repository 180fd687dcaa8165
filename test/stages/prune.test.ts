/** What prune asks, when it removes, and what it measures, against the reference interpreter. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { elementCount, type Tensor } from '../../compiler/ir/type.ts';
import { keptTensor, restoredTensor } from '../../compiler/passes/channels/index.ts';
import { layerWeights, magnitudeMasks, masked } from '../../compiler/passes/weight-masks.ts';
import { momentsGraph, statisticsMeter } from '../../compiler/stages/prune/batch-norm-statistics.ts';
import { gradientMeter, gradientsGraph } from '../../compiler/stages/prune/loss-gradients.ts';
import { planChannels, removeChannels, type ChannelState } from '../../compiler/stages/prune/prune-channels.ts';
import { roundsOf } from '../../compiler/stages/prune/prune-rounds.ts';
import { pruneSettings, PruneFault, removedShare } from '../../compiler/stages/prune/prune-settings.ts';
import { planWeights, removeWeights, sparsityOf } from '../../compiler/stages/prune/prune-weights.ts';
import type { StagedModel } from '../../compiler/stages/run/staged-model.ts';
import type { HostTensor } from '../../runtime/host-tensor.ts';
import { check, built } from '../analyze/memory-host.ts';
import { noise } from '../ops/check-op.ts';
import { drawWeights } from '../passes/channels/pruned-case.ts';

const network = `model Net(image: f32[N, 2, 6, 6]) {
  return image |> conv1: conv(8, k=3, bias=false) |> bn1: bn |> relu |> conv2: conv(12, k=3) |> bn2: bn |> relu
    |> dropout(0.5) |> global_avg_pool |> flatten |> fc: linear(3)
}
dataset shapes { format = "synthetic"  size = 6px  classes = 3 }
train base for Net { data = shapes  loss = cross_entropy()  optimizer = sgd(lr=0.1) }
`;

function settingsOf(text: string) {
  const { program, diagnostics } = check(`${network}prune slim for Net { from = base\n${text}\n}`);
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  const directive = program.directives.find(({ word }) => word === 'prune');
  if (!directive) throw new Error('no prune directive');
  return pruneSettings(directive.settings);
}

const faultOf = (text: string): string => {
  try {
    settingsOf(text);
  } catch (error) {
    if (error instanceof PruneFault) return `${error.setting}: ${error.message}`;
    throw error;
  }
  return '';
};

describe('settings', () => {
  it('have their defaults', () => {
    expect(settingsOf('target = macs(-50%)')).toEqual({
      structure: 'channel',
      criterion: { kind: 'l2_norm', global: false },
      target: { figure: 'macs', kind: 'change', value: 0.5 },
      skip: [],
      roundTo: 1,
      maxRatio: 1,
      schedule: { kind: 'once' },
      hasFinetune: false,
      reestimate: { samples: 1024, split: undefined },
    });
  });

  it('are read from their units', () => {
    expect(settingsOf('target = macs(20MMACs)').target).toEqual({ figure: 'macs', kind: 'absolute', value: 20e6 });
    expect(settingsOf('target = params(1.5M)').target).toEqual({ figure: 'params', kind: 'absolute', value: 1.5e6 });
    expect(settingsOf('target = ratio(30%)').target).toEqual({ figure: 'share', kind: 'change', value: 0.3 });
    const all = settingsOf(`target = ratio(0.25)  criterion = taylor(global=true, samples=64)  round_to = 4
      skip = ["conv1", "fc.*"]  max_ratio = 80%  bn_reestimate { data = shapes.val  samples = 0 }
      schedule = cubic(end=2epochs, every=10steps)  finetune { epochs = 3 }`);
    expect(all).toMatchObject({ criterion: { kind: 'taylor', global: true, samples: 64 }, roundTo: 4, maxRatio: 0.8 });
    expect(all).toMatchObject({ skip: ['conv1', 'fc.*'], reestimate: { samples: 0, split: 'shapes.val' } });
    expect(all.schedule).toEqual({
      kind: 'cubic',
      begin: { value: 0, unit: 'epochs' },
      end: { value: 2, unit: 'epochs' },
      every: { value: 10, unit: 'steps' },
    });
  });

  it('that cannot be followed are refused', () => {
    expect(faultOf('target = macs(-100%)')).toMatch(/^target: a target is a change/);
    expect(faultOf('target = ratio(100%)')).toBe('target: not everything can go');
    expect(faultOf('structure = weight  target = ratio(50%)  criterion = bn_scale')).toMatch(/^criterion:/);
    expect(faultOf('structure = weight  target = ratio(50%)  round_to = 4')).toMatch(/^round_to:/);
    expect(faultOf('target = ratio(50%)  schedule = linear(end=2epochs)')).toMatch(/^schedule: a gradual/);
    expect(faultOf('target = ratio(50%)  schedule = linear(begin=3epochs, end=2epochs)  finetune {}')).toMatch(
      /before the first/,
    );
    expect(faultOf('target = ratio(50%)  schedule = linear(end=2epochs, every=0steps)  finetune {}')).toMatch(
      /above 0/,
    );
  });
});

describe('schedules', () => {
  const epochs = (value: number) => ({ value, unit: 'epochs' }) as const;

  it('remove by the cube of the time that is left (Zhu and Gupta 2017)', () => {
    expect([0, 0.5, 1].map((time) => removedShare('cubic', time))).toEqual([0, 0.875, 1]);
    expect([0, 0.5, 1].map((time) => removedShare('linear', time))).toEqual([0, 0.5, 1]);
  });

  it('train between removals and after the last', () => {
    const schedule = { kind: 'linear', begin: epochs(1), end: epochs(3), every: epochs(1) } as const;
    expect(roundsOf(schedule, 10, 7)).toEqual({
      rounds: [1, 2, 3].map((round) => ({
        training: { epochs: 1, limitBatches: undefined },
        part: round / 3,
      })),
      rest: { epochs: 7, limitBatches: undefined },
    });
  });

  it('of steps train epochs of fewer batches', () => {
    const every = { value: 10, unit: 'steps' } as const;
    const { rounds, rest } = roundsOf({ kind: 'linear', begin: epochs(0), end: epochs(1), every }, 2, 25);
    expect(rounds.map(({ training }) => training)).toEqual([
      undefined,
      { epochs: 1, limitBatches: 10 },
      { epochs: 1, limitBatches: 10 },
      { epochs: 1, limitBatches: 5 },
    ]);
    expect(rest).toEqual({ epochs: 1, limitBatches: undefined });
  });

  it('at once remove before all training', () => {
    expect(roundsOf({ kind: 'once' }, 4, 9)).toEqual({
      rounds: [{ training: undefined, part: 1 }],
      rest: { epochs: 4, limitBatches: undefined },
    });
  });
});

const { graph, parameters } = built(network, 'Net');
const { weights } = drawWeights(graph, 3);
const staged: StagedModel = { name: 'Net', source: 'main.cnn', graph, parameters, weights, guards: [] };
const host = ({ shape, data }: Tensor): HostTensor => ({ shape: [...shape], data: Float32Array.from(data) });
const rowsOf = (tensor: Tensor, from: number, to: number): Tensor => {
  const row = elementCount(tensor.shape.slice(1));
  return { ...tensor, shape: tensor.shape.with(0, to - from), data: tensor.data.slice(from * row, to * row) };
};

describe('batch norms', () => {
  const images = noise([12, 2, 6, 6], 9, [-1, 3]);
  const measured = (batch: number) => {
    const { graph: moments, norms } = momentsGraph(graph, weights, batch, undefined);
    const meter = statisticsMeter(norms);
    for (let from = 0; from < 12; from += batch) {
      const outputs = evaluateGraph(moments, { image: rowsOf(images, from, from + batch) });
      meter.add(Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, host(value)])));
    }
    return meter.result(12 / batch);
  };

  it('get the same first moments from batches of any size, and all statistics of one batch', () => {
    const [whole, parts] = [measured(12), measured(3)];
    for (const name of ['bn1.running_mean', 'bn1.running_var']) {
      const [a, b] = [whole.get(name)?.data ?? [], parts.get(name)?.data ?? []];
      expect(a.length).toBe(8);
      a.forEach((value, at) => expect(b[at]).toBeCloseTo(value, 5));
    }
    expect([...whole.keys()]).toEqual(['bn1.running_mean', 'bn1.running_var', 'bn2.running_mean', 'bn2.running_var']);
  });

  it('normalise what they were measured on', () => {
    const current = Object.fromEntries(new Map([...weights, ...measured(12)]));
    const seen = new Map<string, Tensor>();
    evaluateGraph(
      graph,
      { image: images },
      {
        parameters: current,
        onValue: ({ op, origin }, value) => {
          if (op.name === 'batchNorm') seen.set(origin?.path ?? '', value);
        },
      },
    );
    for (const [path, { shape, data }] of seen) {
      const [, channels = 1] = shape;
      const [gamma, beta] = ['weight', 'bias'].map((name) => weights.get(`${path}.${name}`)?.data ?? []);
      for (let channel = 0; channel < channels; channel++) {
        const own = [...data].filter((_, at) => Math.floor(at / 36) % channels === channel);
        const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
        const variance = own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (own.length - 1);
        expect(mean).toBeCloseTo(beta?.[channel] ?? NaN, 2);
        expect(Math.sqrt(variance)).toBeCloseTo(Math.abs(gamma?.[channel] ?? NaN), 2);
      }
    }
    expect(seen.size).toBe(2);
  });
});

describe('gradients', () => {
  it('are those of the mean loss of the samples in inference form', () => {
    const learnt = parameters.filter(({ trainable }) => trainable).map(({ name }) => name);
    const loss = [{ kind: 'cross_entropy', factor: 1, labelSmoothing: 0 }] as const;
    const target = { kind: 'class', classes: 3 } as const;
    const { graph: gradients, names } = gradientsGraph(
      { graph, weights, learnt, imageSize: undefined, target, loss },
      4,
    );
    const image = noise([4, 2, 6, 6], 5);
    const labels: Tensor = { dtype: 'f32', shape: [4], data: Float64Array.of(0, 2, 1, 2) };
    const outputs = evaluateGraph(gradients, { image, labels });
    const meter = gradientMeter(names);
    meter.add(Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, host(value)])));
    const found = meter.result();
    expect([...found.keys()]).toEqual(learnt);
    const lossAt = (changed: ReadonlyMap<string, Tensor>): number => {
      const [scores] = Object.values(evaluateGraph(graph, { image }, { parameters: Object.fromEntries(changed) }));
      let sum = 0;
      for (let row = 0; row < 4; row++) {
        const own = [...(scores?.data.slice(row * 3, row * 3 + 3) ?? [])];
        const total = own.reduce((all, value) => all + Math.exp(value), 0);
        sum += Math.log(total) - (own[labels.data[row] ?? 0] ?? 0);
      }
      return sum / 4;
    };
    for (const name of ['conv1.weight', 'bn1.weight', 'conv2.bias', 'fc.weight']) {
      const tensor = weights.get(name);
      if (!tensor) throw new Error(name);
      for (const at of [0, tensor.data.length - 1]) {
        const moved = (step: number): number => {
          const data = Float64Array.from(tensor.data);
          data[at] = (data[at] ?? 0) + step;
          return lossAt(new Map([...weights, [name, { ...tensor, data }]]));
        };
        const slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        expect(found.get(name)?.data[at], `${name}[${at}]`).toBeCloseTo(slope, 5);
      }
    }
  });
});

describe('removing channels', () => {
  const run = (text: string, parts: readonly number[]): ChannelState[] => {
    const settings = settingsOf(text);
    const plan = planChannels(staged, settings);
    const states: ChannelState[] = [{ removed: new Set(), record: {}, model: staged }];
    for (const part of parts) {
      const last = states.at(-1);
      if (last) states.push(removeChannels(plan, settings, last, part, undefined));
    }
    return states;
  };

  it('in steps takes what went before, and ends where it would at once', () => {
    const text = 'target = macs(-60%)  criterion = l1_norm(global=true)';
    const [, first, second, third] = run(text, [0.3, 0.7, 1]);
    const [, once] = run(text, [1]);
    expect([...(first?.removed ?? [])].every((id) => second?.removed.has(id))).toBe(true);
    expect([...(second?.removed ?? [])].every((id) => third?.removed.has(id))).toBe(true);
    expect(first?.removed.size).toBeLessThan(third?.removed.size ?? 0);
    expect(once?.removed.size).toBe(third?.removed.size);
    expect(third?.model.channels).toEqual(third?.record);
    for (const { name, shape } of third?.model.parameters ?? []) {
      expect(third?.model.weights.get(name)?.shape, name).toEqual(shape);
    }
  });

  it('counts max_ratio and round_to from the whole network', () => {
    const [, , last] = run('target = ratio(50%)  max_ratio = 50%  round_to = 2', [0.5, 1]);
    const shapes = last?.model.parameters.map(({ name, shape }) => `${name} ${shape.join('x')}`) ?? [];
    expect(shapes).toContain('conv1.weight 4x2x3x3');
    expect(shapes).toContain('fc.weight 3x6');
  });

  it('leaves what is skipped, and tells what cannot be', () => {
    const [, skipped] = run('target = ratio(50%)  skip = ["conv1"]', [1]);
    expect(skipped?.model.weights.get('conv1.weight')?.shape).toEqual([8, 2, 3, 3]);
    expect(skipped?.model.weights.get('conv2.weight')?.shape).toEqual([6, 8, 3, 3]);
    expect(() => run('target = ratio(50%)  skip = ["conv*"]', [1])).toThrow('no channels are left to go');
    expect(() => run('target = params(20)', [1])).toThrow(
      /^pruning cannot reach 20 parameters of 1,099 parameters: 3\d parameters are the least$/,
    );
  });
});

describe('removing weights', () => {
  it('takes the smallest of all, or of each', () => {
    const scores = new Map([
      ['a', Float64Array.of(5, 1, 3, 2)],
      ['b', Float64Array.of(10, 20, 1, 40, 2, 60)],
    ]);
    const of = (isGlobal: boolean, count: number, maxRatio = 1) =>
      [...magnitudeMasks({ scores, isGlobal, maxRatio }, count).values()].map((mask) => [...mask].join(''));
    expect(of(true, 3)).toEqual(['1010', '110111']);
    expect(of(true, 4)).toEqual(['1010', '110101']);
    expect(of(false, 5)).toEqual(['1010', '010101']);
    expect(of(true, 10, 0.5)).toEqual(['1010', '010101']);
    expect(of(true, 0)).toEqual(['1111', '111111']);
  });

  it('has as many zeros as asked, whatever the ties', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 9 }), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.boolean(),
        fc.nat(20),
        (lists, isGlobal, wanted) => {
          const scores = new Map(lists.map((list, at) => [String(at), Float64Array.from(list)]));
          const total = lists.flat().length;
          const masks = magnitudeMasks({ scores, isGlobal, maxRatio: 1 }, wanted);
          const zeros = [...masks.values()].flatMap((mask) => [...mask]).filter((bit) => bit === 0).length;
          expect(zeros).toBe(Math.min(wanted, total));
        },
      ),
    );
  });

  it('goes on from what is gone and leaves what is skipped', () => {
    const settings = settingsOf(
      'structure = weight  target = ratio(80%)  skip = ["fc"]  criterion = l1_norm(global=true)',
    );
    const plan = planWeights(staged, settings);
    expect(plan.names).toEqual(['conv1.weight', 'conv2.weight']);
    const half = removeWeights(plan, settings, { model: staged, masks: new Map() }, 0.5, undefined);
    expect(sparsityOf(plan, half.model.weights)).toBeCloseTo(0.4, 2);
    const all = removeWeights(plan, settings, half, 1, undefined);
    expect(sparsityOf(plan, all.model.weights)).toBeCloseTo(0.8, 2);
    for (const [name, mask] of half.masks) {
      mask.data.forEach((bit, at) => bit === 0 && expect(all.masks.get(name)?.data[at]).toBe(0));
    }
    expect(all.model.weights.get('fc.weight')).toBe(weights.get('fc.weight'));
  });

  it('reaches a number of learnt elements, and tells where it cannot', () => {
    const of = (text: string) => planWeights(staged, settingsOf(`structure = weight  ${text}`));
    expect(of('target = params(500)').zeros).toBe(1099 - 500);
    expect(() => of('target = params(100)  max_ratio = 50%')).toThrow(
      /^pruning cannot remove 999 weights: 522 of 1,099/,
    );
    expect(layerWeights(graph)).toEqual(['conv1.weight', 'conv2.weight', 'fc.weight']);
  });

  it('makes zeros of whatever was there', () => {
    const odd: Tensor = { dtype: 'f32', shape: [3], data: Float32Array.of(NaN, -1, 2) };
    const result = masked(new Map([['w', odd]]), new Map([['w', Float32Array.of(0, 0, 1)]]));
    expect([...(result.get('w')?.data ?? [])]).toEqual([0, 0, 2]);
  });
});

describe('restored tensors', () => {
  it('have zeros where indices went', () => {
    const whole = noise([5, 4, 3], 1);
    const kept = { 0: [0, 2, 4], 1: [1, 3] };
    const back = restoredTensor(keptTensor(whole, kept), kept, whole.shape);
    back.data.forEach((value, at) => {
      const isKept = kept[0].includes(Math.floor(at / 12)) && kept[1].includes(Math.floor(at / 3) % 4);
      expect(value).toBe(isKept ? Math.fround(whole.data[at] ?? 0) : 0);
    });
  });
});
