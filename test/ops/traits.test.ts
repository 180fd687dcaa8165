/** What ops state of themselves, held to their own samples: a fact that is wrong of one of them fails here. */
import { describe, expect, it } from 'vitest';
import type { Attrs, Op, Sample } from '../../compiler/ir/op.ts';
import { elementCount, type Tensor } from '../../compiler/ir/type.ts';
import type { Traits } from '../../compiler/ir/traits.ts';
import { ops } from '../../compiler/ops/index.ts';
import { arange, f32, sampleTensor, typesOf } from './check-op.ts';

const all = [...ops.values()];
const stating = (holds: (traits: Traits) => unknown): (readonly [string, Op])[] =>
  all.filter(({ traits = {} }) => holds(traits)).map((op) => [op.name, op]);

/** `expand` has no expression of its own. */
const scalars = all.filter((op) => op.scalar && op.name !== 'expand');

const filled = (sample: Sample, value: (index: number) => number): Tensor[] =>
  sample.inputs.map(({ shape }, index) => f32(shape, Array<number>(elementCount(shape)).fill(value(index))));

const isZero = ({ data }: Tensor): boolean => data.every((value) => value === 0);

/** Every element times its channel's factor; channels are axis 1. */
function scaled({ shape, data }: Tensor, factors: readonly number[]): Tensor {
  const [, channels = 1, ...rest] = shape;
  const plane = elementCount(rest);
  const channelOf = (at: number): number => Math.floor(at / plane) % channels;
  return f32(
    shape,
    Array.from(data, (value, at) => value * (factors[channelOf(at)] ?? Number.NaN)),
  );
}

const factorsOf = (channels: number): number[] => Array.from({ length: channels }, (_, channel) => 0.25 + channel / 3);

function expectClose(actual: Tensor, wanted: Tensor): void {
  expect(actual.shape).toEqual(wanted.shape);
  wanted.data.forEach((value, at) => {
    const difference = Math.abs(Number(actual.data[at]) - value);
    expect(difference, `element ${at}`).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(value)));
  });
}

describe('layers', () => {
  it.each(stating(({ kind }) => kind === 'layer'))('%s multiplies by operand 1 and adds operand 2', (_, op) => {
    expect(op.operands).toEqual(['x', 'weight', 'bias?']);
    for (const sample of op.samples) {
      const [x, weight, bias] = sample.inputs.map(sampleTensor);
      if (!x || !weight) throw new Error('no operands');
      const once = op.evaluate([x, weight], sample.attrs);
      const twice = f32(
        weight.shape,
        Array.from(weight.data, (value) => 2 * value),
      );
      expectClose(
        op.evaluate([x, twice], sample.attrs),
        f32(
          once.shape,
          Array.from(once.data, (value) => 2 * value),
        ),
      );
      if (!bias) continue;
      const ones = f32(bias.shape, Array<number>(bias.data.length).fill(1));
      const more = f32(
        once.shape,
        Array.from(once.data, (value) => value + 1),
      );
      expectClose(op.evaluate([x, weight, ones], sample.attrs), more);
    }
  });
});

