/** Figures of decoded samples: sizes, mean and deviation of each channel, and how much of masks each class has. */
import type { Sample } from '../../../../runtime/train/sample.ts';

export interface SampleFigures {
  readonly samples: number;
  /** Width and height, the most frequent first. */
  readonly sizes: readonly { readonly size: string; readonly count: number }[];
  /** By number of pixels. */
  readonly least: string;
  readonly most: string;
  /** Of every channel over all pixels; of pictures as numbers from 0 to 1. Empty where samples differ in channels. */
  readonly mean: readonly number[];
  /** The deviation of all pixels, not of a sample of them. */
  readonly std: readonly number[];
  /** Pixels of masks by class, and the masks that have some. */
  readonly labels: readonly { readonly label: number; readonly pixels: number; readonly samples: number }[];
}

export function createFigures(): { add(sample: Sample): void; result(): SampleFigures } {
  let samples = 0;
  const sizes = new Map<string, { count: number; pixels: number }>();
  const labels = new Map<number, { pixels: number; samples: number }>();
  let sums: { sum: number; squares: number }[] | undefined = [];
  let pixels = 0;
  return {
    add({ input, target }) {
      samples++;
      const [channels, height, width] =
        input.kind === 'image' ? [input.image.channels, input.image.height, input.image.width] : input.shape;
      const size = `${width}x${height}`;
      const known = sizes.get(size) ?? { count: 0, pixels: width * height };
      sizes.set(size, { ...known, count: known.count + 1 });
      if (sums?.length === 0) sums = Array.from({ length: channels }, () => ({ sum: 0, squares: 0 }));
      if (sums?.length !== channels) sums = undefined;
      if (sums) addValues(sums, input, width * height);
      pixels += width * height;
      if (target.kind === 'mask') addMask(labels, target.mask.data);
    },
    result: () => {
      const bySize = [...sizes].toSorted(([, a], [, b]) => a.pixels - b.pixels).map(([size]) => size);
      const mean = (sums ?? []).map(({ sum }) => sum / pixels);
      return {
        samples,
        sizes: [...sizes].map(([size, { count }]) => ({ size, count })).toSorted((a, b) => b.count - a.count),
        least: bySize[0] ?? '',
        most: bySize.at(-1) ?? '',
        mean,
        std: (sums ?? []).map(({ squares }, at) => Math.sqrt(Math.max(0, squares / pixels - (mean[at] ?? 0) ** 2))),
        labels: [...labels].map(([label, each]) => ({ label, ...each })).toSorted((a, b) => a.label - b.label),
      };
    },
  };
}

function addValues(sums: readonly { sum: number; squares: number }[], input: Sample['input'], pixels: number): void {
  const isImage = input.kind === 'image';
  const values = isImage ? input.image.data : input.values;
  const [scale, channels] = [isImage ? 1 / 255 : 1, sums.length];
  for (const [channel, total] of sums.entries()) {
    // Pictures have their channels side by side, tensors one behind the other.
    const [begin, step] = isImage ? [channel, channels] : [channel * pixels, 1];
    for (let pixel = 0; pixel < pixels; pixel++) {
      const value = (values[begin + pixel * step] ?? 0) * scale;
      total.sum += value;
      total.squares += value * value;
    }
  }
}

function addMask(labels: Map<number, { pixels: number; samples: number }>, data: Uint8Array): void {
  const counts = new Uint32Array(256);
  for (const label of data) counts[label] = (counts[label] ?? 0) + 1;
  for (const [label, count] of counts.entries()) {
    if (count === 0) continue;
    const known = labels.get(label) ?? { pixels: 0, samples: 0 };
    labels.set(label, { pixels: known.pixels + count, samples: known.samples + 1 });
  }
}
