/** Which dispatch of a step is the first to give numbers that are not finite, and what it had read. */
import { describe, expect, it } from 'vitest';
import type { Plan, Region, Step } from '../../../runtime/artifact.ts';
import type { HostTensor } from '../../../runtime/host-tensor.ts';
import { NotFiniteFault } from '../../../runtime/train/trace-nan.ts';
import { firstNotFinite, type NotFinite, type StepTrace } from '../../../runtime/train/trace-step.ts';
import type { StateVectorEntry } from '../../../runtime/train/training-artifact.ts';
import { describeNotFinite, describeRange, rangeOf } from '../../../runtime/train/value-range.ts';

const layout = { channels: 1, height: 1, width: 1, halo: [0, 0, 0, 0], channelStride: 1, channelOffset: 0 } as const;
const arena = (offset: number, bytes = 256): Region => ({ offset, bytes });
const tensor = (...values: number[]): HostTensor => ({ shape: [values.length], data: Float32Array.from(values) });

/** A dispatch that reads and writes these regions. */
const step = (
  op: string,
  path: string,
  result: Region,
  reads: readonly Region[],
  phase: Step['phase'] = 'forward',
): Step => ({
  kernel: 0,
  op,
  path,
  schedule: '',
  bindings: [...reads, result].map((region) => ({ arena: region })),
  uniforms: [],
  workgroups: [1, 1, 1],
  result: { name: path, shape: [1], region: result, layout: { ...layout, halo: [0, 0, 0, 0] } },
  macs: 0,
  places: [],
  passes: [],
  phase,
});

const weights: StateVectorEntry = {
  name: 'weights',
  floats: 12,
  bytes: 48,
  tensors: [
    { name: 'conv.weight', shape: [4], offset: 0, kind: 'parameter' },
    { name: 'fc.weight', shape: [4], offset: 4, kind: 'parameter' },
    { name: 'fc.bias', shape: [4], offset: 8, kind: 'parameter' },
  ],
};
const state = new Map([
  ['conv.weight', tensor(-1, 1)],
  ['fc.weight', tensor(2, 3)],
  ['fc.bias', tensor(7)],
]);
const vector: Region = { offset: 0, bytes: 48, state: 'weights' };
const inputs = { image: tensor(0, 0.5) };

const find = (
  steps: readonly (readonly [Step, HostTensor])[],
  given: { readonly inputs?: Record<string, HostTensor>; readonly state?: ReadonlyMap<string, HostTensor> } = {},
): Promise<NotFinite | undefined> => {
  const image = { name: 'image', shape: [2], region: arena(0), layout: { ...layout, halo: [0, 0, 0, 0] } };
  const plan = { inputs: [image] } as unknown as Plan;
  const trace: StepTrace = {
    plan,
    vectors: [weights],
    traceStep: async (_, visit) => {
      for (const [each, result] of steps) if (visit(each, result) === false) return;
    },
  };
  return firstNotFinite(trace, given.inputs ?? inputs, given.state ?? state);
};

const namesOf = (found: NotFinite | undefined): string[] =>
  found?.operands.map(({ name, range }) => `${name} ${describeRange(range)}`) ?? [];

describe('the first dispatch', () => {
  const conv = step('conv2d+relu', 'conv', arena(256), [arena(0), vector]);
  const exp = step('exp', '', arena(512), [arena(256)]);

  it('is found, with what it read', async () => {
    const found = await find([
      [conv, tensor(1, 88)],
      [exp, tensor(3, Infinity)],
      [conv, tensor(NaN)],
    ]);
    expect(found).toMatchObject({ step: exp, result: { name: 'exp', range: { infinite: 1, nan: 0, count: 2 } } });
    expect(namesOf(found)).toEqual(['conv2d+relu of conv 1 .. 88']);
  });

  it('reads the tensors of its layer, or else the whole vector', async () => {
    expect(namesOf(await find([[conv, tensor(NaN)]]))).toEqual(['image 0 .. 0.5', 'conv.weight -1 .. 1']);
    const update = step('sub', 'optimizer', vector, [vector, arena(0)], 'update');
    expect(namesOf(await find([[update, tensor(NaN)]]))).toEqual(['weights -1 .. 7', 'image 0 .. 0.5']);
  });

  it('reads what was written last, not what the memory held before', async () => {
    const again = step('mul', 'again', arena(0), [arena(256)]);
    const last = step('log', 'last', arena(256), [arena(0)]);
    const found = await find([
      [conv, tensor(5)],
      [again, tensor(6)],
      [last, tensor(-Infinity)],
    ]);
    expect(namesOf(found)).toEqual(['mul of again 6']);
  });

  it('reads all parts of a value that was written in parts', async () => {
    const parts = [step('a', '', arena(256, 128), []), step('b', '', arena(384, 128), [])] as const;
    const found = await find([
      [parts[0], tensor(1)],
      [parts[1], tensor(2)],
      [step('c', '', arena(1024), [arena(256)]), tensor(NaN)],
    ]);
    expect(namesOf(found)).toEqual(['a 1', 'b 2']);
  });

  it('is none where all is finite', async () => {
    expect(await find([[conv, tensor(1)]])).toBeUndefined();
  });
});

describe('numbers that were there before', () => {
  it('are those of an input or of the state', async () => {
    const data = await find([], { inputs: { image: tensor(NaN, 1) } });
    expect(data).toMatchObject({ step: undefined, result: { name: 'image' } });
    const broken = await find([], { state: new Map([...state, ['fc.bias', tensor(Infinity)]]) });
    expect(broken).toMatchObject({ step: undefined, result: { name: 'fc.bias' } });
    expect(new NotFiniteFault(broken as NotFinite, 'in step 1 of epoch 1')).toMatchObject({
      code: 'E0911',
      message: 'fc.bias holds Inf before any op has run in step 1 of epoch 1',
    });
  });
});

describe('a range', () => {
  it.each<[number[], string, string]>([
    [[1, 2, NaN], '1 .. 2', 'NaN'],
    [[3, Infinity, -Infinity, NaN], '3', 'NaN and Inf'],
    [[NaN], 'no finite value', 'NaN'],
    [[], 'no finite value', ''],
    [[-1e-7, 123456], '-1e-7 .. 123500', ''],
  ])('of %j', (values, range, others) => {
    expect(describeRange(rangeOf(Float32Array.from(values)))).toBe(range);
    expect(describeNotFinite(rangeOf(Float32Array.from(values)))).toBe(others);
  });
});

it('lists the first operands and counts the rest', () => {
  const operands = Array.from({ length: 9 }, (_, at) => ({ name: `x${at}`, range: rangeOf(Float32Array.of(at)) }));
  const found = {
    step: step('add', 'sum', arena(0), [], 'backward'),
    result: { name: '', range: rangeOf(Float32Array.of(NaN)) },
  };
  expect(new NotFiniteFault({ ...found, operands }, 'in step 7 of epoch 2')).toMatchObject({
    message: 'the backward op add of sum is the first to give NaN in step 7 of epoch 2',
    help: 'it read x0 in 0, x1 in 1, x2 in 2, x3 in 3, x4 in 4, x5 in 5 and 3 more',
  });
});
