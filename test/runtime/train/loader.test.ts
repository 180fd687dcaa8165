import { describe, expect, it } from 'vitest';
import type { Image8 } from '../../../runtime/pictures/image.ts';
import { createLoader } from '../../../runtime/train/loader.ts';
import type { Batch, Loader, LoaderSettings, SampleSource } from '../../../runtime/train/loader.ts';
import type { Augment } from '../../../runtime/train/recipe.ts';
import type { Sample, Target } from '../../../runtime/train/sample.ts';
import { faultOf, faultOfAsync } from '../fault.ts';
import { picture } from './pictures.ts';

/** Grey pictures of one pixel with their position as value and class, unless told otherwise. */
function source(size: number, read: (position: number) => Partial<Sample> = () => ({}), side = 1): SampleSource {
  return {
    name: 'the split',
    size,
    kind: 'image',
    shape: [1, side, side],
    indexOf: (position) => 1000 + position,
    read: (position) => {
      const image: Image8 = { width: 1, height: 1, channels: 1, data: Uint8Array.of(position) };
      const sample: Sample = {
        input: { kind: 'image', image },
        target: { kind: 'class', label: position },
        name: `sample ${position}`,
      };
      return Promise.resolve({ ...sample, ...read(position) });
    },
  };
}

const settings: LoaderSettings = {
  mode: 'train',
  batch: 4,
  seed: 3,
  shuffle: true,
  augment: [],
  preprocess: [],
  input: { name: 'image', shape: [1, 1, 1] },
  target: { kind: 'class' },
};
const evaluation: LoaderSettings = { ...settings, mode: 'evaluate', shuffle: false };

/** The batches with copies of their tensors, whose memory is used again. */
async function collect(loader: Loader, epoch: number, from?: number) {
  const batches: (Pick<Batch, 'epoch' | 'index' | 'count'> & Record<'values', Record<string, number[]>>)[] = [];
  for await (const { inputs, ...rest } of loader.epoch(epoch, from)) {
    batches.push({
      ...rest,
      values: Object.fromEntries(Object.entries(inputs).map(([name, { data }]) => [name, [...data]])),
    });
  }
  return batches;
}

const labelsOf = (batches: Awaited<ReturnType<typeof collect>>) =>
  batches.flatMap(({ values }) => values['labels'] ?? []);

describe('a limit of batches', () => {
  it.each([settings, evaluation])('takes the first ones of the epoch', async (each) => {
    const whole = createLoader(source(11), each);
    const limited = createLoader(source(11), { ...each, limitBatches: 2 });
    expect(limited).toMatchObject({ stepsPerEpoch: 2, samples: 8 });
    expect(await collect(limited, 3)).toEqual((await collect(whole, 3)).slice(0, 2));
  });

  it('does not lengthen an epoch', async () => {
    const limited = createLoader(source(11), { ...evaluation, limitBatches: 5 });
    expect(limited).toMatchObject({ stepsPerEpoch: 3, samples: 11 });
    expect(await collect(limited, 0)).toHaveLength(3);
  });
});

