/** Small pictures for tests of augmentation. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Image8 } from '../../../runtime/pictures/image.ts';
import type { RandomStream } from '../../../runtime/train/random-stream.ts';
import type { LabelledPicture, Mask8 } from '../../../runtime/train/sample.ts';

type Size = readonly [number, number];

/** What record-augment.py writes. */
interface Golden {
  readonly colours: readonly {
    readonly kind: 'brightness' | 'contrast' | 'saturation';
    readonly factor: number;
    readonly from: [number, number, 1 | 3];
    readonly data: string;
  }[];
  readonly rotations: readonly {
    readonly from: [number, number, 1 | 3];
    readonly angle: number;
    readonly data: string;
  }[];
  readonly crops: readonly {
    readonly from: Size;
    readonly window: readonly [number, number, number, number];
    readonly size: number;
    readonly picture: string;
    readonly mask: string;
  }[];
  readonly padded: readonly {
    readonly top: number;
    readonly left: number;
    readonly size: number;
    readonly pad: number;
    readonly data: string;
  }[];
  readonly windows: readonly {
    readonly from: Size;
    readonly scale: Size;
    readonly ratio: Size;
    readonly fractions: readonly number[];
    readonly window: readonly [number, number, number, number];
  }[];
}

export const golden = JSON.parse(readFileSync(join(import.meta.dirname, '../golden/augment.json'), 'utf8')) as Golden;

export const bytesOf = (base64: string): number[] => [...Buffer.from(base64, 'base64')];

/** The picture that record-augment.py makes. */
export function picture(width: number, height: number, channels: 1 | 3): Image8 {
  let state = BigInt(width * 31 + height * 17 + channels);
  const data = Uint8Array.from({ length: width * height * channels }, () => {
    state = (state * 1103515245n + 12345n) % 2n ** 31n;
    return Number((state >> 16n) & 255n);
  });
  return { width, height, channels, data };
}

/** A grey picture of byte values whose mask has the same values, so that both must move alike. */
export function twin(width: number, height: number): LabelledPicture & { readonly target: { readonly mask: Mask8 } } {
  const data = Uint8Array.from({ length: width * height }, (_, at) => 1 + (at % 250));
  const image: Image8 = { width, height, channels: 1, data };
  return { picture: image, target: { kind: 'mask', mask: { width, height, data: data.slice() } } };
}

/** A stream that gives the fractions one after the other, and fails behind the last. */
export function fixedStream(fractions: readonly number[]): RandomStream {
  let at = 0;
  const uniform = () => {
    const value = fractions[at++];
    if (value === undefined) throw new Error(`more than ${fractions.length} draws`);
    return value;
  };
  return {
    uniform,
    between: (low, high) => low + uniform() * (high - low),
    below: (count) => Math.floor(uniform() * count),
    words: () => [0, 0, 0, 0],
  };
}