describe('norms', () => {
  /** Statistics that a norm is given lie beyond its factors and summands. */
  const evaluate = (op: Op, sample: Sample, gamma: number, beta: number): Tensor => {
    const operands = sample.inputs.map(sampleTensor);
    const same = (index: number, value: number): Tensor =>
      f32(operands[index]?.shape ?? [], Array<number>(operands[index]?.data.length ?? 0).fill(value));
    return op.evaluate(operands.with(1, same(1, gamma)).with(2, same(2, beta)), sample.attrs);
  };

  it.each(stating(({ kind }) => kind === 'norm'))('%s scales by operand 1 and shifts by operand 2', (_, op) => {
    for (const sample of op.samples) {
      const plain = evaluate(op, sample, 1, 0);
      const wanted = f32(
        plain.shape,
        Array.from(plain.data, (value) => 3 * value + 0.5),
      );
      expectClose(evaluate(op, sample, 3, 0.5), wanted);
    }
  });

  it.each(stating(({ scalesChannels }) => scalesChannels))('%s has a factor for each channel', (_, op) => {
    expect(op.traits?.kind).toBe('norm');
    for (const sample of op.samples) {
      const operands = sample.inputs.map(sampleTensor);
      const factors = factorsOf(operands[0]?.shape[1] ?? 0);
      const beta = operands[2];
      if (!beta) throw new Error('no beta');
      const shifted = operands.with(2, f32(beta.shape, Array<number>(beta.data.length).fill(0)));
      const result = (gamma: readonly number[]): Tensor =>
        op.evaluate(shifted.with(1, f32([gamma.length], gamma)), sample.attrs);
      expectClose(result(factors), scaled(result(factors.map(() => 1)), factors));
    }
  });
});

describe('kinds', () => {
  it.each(stating(({ kind }) => kind === 'join'))('%s takes several values', (_, op) => {
    expect(op.operands.length > 1 || op.operands[0]?.endsWith('...')).toBe(true);
  });

  it.each(stating(({ kind }) => kind === 'pool'))('%s makes one of many', (_, op) => {
    expect(op.operands).toEqual(['x']);
    const shrinks = (sample: Sample): boolean =>
      elementCount(op.infer(typesOf(sample), sample.attrs).shape.map(Number)) <
      elementCount(sample.inputs[0]?.shape ?? []);
    expect(op.samples.some(shrinks)).toBe(true);
  });

  it.each(stating(({ kind }) => kind === 'move'))(
    '%s takes one value, and keeps a value that is the same everywhere',
    (_, op) => {
      expect(op.operands).toEqual(['x']);
      for (const sample of op.samples) {
        const { data } = op.evaluate(
          filled(sample, () => 7),
          sample.attrs,
        );
        const own = [7, 0, sample.attrs['value']];
        expect(data.every((value) => own.some((each) => Math.abs(value - Number(each)) < 1e-12))).toBe(true);
      }
    },
  );
});

describe('movement', () => {
  it.each(stating(({ isMovement }) => isMovement))('%s copies from the same places whatever lies there', (_, op) => {
    for (const sample of op.samples) {
      // Numbers that occur once, and the same places with others in another order.
      const [first, second] = [1, -1].map((sign) => {
        let before = 0;
        return sample.inputs.map(({ shape }) => {
          const counted = arange(...shape);
          const own = f32(
            shape,
            Array.from(counted.data, (value) => sign * (before + value + 0.25)),
          );
          before += counted.data.length;
          return own;
        });
      });
      const places = new Map(
        (first ?? []).flatMap(({ data }, operand) => Array.from(data, (value, at) => [value, [operand, at]] as const)),
      );
      const [once, again] = [op.evaluate(first ?? [], sample.attrs), op.evaluate(second ?? [], sample.attrs)];
      once.data.forEach((value, at) => {
        const [operand, place] = places.get(value) ?? [];
        const wanted = operand === undefined || place === undefined ? value : second?.[operand]?.data[place];
        expect(again.data[at], `element ${at} of ${sample.name}`).toBe(wanted);
      });
    }
  });
});

describe('zeros', () => {
  const keeps = (op: Op, value: (index: number) => number): boolean =>
    op.samples.every((sample) => isZero(op.evaluate(filled(sample, value), sample.attrs)));

  it.each(scalars.map((op) => [op.name, op] as const))('%s says what it makes of them', (_, op) => {
    const ofAll = keeps(op, () => 0);
    const isAnyEnough = (zero: number): boolean =>
      [1, -1].every((sign) => keeps(op, (index) => (index === zero ? 0 : sign * (0.5 + index))));
    const ofAny = ofAll && op.operands.length > 1 && [...op.operands.keys()].every(isAnyEnough);
    const ofChoices =
      ofAll && op.operands.length > 2 && [1, -1].every((first) => keeps(op, (at) => (at === 0 ? first : 0)));
    expect(op.traits?.keepsZero).toBe(ofAny ? 'of any' : ofChoices ? 'of choices' : ofAll ? 'of all' : undefined);
  });

  it('are kept by elementwise ops alone', () => {
    expect(stating(({ keepsZero }) => keepsZero).filter(([, op]) => !op.scalar)).toEqual([]);
  });
});

