import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PreprocessStep } from '../../runtime/artifact.ts';
import type { Image8, StoredImage } from '../../runtime/pictures/image.ts';
import { fitImage, preprocessImage } from '../../runtime/pictures/preprocess.ts';
import type { ImageShape } from '../../runtime/pictures/preprocess.ts';
import type { PictureStep } from '../../runtime/pictures/seen-image.ts';
import { createPreparer } from '../../runtime/train/pictures/prepare-sample.ts';
import { faultOf } from './fault.ts';

/** A colour picture whose red is the column, green the row and blue 200. */
function ramp(width: number, height: number): Image8 {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set([x, y, 200], (y * width + x) * 3);
  return { width, height, channels: 3, data };
}

const crop = (size: number): PreprocessStep => ({ op: 'center_crop', size });
const target = (channels: number, height: number, width: number) => ({ channels, height, width });

describe('preprocessImage', () => {
  it('scales to 0..1 and puts one channel behind the other', () => {
    const values = preprocessImage(ramp(3, 2), [], target(3, 2, 3));
    const bytes = [0, 1, 2, 0, 1, 2, 0, 0, 0, 1, 1, 1, 200, 200, 200, 200, 200, 200];
    expect([...values]).toEqual(bytes.map((byte) => Math.fround(byte / 255)));
  });

  it('normalizes in float32, one rounding for each operation', () => {
    const mean = [0.485, 0.456, 0.406];
    const std = [0.229, 0.224, 0.225];
    const values = preprocessImage(ramp(1, 1), [{ op: 'normalize', mean, std }], target(3, 1, 1));
    // NumPy 1.24: (float32([0, 0, 200]) / float32(255) - float32(mean)) / float32(std)
    expect([...values]).toEqual([-2.1179039478302, -2.0357141494750977, 1.6813944578170776].map(Math.fround));
  });

  it('takes one value of mean and std for all channels', () => {
    const values = preprocessImage(ramp(1, 1), [{ op: 'normalize', mean: [0.5], std: [0.25] }], target(3, 1, 1));
    expect(values[0]).toBe(-2);
  });

  // torchvision 0.20: CenterCrop(4) of widths 4 to 9, where round() is Python's, half to even.
  it.each([
    [4, 0],
    [5, 0],
    [6, 1],
    [7, 2],
    [8, 2],
    [9, 2],
    [10, 3],
    [11, 4],
  ])('crops %i columns from column %i on', (width, left) => {
    const values = preprocessImage(ramp(width, 4), [crop(4)], target(3, 4, 4));
    expect([...values.subarray(0, 4)].map((value) => Math.round(value * 255))).toEqual(
      [0, 1, 2, 3].map((x) => x + left),
    );
  });

  it.each([
    [3, [0, 1, 2, 0]],
    [1, [-1, 0, -1, -1]],
  ])('pads %i columns with black where the picture is too small', (width, columns) => {
    const image = ramp(width, 4);
    const values = preprocessImage(image, [crop(4)], target(3, 4, 4));
    const blue = [...values.subarray(32, 36)].map((value) => Math.round(value * 255));
    expect(blue).toEqual(width === 3 ? [200, 200, 200, 0] : columns.map((x) => (x < 0 ? 0 : 200)));
  });

  it.each([
    [8, 6, 3, 4, 3],
    [6, 8, 3, 3, 4],
    [7, 5, 3, 4, 3],
    [5, 5, 7, 7, 7],
  ])('resizes %ix%i by its shorter side %i to %ix%i', (width, height, size, newWidth, newHeight) => {
    const values = preprocessImage(ramp(width, height), [{ op: 'resize', size }], target(3, newHeight, newWidth));
    expect(values.length).toBe(3 * newWidth * newHeight);
  });

  it('resizes to width and height', () => {
    expect(preprocessImage(ramp(9, 9), [{ op: 'resize', size: [4, 2] }], target(3, 2, 4)).length).toBe(24);
  });

  it('makes colour of grey and grey of colour', () => {
    const grey: Image8 = { width: 2, height: 1, channels: 1, data: Uint8Array.of(10, 255) };
    expect([...preprocessImage(grey, [], target(3, 1, 2))]).toEqual(
      [10, 255, 10, 255, 10, 255].map((v) => Math.fround(v / 255)),
    );
    const white: Image8 = { width: 1, height: 1, channels: 3, data: Uint8Array.of(255, 255, 255) };
    expect([...preprocessImage(white, [], target(1, 1, 1))]).toEqual([1]);
  });

  it.each<[string, readonly PreprocessStep[], ReturnType<typeof target>, string]>([
    ['a size that does not fit', [], target(3, 4, 4), "E0906: the image is 6x5, but the model's input is 4x4"],
    ['a size after steps', [crop(3)], target(3, 4, 4), 'E0906: the image after preprocessing is 3x3'],
    ['four channels', [], target(4, 5, 6), 'E0906: an image has 1 or 3 channels'],
    ['a step behind normalize', [{ op: 'normalize', mean: [0], std: [1] }, crop(4)], target(3, 4, 4), 'E0715'],
    ['a std of zero', [{ op: 'normalize', mean: [0], std: [0] }], target(3, 5, 6), 'E0715'],
    ['two means for three channels', [{ op: 'normalize', mean: [0, 0], std: [1] }], target(3, 5, 6), 'E0715'],
    ['a resize to nothing', [{ op: 'resize', size: 0 }], target(3, 5, 6), 'E0715'],
    ['a fractional crop', [crop(2.5)], target(3, 5, 6), 'E0715'],
    ['a huge resize', [{ op: 'resize', size: [1e9, 1] }], target(3, 5, 6), 'E0715'],
  ])('refuses %s', (_, steps, shape, message) => {
    expect(faultOf(() => preprocessImage(ramp(6, 5), steps, shape))).toContain(message);
  });

  it('stays within 0..1 for every size and crop', () => {
    const side = fc.integer({ min: 1, max: 24 });
    fc.assert(
      fc.property(side, side, side, side, (width, height, size, cut) => {
        const steps: PreprocessStep[] = [{ op: 'resize', size }, crop(cut)];
        const values = preprocessImage(ramp(width, height), steps, target(3, cut, cut));
        expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
      }),
    );
  });
});

