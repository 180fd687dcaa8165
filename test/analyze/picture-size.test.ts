/** What the source alone tells of pictures that do not fit their model; every help is followed, and leads to no fault. */
import { describe, expect, it } from 'vitest';
import { check, faultsOf as told } from './memory-host.ts';

const model = (channels: number, height: number | string, width: number | string) =>
  `model M(x: f32[N, ${channels}, ${height}, ${width}]) { return x |> global_avg_pool |> flatten |> linear(2) }\n`;

const square = model(3, 32, 32);

describe('sizes behind preprocess', () => {
  it.each<[string, string, string, string]>([
    [
      square,
      'resize(160px)  center_crop(160px)',
      'E0605 2:35 pictures are 160x160 behind this, but `M` takes 32x32',
      'resize(32px)  center_crop(32px)',
    ],
    [
      square,
      'resize(256px)  center_crop(224px)',
      'E0605 2:35 pictures are 224x224 behind this, but `M` takes 32x32',
      'resize(37px)  center_crop(32px)',
    ],
    [
      square,
      'resize(64px)',
      'E0605 2:20 the shorter side of pictures is 64 behind this, but `M` takes 32x32',
      'resize(32px)  center_crop(32px)',
    ],
    [
      square,
      'resize(32px)',
      'W0017 2:20 only pictures that are square become 32x32, as `M` takes them: this scales the shorter side to 32',
      'resize(32px)  center_crop(32px)',
    ],
    [
      square,
      'resize(32px, height=24px)',
      'E0605 2:20 pictures are 32x24 behind this, but `M` takes 32x32',
      'resize(32px)  center_crop(32px)',
    ],
    [
      square,
      'resize(64px, height=64px)  resize(16px)',
      'E0605 2:47 pictures are 16x16 behind this, but `M` takes 32x32',
      'resize(32px)  center_crop(32px)',
    ],
    [
      model(3, 24, 32),
      'resize(24px)  center_crop(24px)',
      'E0605 2:34 pictures are 24x24 behind this, but `M` takes 32x24',
      'resize(32px, height=24px)',
    ],
    [
      model(3, 24, 32),
      'resize(24px)',
      'W0017 2:20 only pictures of 32:24 become 32x24, as `M` takes them: this scales the shorter side to 24',
      'resize(32px, height=24px)',
    ],
  ])('%s %s', (source, steps, fault, right) => {
    const text = `${source}preprocess for M { ${steps}  normalize(mean=[0.5], std=[0.2]) }`;
    expect(told(text)).toEqual([fault]);
    expect(check(text).diagnostics[0]?.help).toBe(`write \`${right}\``);
    expect(told(text.replace(steps, right))).toEqual([]);
  });

  it.each([
    [square, 'resize(36px)  center_crop(32px)'],
    [square, 'resize(32px, height=32px)'],
    [square, 'center_crop(32px)'],
    [square, 'normalize(mean=[0.5], std=[0.2])'],
    [square, 'resize(64px, height=48px)  resize(32px)  center_crop(32px)'],
    [model(3, 'H', 'W'), 'resize(160px)  center_crop(160px)'],
    [model(3, 'H', 'W'), 'resize(160px)'],
    [model(1, 32, 32), 'resize(32px)  center_crop(32px)  normalize(mean=[0.5], std=[0.2])'],
  ])('lets through %s %s', (source, steps) => {
    expect(told(`${source}preprocess for M { ${steps} }`)).toEqual([]);
  });

  it('says where a crop adds black', () => {
    expect(told(`${square}preprocess for M { resize(28px)  center_crop(32px) }`)).toEqual([
      'W0018 2:34 this is larger than the pictures, whose shorter side is 28 here: it adds a black border',
    ]);
  });

  it('says where values or their order are those of other channels', () => {
    const grey = model(1, 32, 32);
    expect(told(`${grey}preprocess for M { normalize(mean=[0.5, 0.5, 0.5], std=[1, 1, 1]) }`)).toEqual([
      'E0605 2:20 `mean` has 3 values, but `M` takes 1 channel',
    ]);
    expect(told(`${grey}preprocess for M { channels = bgr }`)).toEqual([
      'E0605 2:31 `bgr` is an order of three channels, but `M` takes 1',
    ]);
  });
});

describe('how pictures are taken', () => {
  it.each([
    ['', []],
    ['orientation = exif  alpha = white  channels = rgb  scale = unit', []],
    ['orientation = ignore', [{ op: 'picture', orientation: 'ignore' }]],
    ['alpha = drop  channels = bgr', [{ op: 'picture', alpha: 'drop', channels: 'bgr' }]],
    [
      'center_crop(32px)  alpha = black  scale = bytes',
      [
        { op: 'picture', alpha: 'black', scale: 255 },
        { op: 'center_crop', size: 32 },
      ],
    ],
  ])('%s', (settings, steps) => {
    const program = check(`${square}preprocess for M { ${settings} }`).program;
    expect(program.diagnostics).toEqual([]);
    expect(program.models[0]?.preprocess(undefined).preprocess?.steps).toEqual(steps);
  });

  it('refuses other words', () => {
    expect(told(`${square}preprocess for M { alpha = grey }`)).toEqual(['E0604 2:28 `alpha` cannot be `grey`']);
  });
});
