/** Synthetic pictures as a dataset. */
import { mostSyntheticClasses, syntheticClassNames, syntheticSample } from '../../train/pictures/synthetic.ts';
import type { SyntheticOptions } from '../../train/pictures/synthetic.ts';
import { badData, checkIndex } from './dataset.ts';
import type { Dataset } from './dataset.ts';

const mostSamples = 1_000_000;

/** Throws E0714 for more classes than there are shapes, and for sizes out of range. */
export function createSynthetic(options: SyntheticOptions, samples: number): Dataset {
  const { target, classes, size } = options;
  const most = mostSyntheticClasses(target);
  if (!Number.isSafeInteger(classes) || classes < 2 || classes > most) {
    throw badData(`synthetic data has 2 to ${most} classes, not ${classes}`);
  }
  if (!Number.isSafeInteger(size) || size < 8 || size > 1024) {
    throw badData(`synthetic pictures have 8 to 1024 pixels a side, not ${size}`);
  }
  if (!Number.isSafeInteger(samples) || samples < 1 || samples > mostSamples) {
    throw badData(`synthetic data has 1 to ${mostSamples} samples, not ${samples}`);
  }
  return {
    format: 'synthetic',
    target,
    kind: 'image',
    size: samples,
    leftOut: [],
    classNames: syntheticClassNames(options),
    shape: [3, size, size],
    labels:
      target === 'class'
        ? () => Promise.resolve(Uint8Array.from({ length: samples }, (_, at) => at % classes))
        : undefined,
    async read(index) {
      checkIndex(index, samples);
      return Promise.resolve(syntheticSample(options, index));
    },
    close: () => Promise.resolve(),
  };
}
