import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toGrey } from '../../runtime/pictures/image.ts';
import type { Image8 } from '../../runtime/pictures/image.ts';
import { resizeImage } from '../../runtime/pictures/resize-image.ts';

interface Golden {
  readonly resized: readonly {
    readonly from: [number, number, 1 | 3];
    readonly to: [number, number];
    readonly data: string;
  }[];
  readonly grey: { readonly from: [number, number, 1 | 3]; readonly data: string };
}

const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden/pillow.json'), 'utf8')) as Golden;

/** The picture that record-pillow.py makes. */
function picture(width: number, height: number, channels: 1 | 3): Image8 {
  let state = BigInt(width * 31 + height * 17 + channels);
  const data = Uint8Array.from({ length: width * height * channels }, () => {
    state = (state * 1103515245n + 12345n) % 2n ** 31n;
    return Number((state >> 16n) & 255n);
  });
  return { width, height, channels, data };
}

describe('resizeImage', () => {
  it.each(golden.resized)('gives the bytes of Pillow for $from to $to', ({ from, to, data }) => {
    const result = resizeImage(picture(...from), ...to);
    expect([result.width, result.height, result.channels]).toEqual([...to, from[2]]);
    expect([...result.data]).toEqual([...Buffer.from(data, 'base64')]);
  });

  it('gives the same image where the size is right already', () => {
    const image = picture(7, 5, 3);
    expect(resizeImage(image, 7, 5)).toBe(image);
  });

  it('keeps a constant picture constant at every scale', () => {
    for (const value of [0, 1, 127, 254, 255]) {
      const image: Image8 = { width: 10, height: 7, channels: 1, data: new Uint8Array(70).fill(value) };
      for (const [width, height] of [
        [1, 1],
        [3, 20],
        [100, 2],
        [9, 8],
      ] as const) {
        expect(new Set(resizeImage(image, width, height).data)).toEqual(new Set([value]));
      }
    }
  });
});

describe('toGrey', () => {
  it("gives the bytes of Pillow's convert('L')", () => {
    expect([...toGrey(picture(...golden.grey.from)).data]).toEqual([...Buffer.from(golden.grey.data, 'base64')]);
  });
});
