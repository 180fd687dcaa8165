/** Whether pictures and masks fit each other and the model, by the headers of their files. */
import { RuntimeFault } from '../errors.ts';
import { inLanes } from '../lanes.ts';
import { pictureStep, seenSize } from '../pictures/seen-image.ts';
import type { SampleSource } from '../train/loader.ts';
import { checkMaskSize, checkSampleSize } from '../train/pictures/prepare-sample.ts';
import type { Preparation } from '../train/pictures/prepare-sample.ts';
import { compareSizes } from './datasets/image-mask-folder.ts';
import { headerOf } from './pictures/image-header.ts';

/** Files that are open at once. */
const atOnce = 16;

/** What is done with samples; without a shape where the model takes pictures of any size. */
export type Wanted = Pick<Preparation, 'preprocess' | 'augment' | 'ignore'> & {
  readonly shape: Preparation['shape'] | undefined;
};

interface Sized {
  readonly path: string;
  /** As the model sees it, before it is resized. */
  readonly width: number;
  readonly height: number;
}

/**
 * Looks at the header of every picture that has a file of its own, where not every size would do, and at those of the
 * masks. Throws E0906 that counts the pictures that do not fit, and E0714 for a mask of another size than its picture.
 */
export async function checkSizes(
  { name, filesOf, size }: Pick<SampleSource, 'name' | 'filesOf' | 'size'>,
  { shape, ...rest }: Wanted,
): Promise<void> {
  const first = filesOf?.(0) ?? [];
  const preparation = shape && { ...rest, shape };
  const isGiven = !preparation || givesOneSize(preparation);
  if (!filesOf || (isGiven && first.length < 2)) return;
  const positions = Array.from({ length: size }, (_, position) => position);
  const samples = await inLanes(positions, atOnce, async (position): Promise<Sized> => {
    const [path = '', mask] = filesOf(position);
    const stored = await headerOf(path);
    const seen = seenSize(stored, pictureStep(rest.preprocess));
    if (mask !== undefined) {
      const found = await headerOf(mask);
      compareSizes({ image: path, mask }, stored, found);
      checkMaskSize(path, found, seen);
    }
    return { path, ...seen };
  });
  if (preparation && !isGiven) checkAll(samples, preparation, name);
}

/** Whether the preparation brings pictures of any size to that of the model. */
function givesOneSize(preparation: Preparation): boolean {
  const [wide, high] = [
    { path: '', width: 1000, height: 1 },
    { path: '', width: 1, height: 1000 },
  ];
  return !faultOf(wide, preparation) && !faultOf(high, preparation);
}

function faultOf({ path, width, height }: Sized, preparation: Preparation): RuntimeFault | undefined {
  try {
    checkSampleSize([preparation.shape[0], height, width], 'image', preparation, path);
    return undefined;
  } catch (error) {
    if (error instanceof RuntimeFault) return error;
    throw error;
  }
}

function checkAll(samples: readonly Sized[], preparation: Preparation, name: string): void {
  const faults = new Map<string, RuntimeFault | undefined>();
  const fits = (sample: Sized): boolean => {
    const key = `${sample.width}x${sample.height}`;
    if (!faults.has(key)) faults.set(key, faultOf(sample, preparation));
    return faults.get(key) === undefined;
  };
  const bad = samples.filter((sample) => !fits(sample));
  const fault = bad[0] && faultOf(bad[0], preparation);
  if (!fault) return;
  if (samples.length === 1) throw fault;
  const good = samples.find(fits);
  const others = good
    ? `${good.path} (${good.width}x${good.height}) fits; ${bad.length} of ${samples.length} pictures of ${name} do not`
    : `none of ${samples.length} pictures of ${name} fits`;
  throw new RuntimeFault('E0906', 'input', `${fault.message}; ${others}`, fault.help);
}
