import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Image8 } from '../../../runtime/pictures/image.ts';
import { augmentSample } from '../../../runtime/train/pictures/augment.ts';
import { adjustments } from '../../../runtime/train/pictures/colour.ts';
import {
  cropMask,
  cropPicture,
  randomCropWindow,
  randomResizedWindow,
  resizeMask,
  resizePicture,
} from '../../../runtime/train/pictures/crop.ts';
import type { Augment } from '../../../runtime/train/recipe.ts';
import type { LabelledPicture, Picture } from '../../../runtime/train/sample.ts';
import { flipped, gatherMask, gatherPicture, rotated } from '../../../runtime/train/pictures/turn.ts';
import { faultOf } from '../fault.ts';
import { bytesOf, fixedStream, golden, picture, twin } from './pictures.ts';

const maskOf = ({ target }: LabelledPicture) => (target.kind === 'mask' ? target.mask : undefined);
const context = { seed: 5, epoch: 2, sample: 9, outside: 255, mean: [7, 8, 9] };

describe('recorded torchvision', () => {
  it.each(golden.colours)('$kind by $factor of $from', ({ kind, factor, from, data }) => {
    expect([...adjustments[kind](picture(...from), factor).data]).toEqual(bytesOf(data));
  });

  it.each(golden.rotations)('rotates $from by $angle', ({ from, angle, data }) => {
    const gather = rotated(from[0], from[1], angle);
    expect([...gatherPicture(picture(...from), gather).data]).toEqual(bytesOf(data));
  });

  it.each(golden.crops)('cuts $window out of $from and resizes to $size', ({ from, window, size, ...data }) => {
    const [top, left, height, width] = window;
    const cut = { left, top, width, height };
    const image = resizePicture(cropPicture(picture(...from, 3), cut), size, size);
    expect([...image.data]).toEqual(bytesOf(data.picture));
    const mask = resizeMask(cropMask(picture(...from, 1), cut, 0), size, size);
    expect([...mask.data]).toEqual(bytesOf(data.mask));
  });

  it.each(golden.padded)('pads by $pad and crops at $top, $left', ({ top, left, size, pad, data }) => {
    const places = 6 + 2 * pad - size + 1;
    const random = fixedStream([(top + 0.5) / places, (left + 0.5) / places]);
    const window = randomCropWindow({ width: 6, height: 6 }, { size, pad }, random);
    expect([...cropPicture(picture(6, 6, 3), window).data]).toEqual(bytesOf(data));
  });

  it.each(golden.windows)('draws $window of $from', ({ from: [width, height], scale, ratio, fractions, window }) => {
    const found = randomResizedWindow({ width, height }, scale, ratio, fixedStream(fractions));
    expect([found.top, found.left, found.height, found.width]).toEqual(window);
  });
});

describe('flips', () => {
  it('mirror columns and rows', () => {
    const image: Image8 = { width: 3, height: 2, channels: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
    expect([...gatherPicture(image, flipped(3, 2, 'horizontal')).data]).toEqual([3, 2, 1, 6, 5, 4]);
    expect([...gatherPicture(image, flipped(3, 2, 'vertical')).data]).toEqual([4, 5, 6, 1, 2, 3]);
  });

  it('give the picture back when done twice', () => {
    const side = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(side, side, fc.constantFrom('horizontal', 'vertical'), (width, height, axis) => {
        const gather = flipped(width, height, axis);
        const image = picture(width, height, 3);
        expect(gatherPicture(gatherPicture(image, gather), gather)).toEqual(image);
      }),
    );
  });

  it('happen with their probability', () => {
    const image = picture(4, 4, 1);
    const count = (p: number) => {
      const draws = Array.from({ length: 2000 }, (_, sample) =>
        augmentSample({ picture: image, target: { kind: 'class', label: 0 } }, [{ kind: 'horizontal_flip', p }], {
          ...context,
          sample,
        }),
      );
      return draws.filter((each) => each.picture !== image).length;
    };
    expect([count(0), count(1)]).toEqual([0, 2000]);
    // Five standard deviations of a binomial of 2000 and 0.3: the draws are fixed by the seed.
    expect(Math.abs(count(0.3) - 600)).toBeLessThan(5 * Math.sqrt(2000 * 0.3 * 0.7));
  });
});

const moves: fc.Arbitrary<Augment> = fc.oneof(
  fc.record({
    kind: fc.constant('random_crop' as const),
    size: fc.integer({ min: 1, max: 8 }),
    pad: fc.integer({ min: 0, max: 4 }),
  }),
  fc.record({ kind: fc.constant('horizontal_flip' as const), p: fc.constant(0.5) }),
  fc.record({ kind: fc.constant('vertical_flip' as const), p: fc.constant(0.5) }),
  fc.record({ kind: fc.constant('random_rotation' as const), degrees: fc.integer({ min: 0, max: 180 }) }),
);