describe('a crop behind a resize', () => {
  it('is the middle of the whole resized picture', () => {
    const sides = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(sides, sides, sides, sides, sides, (width, height, newWidth, newHeight, cut) => {
        const resize: PreprocessStep = { op: 'resize', size: [newWidth, newHeight] };
        const image = ramp(width, height);
        const whole = fitImage(fitImage(image, [resize]), [crop(cut)]);
        expect(fitImage(image, [resize, crop(cut)])).toEqual(whole);
      }),
    );
  });
});

describe('how pictures are taken', () => {
  const stored: StoredImage = {
    width: 2,
    height: 1,
    channels: 4,
    data: Uint8Array.of(10, 20, 30, 255, 100, 150, 200, 51),
    orientation: 6,
  };
  const upright = target(3, 2, 1);

  it.each<[Omit<PictureStep, 'op'>, ImageShape, number[]]>([
    // 51 / 255 is a fifth: 100 / 5 + 204, 150 / 5 + 204, 200 / 5 + 204.
    [{}, upright, [10, 224, 20, 234, 30, 244]],
    [{ alpha: 'black' }, upright, [10, 20, 20, 30, 30, 40]],
    [{ alpha: 'drop' }, upright, [10, 100, 20, 150, 30, 200]],
    [{ alpha: 'drop', channels: 'bgr' }, upright, [30, 200, 20, 150, 10, 100]],
    [{ orientation: 'ignore', alpha: 'drop' }, target(3, 1, 2), [10, 100, 20, 150, 30, 200]],
  ])('%o', (settings, shape, bytes) => {
    const step: PictureStep = { op: 'picture', ...settings, scale: 255 };
    expect([...preprocessImage(stored, [step], shape)]).toEqual(bytes);
    const unit = preprocessImage(stored, [{ op: 'picture', ...settings }], shape);
    expect([...unit]).toEqual(bytes.map((byte) => Math.fround(byte / 255)));
    const steps = [step];
    const preparer = createPreparer({
      shape: [shape.channels, shape.height, shape.width],
      preprocess: steps,
      augment: [],
      ignore: undefined,
    });
    const values = new Float32Array(6);
    const sample = preparer.settle({
      input: { kind: 'image', image: stored },
      target: { kind: 'class', label: 0 },
      name: 'x',
    });
    preparer.finish(sample, { seed: 0, epoch: 0, index: 0 }, values, new Float32Array(1));
    expect([...values]).toEqual(bytes);
  });

  it('normalizes in the order of the model', () => {
    const step: PictureStep = { op: 'picture', alpha: 'drop', channels: 'bgr', scale: 255 };
    const normalize: PreprocessStep = { op: 'normalize', mean: [30, 20, 10], std: [1, 1, 1] };
    expect([...preprocessImage(stored, [step, normalize], upright)]).toEqual([0, 170, 0, 130, 0, 90]);
  });

  it('says where a mask was drawn on the stored rows', () => {
    const preparer = createPreparer({ shape: [3, 2, 1], preprocess: [], augment: [], ignore: undefined });
    const mask = { width: 2, height: 1, data: new Uint8Array(2) };
    expect(
      faultOf(() =>
        preparer.settle({ input: { kind: 'image', image: stored }, target: { kind: 'mask', mask }, name: 'a.jpg' }),
      ),
    ).toBe('E0714: the mask of a.jpg is 2x1, but the picture is seen as 1x2');
  });
});
