/**
 * What a picture means, for every reader of pictures: training, evaluation, `run`, and pages.
 *
 * A picture is what people see: its rows are turned as EXIF's orientation says, and what is transparent shows white
 * below. Both are settings of `preprocess` (`orientation`, `alpha`); `drop` and `ignore` are what torchvision's
 * `ImageFolder` does. Colour profiles are not applied, as with Pillow; of several frames or pages the first counts.
 */
import type { PreprocessStep } from '../artifact.ts';
import type { Image8, StoredImage } from './image.ts';

/** How a stored picture becomes the one that models see; each key is absent where the default holds. */
export type PictureStep = Extract<PreprocessStep, { op: 'picture' }>;

/** The settings of `steps`; empty where all are the defaults. */
export function pictureStep(steps: readonly PreprocessStep[]): PictureStep {
  return steps.find((step) => step.op === 'picture') ?? { op: 'picture' };
}

/** Width and height after turning. */
export function seenSize(
  { width, height, orientation = 1 }: Pick<StoredImage, 'width' | 'height' | 'orientation'>,
  { orientation: setting }: Pick<PictureStep, 'orientation'>,
): { readonly width: number; readonly height: number } {
  const swaps = setting !== 'ignore' && orientation >= 5 && orientation <= 8;
  return swaps ? { width: height, height: width } : { width, height };
}

/** Upright and without alpha. The data is that of `image` where nothing has to be done. */
export function seenImage(image: StoredImage, settings: Omit<PictureStep, 'op'>): Image8 {
  const opaque = withoutAlpha(image, settings.alpha ?? 'white');
  const orientation = settings.orientation === 'ignore' ? 1 : (image.orientation ?? 1);
  return orientation >= 2 && orientation <= 8 ? turned(opaque, orientation) : opaque;
}

function withoutAlpha({ width, height, channels, data }: StoredImage, over: 'white' | 'black' | 'drop'): Image8 {
  if (channels === 1 || channels === 3) return { width, height, channels, data };
  const colours = channels === 2 ? 1 : 3;
  const result = new Uint8Array(width * height * colours);
  const background = over === 'black' ? 0 : 255;
  for (let from = 0, to = 0; to < result.length; from += channels) {
    const alpha = over === 'drop' ? 255 : (data[from + colours] ?? 255);
    for (let c = 0; c < colours; c++) {
      result[to++] = divideBy255((data[from + c] ?? 0) * alpha + background * (255 - alpha));
    }
  }
  return { width, height, channels: colours, data: result };
}

/** Rounded to nearest, exactly, for 0 to 255 * 255. */
export function divideBy255(value: number): number {
  const rounded = value + 128;
  return (rounded + (rounded >> 8)) >> 8;
}

/** Where the first pixel of the upright picture lies, and the steps to its neighbours right and below. */
function turned({ width, height, channels, data }: Image8, orientation: number): Image8 {
  const swaps = orientation >= 5;
  const [newWidth, newHeight] = swaps ? [height, width] : [width, height];
  // 2, 3, 7 and 8 begin at the right end of a stored row, 3, 4, 6 and 7 in the last stored row.
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  const [columnStep, rowStep] = [fromRight ? -1 : 1, fromBottom ? -width : width];
  const [right, below] = swaps ? [rowStep, columnStep] : [columnStep, rowStep];
  const first = (fromRight ? width - 1 : 0) + (fromBottom ? (height - 1) * width : 0);
  const result = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < newHeight; y++) {
    let from = (first + y * below) * channels;
    for (let x = 0; x < newWidth; x++, from += right * channels) {
      for (let c = 0; c < channels; c++) result[to++] = data[from + c] ?? 0;
    }
  }
  return { width: newWidth, height: newHeight, channels, data: result };
}