describe('masks', () => {
  it('move as their pictures do, and are void beyond them', () => {
    const seed = fc.integer({ min: 0, max: 2 ** 40 });
    fc.assert(
      fc.property(fc.array(moves, { maxLength: 4 }), seed, (augments, at) => {
        const sample = twin(12, 9);
        const crops = augments.filter((each) => each.kind === 'random_crop');
        fc.pre(crops.every((each, index) => index === 0 || each.size <= (crops[index - 1]?.size ?? 0)));
        const result = augmentSample(sample, augments, { ...context, seed: at });
        const values = [...result.picture.data].map((value) => (value === 0 ? 255 : value));
        expect([...(maskOf(result)?.data ?? [])]).toEqual(values);
      }),
    );
  });

  it('keep to classes that were there when resized', () => {
    const sample = twin(12, 9);
    const augment: Augment = { kind: 'random_resized_crop', size: 16, scale: [0.2, 1], ratio: [0.5, 2] };
    for (let at = 0; at < 20; at++) {
      const mask = maskOf(augmentSample(sample, [augment], { ...context, sample: at }));
      expect([mask?.width, mask?.height]).toEqual([16, 16]);
      expect([...(mask?.data ?? [])].every((value) => sample.target.mask.data.includes(value))).toBe(true);
    }
  });

  it('have a value of their own for what lies outside of a turned picture', () => {
    const mask = { width: 5, height: 5, data: new Uint8Array(25).fill(3) };
    const turned = gatherMask(mask, rotated(5, 5, 45), 11);
    expect([turned.data[0], turned.data[12]]).toEqual([11, 3]);
  });
});

describe('draws', () => {
  const augments: Augment[] = [
    { kind: 'random_crop', size: 8, pad: 2 },
    { kind: 'color_jitter', strength: 0.5 },
    { kind: 'random_rotation', degrees: 30 },
    { kind: 'cutout', size: 3, p: 0.5 },
  ];
  const draw = (change: Partial<typeof context>) =>
    augmentSample({ picture: picture(8, 8, 3), target: { kind: 'class', label: 1 } }, augments, {
      ...context,
      ...change,
    });

  it('are the same for the same seed, epoch and sample', () => {
    expect(draw({})).toEqual(draw({}));
  });

  it.each([{ seed: 6 }, { seed: 5 + 2 ** 32 }, { epoch: 3 }, { sample: 10 }])('differ by %j', (change) => {
    expect(draw(change)).not.toEqual(draw({}));
  });

  it('of one change do not depend on what follows it', () => {
    const image = { picture: picture(8, 8, 3), target: { kind: 'class', label: 1 } } as const;
    const crop: Augment = { kind: 'random_crop', size: 8, pad: 2 };
    const idle: Augment = { kind: 'cutout', size: 1, p: 0 };
    expect(augmentSample(image, [crop, idle], context)).toEqual(augmentSample(image, [crop], context));
  });
});

describe('cutout', () => {
  it('leaves a hole of the mean, and masks as they are', () => {
    const data = new Uint8Array(10 * 10 * 3).fill(200);
    const image: Image8 = { width: 10, height: 10, channels: 3, data };
    const mask = { width: 10, height: 10, data: new Uint8Array(100).fill(4) };
    const areas = new Set<number>();
    for (let sample = 0; sample < 300; sample++) {
      const result = augmentSample(
        { picture: image, target: { kind: 'mask', mask } },
        [{ kind: 'cutout', size: 4, p: 1 }],
        {
          ...context,
          sample,
        },
      );
      const holes = [...result.picture.data].flatMap((value, at) => (value === 200 ? [] : [[at % 3, value]]));
      areas.add(holes.length / 3);
      expect(holes.every(([channel, value]) => value === 7 + (channel ?? 0))).toBe(true);
      expect(maskOf(result)).toEqual(mask);
    }
    // 4x4 inside; down to 2x2 where the centre lies in a corner.
    expect([Math.max(...areas), Math.min(...areas)]).toEqual([16, 4]);
  });
});

describe('pictures of numbers', () => {
  const floats = (width: number, height: number, channels: number): Picture => ({
    width,
    height,
    channels,
    data: Float32Array.from({ length: width * height * channels }, (_, at) => at / 7 - 3),
  });

  it('are cropped and flipped with any number of channels', () => {
    const window = { left: -1, top: 1, width: 3, height: 2 };
    expect([...cropPicture(floats(2, 3, 2), window).data]).toEqual(
      [0, 0, 4, 5, 6, 7, 0, 0, 8, 9, 10, 11].map((at, index) => (index % 6 < 2 ? 0 : Math.fround(at / 7 - 3))),
    );
  });

  it('are resized with weights that sum to one, and linearly', () => {
    const constant: Picture = { width: 5, height: 4, channels: 2, data: new Float32Array(40).fill(2.5) };
    for (const value of resizePicture(constant, 3, 9).data) expect(value).toBeCloseTo(2.5, 6);
    // torch.nn.functional.interpolate([[0, 1, 2, 3]], 2, mode='bilinear', antialias=True): weights 3, 3, 1 of 7.
    const ramp: Picture = { width: 4, height: 1, channels: 1, data: Float32Array.of(0, 1, 2, 3) };
    expect([...resizePicture(ramp, 2, 1).data].map((value) => value.toFixed(6))).toEqual(['0.714286', '2.285714']);
    expect([...resizePicture(ramp, 8, 1).data]).toEqual([0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]);
  });

  it('have no colours to change', () => {
    const sample: LabelledPicture = { picture: floats(4, 4, 3), target: { kind: 'class', label: 0 } };
    expect(faultOf(() => augmentSample(sample, [{ kind: 'color_jitter', strength: 0.2 }], context))).toMatch(
      /^E0906: color_jitter changes pictures of bytes, but sample 9 is a tensor/,
    );
  });
});

it('refuses a crop that is larger than its picture', () => {
  const sample: LabelledPicture = { picture: picture(6, 5, 3), target: { kind: 'class', label: 0 } };
  expect(faultOf(() => augmentSample(sample, [{ kind: 'random_crop', size: 10, pad: 2 }], context))).toBe(
    'E0906: random_crop(10px) is larger than sample 9, which is 6x5 with a border of 2',
  );
});