describe('training', () => {
  it('takes every sample at most once an epoch, in complete batches and another order each time', async () => {
    const loader = createLoader(source(11), settings);
    const first = await collect(loader, 0);
    expect([loader.stepsPerEpoch, loader.samples, first.map(({ count }) => count)]).toEqual([2, 8, [4, 4]]);
    expect(new Set(labelsOf(first)).size).toBe(8);
    expect(labelsOf(await collect(loader, 1))).not.toEqual(labelsOf(first));
    expect(first[0]?.values['image']).toEqual(first[0]?.values['labels']?.map((label) => Math.fround(label / 255)));
  });

  it('leaves out other samples in other epochs', async () => {
    const loader = createLoader(source(11), settings);
    const seen = new Set<number>();
    for (let epoch = 0; epoch < 20; epoch++)
      for (const label of labelsOf(await collect(loader, epoch))) seen.add(label);
    expect(seen.size).toBe(11);
  });

  it('goes on anywhere as if it had not stopped', async () => {
    const whole = await collect(createLoader(source(23), settings), 2);
    expect(await collect(createLoader(source(23), settings), 2, 3)).toEqual(whole.slice(3));
    expect(await collect(createLoader(source(23), settings), 2, whole.length)).toEqual([]);
  });

  it('differs by seed, and keeps the order of the data where nothing is shuffled', async () => {
    const other = createLoader(source(11), { ...settings, seed: 4 });
    expect(labelsOf(await collect(other, 0))).not.toEqual(
      labelsOf(await collect(createLoader(source(11), settings), 0)),
    );
    const straight = createLoader(source(11), { ...settings, shuffle: false });
    expect(labelsOf(await collect(straight, 5))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('refuses a split that does not fill a batch', () => {
    expect(faultOf(() => createLoader(source(3), settings))).toBe(
      'E0719: the split has 3 samples, fewer than one batch of 4',
    );
    expect(faultOf(() => createLoader(source(0), evaluation))).toBe('E0719: the split has no samples');
  });

  it('mixes samples and gives the labels of both', async () => {
    const loader = createLoader(source(64), { ...settings, batch: 64, augment: [{ kind: 'mixup', alpha: 1 }] });
    const [batch] = await collect(loader, 0);
    const { image = [], labels = [], labels2 = [], lambda: [lambda = -1] = [] } = batch?.values ?? {};
    expect(lambda > 0 && lambda < 1).toBe(true);
    expect(new Set(labels2)).toEqual(new Set(labels));
    image.forEach((value, at) => {
      expect(value).toBeCloseTo((lambda * (labels[at] ?? 0) + (1 - lambda) * (labels2[at] ?? 0)) / 255, 6);
    });
  });
});

describe('evaluation', () => {
  it('fills the last batch with samples that do not count', async () => {
    const loader = createLoader(source(6), evaluation);
    const batches = await collect(loader, 0);
    expect([loader.stepsPerEpoch, loader.samples, batches.map(({ count }) => count)]).toEqual([2, 6, [4, 2]]);
    expect(batches.map(({ values }) => values['labels'])).toEqual([
      [0, 1, 2, 3],
      [4, 5, 0, 1],
    ]);
    expect(batches.map(({ values }) => values['valid'])).toEqual([
      [1, 1, 1, 1],
      [1, 1, 0, 0],
    ]);
  });

  it('neither changes samples nor mixes them', async () => {
    const augment = [{ kind: 'vertical_flip', p: 1 } as const, { kind: 'mixup', alpha: 1 } as const];
    const [batch] = await collect(createLoader(source(4), { ...evaluation, augment }), 0);
    expect(Object.keys(batch?.values ?? {})).toEqual(['image', 'labels', 'valid']);
  });

  it('has batches of one sample many times where there is but one', async () => {
    const [batch] = await collect(createLoader(source(1), evaluation), 0);
    expect(batch?.values['valid']).toEqual([1, 0, 0, 0]);
  });
});

describe('samples', () => {
  const sized = (width: number, height: number, target: Target = { kind: 'class', label: 0 }) =>
    source(4, () => ({ input: { kind: 'image', image: picture(width, height, 3) }, target }), height);
  const input = { name: 'picture', shape: [3, 4, 4] as const };

  it('are normalized by channel and laid out in planes', async () => {
    const read = { ...evaluation, input: { name: 'picture', shape: [3, 1, 1] as const } };
    const image: Image8 = { width: 1, height: 1, channels: 3, data: Uint8Array.of(255, 0, 51) };
    const loader = createLoader(
      source(4, () => ({ input: { kind: 'image', image } })),
      {
        ...read,
        preprocess: [{ op: 'normalize', mean: [0.5, 0.5, 0], std: [0.5, 0.25, 1] }],
      },
    );
    const [batch] = await collect(loader, 0);
    expect(batch?.values['picture']?.slice(0, 3)).toEqual([1, -2, Math.fround(0.2)]);
  });

  it('are resized and cropped first, but a random crop takes the place of the central one', async () => {
    const preprocess = [{ op: 'resize', size: 6 } as const, { op: 'center_crop', size: 4 } as const];
    const central = createLoader(sized(9, 9), { ...evaluation, input, preprocess });
    expect((await collect(central, 0))[0]?.values['picture']).toHaveLength(4 * 48);
    const crop = { kind: 'random_crop', size: 4, pad: 0 } as const;
    const random = createLoader(sized(9, 9), { ...settings, input, preprocess, augment: [crop] });
    const planes = (await collect(random, 0))[0]?.values['picture'] ?? [];
    // Four places of a window that is as large as the input, of the same 6x6 picture.
    expect(new Set([0, 1, 2, 3].map((at) => planes.slice(at * 48, at * 48 + 48).join(' '))).size).toBeGreaterThan(1);
    const resized: Augment = { kind: 'random_resized_crop', size: 4, scale: [1, 1], ratio: [1, 1] };
    const whole = createLoader(sized(9, 9), { ...settings, input, preprocess, augment: [resized] });
    expect((await collect(whole, 0))[0]?.values['picture']).toHaveLength(4 * 48);
  });

  it.each<[string, Partial<LoaderSettings>, SampleSource, string]>([
    ['a size', { input }, sized(5, 5), "E0906: the split is 5x5, but the model's input is 4x4"],
    [
      'a size after a crop',
      { input, augment: [{ kind: 'random_crop', size: 3, pad: 0 }] },
      sized(5, 5),
      'is 3x3 after resizing',
    ],
    [
      'no mask',
      { input: { ...input, shape: [3, 5, 5] }, target: { kind: 'mask' } },
      sized(5, 5),
      'E0714: sample 0 has a class, but the loss needs a mask',
    ],
  ])('refuse %s', async (_, change, from, message) => {
    expect(
      await faultOfAsync(() => collect(createLoader(from, { ...settings, shuffle: false, ...change }), 0)),
    ).toContain(message);
  });

  it('of unknown sizes are refused when they are read, by their index', async () => {
    const from = { ...sized(5, 5), shape: undefined };
    expect(await faultOfAsync(() => collect(createLoader(from, { ...evaluation, input }), 0))).toContain(
      'E0906: sample 1000 is 5x5',
    );
  });

  it('carry masks, with -1 beyond the picture unless a class is ignored', async () => {
    const mask = { width: 3, height: 3, data: Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 255]) };
    const from = sized(3, 3, { kind: 'mask', mask: { ...mask, data: mask.data.map((value) => value % 9) } });
    const preprocess = [{ op: 'center_crop', size: 5 } as const];
    const of = async (ignore: number | undefined) => {
      const target = { kind: 'mask', ignore } as const;
      const loader = createLoader(from, { ...evaluation, preprocess, input: { name: 'x', shape: [3, 5, 5] }, target });
      const [batch] = await collect(loader, 0);
      return batch?.values['labels']?.slice(0, 25);
    };
    const border = (value: number) => Array<number>(5).fill(value);
    const rows = (value: number) => {
      const inside = [0, 1, 2, 3, 4, 5, 6, 7, 3];
      const row = (y: number) => [value, ...inside.slice(3 * y, 3 * y + 3), value];
      return [...border(value), ...row(0), ...row(1), ...row(2), ...border(value)];
    };
    expect(await of(undefined)).toEqual(rows(-1));
    expect(await of(11)).toEqual(rows(11));
    expect(await of(255)).toEqual(rows(255));
  });

  it('are read once while there is room for them', async () => {
    let reads = 0;
    const counting = source(8, () => {
      reads++;
      return {};
    });
    const loader = createLoader(counting, settings);
    for (const epoch of [0, 1, 2]) await collect(loader, epoch);
    expect(reads).toBe(8);
  });

  it('that are tensors are neither resized nor normalized', async () => {
    const values = Float32Array.of(1.5, -2, 0.25, 9);
    const from: SampleSource = {
      ...source(4, () => ({ input: { kind: 'tensor', values, shape: [2, 1, 2] } })),
      kind: 'tensor',
      shape: [2, 1, 2],
    };
    const preprocess = [{ op: 'resize', size: 7 } as const];
    const flip = { kind: 'horizontal_flip', p: 1 } as const;
    const loader = createLoader(from, {
      ...settings,
      preprocess,
      augment: [flip],
      input: { name: 'x', shape: [2, 1, 2] },
    });
    expect((await collect(loader, 0))[0]?.values['x']?.slice(0, 4)).toEqual([-2, 1.5, 9, 0.25]);
  });
});