describe('bounds', () => {
  const some = [-200, -1, 0, 1, 200];
  /** All values of an elementwise op on these numbers, as f32. */
  const valuesOf = (op: Op, attrs: Attrs): number[] => {
    const tuples = op.operands.reduce<number[][]>(
      (list) => list.flatMap((each) => some.map((x) => [...each, x])),
      [[]],
    );
    const valueOf = (tuple: readonly number[]): number => {
      const operands = tuple.map((x) => f32([], [x]));
      return Math.fround(op.evaluate(operands, attrs).data[0] ?? Number.NaN);
    };
    return tuples.map(valueOf);
  };

  it.each(scalars.map((op) => [op.name, op] as const))('%s says whether it leaves the finite numbers', (_, op) => {
    const values = op.samples.flatMap(({ attrs }) => valuesOf(op, attrs));
    expect(op.traits?.isUnbounded ?? false).toBe(!values.every(Number.isFinite));
  });

  const range = Array.from({ length: 161 }, (_, index) => index / 8 - 10);
  it.each(stating(({ isNotNegative }) => isNotNegative))('%s is never below zero', (_, op) => {
    for (const { inputs, attrs, name } of op.samples) {
      const drawn = op.evaluate(inputs.map(sampleTensor), attrs);
      const spread = inputs.length === 1 && op.scalar ? op.evaluate([f32([range.length], range)], attrs) : drawn;
      expect(
        [...drawn.data, ...spread.data].filter((value) => value < 0),
        name,
      ).toEqual([]);
    }
  });

  it.each(stating((traits) => 'clamp' in traits))('%s is its clamp', (_, op) => {
    expect(op.operands).toEqual(['x']);
    for (const { attrs } of op.samples) {
      const form = op.traits?.clamp?.(attrs);
      if (!form) throw new Error('no clamp');
      const wanted = range.map((x) => {
        const y = Math.min(Math.max(form.scale * x + form.shift, form.low), form.high);
        return form.gated ? x * y : y;
      });
      expectClose(op.evaluate([f32([range.length], range)], attrs), f32([range.length], wanted));
    }
  });
});

it.each(stating(({ isHomogeneous }) => isHomogeneous))('%s lets the scale of a channel through', (_, op) => {
  const images = op.samples.filter(({ inputs }) => inputs.length === 1 && inputs[0]?.shape.length === 4);
  expect(images).not.toEqual([]);
  for (const { inputs, attrs } of images) {
    const [x] = inputs.map(sampleTensor);
    if (!x) throw new Error('no operand');
    const factors = factorsOf(x.shape[1] ?? 0);
    expectClose(op.evaluate([scaled(x, factors)], attrs), scaled(op.evaluate([x], attrs), factors));
  }
});

it.each(stating(({ isCheap }) => isCheap))('%s computes no function that is slow', (_, op) => {
  const text = op.scalar?.(op.operands, op.samples[0]?.attrs ?? {}) ?? 'none()';
  const quick = ['min', 'max', 'abs', 'clamp', 'select', 'sqrt', 'inverseSqrt'];
  const called = [...text.matchAll(/([A-Za-z]\w*)(?:<\w+>)?\(/g)].map(([, name = '']) => name);
  expect(called.filter((name) => !quick.includes(name) && !/^(vec4[fiu]|bitcast)$/.test(name))).toEqual([]);
  expect(text).not.toContain('/');
});
