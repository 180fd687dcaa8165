/** Brightness, contrast and saturation of 8-bit pictures, bit for bit as Pillow's ImageEnhance (and so torchvision). */
import { toGrey } from '../../pictures/image.ts';
import type { Image8 } from '../../pictures/image.ts';
import { permutation } from '../random-stream.ts';
import type { RandomStream } from '../random-stream.ts';

export const adjustments = {
  /** 0 is black, 1 the picture itself. */
  brightness: (image: Image8, factor: number): Image8 => blend(() => 0, image, factor),
  /** 0 is the mean grey, rounded. */
  contrast(image: Image8, factor: number): Image8 {
    const grey = toGrey(image).data;
    const mean = Math.floor(grey.reduce((sum, value) => sum + value, 0) / grey.length + 0.5);
    return blend(() => mean, image, factor);
  },
  /** 0 is the grey picture. */
  saturation(image: Image8, factor: number): Image8 {
    if (image.channels === 1) return image;
    const grey = toGrey(image).data;
    return blend((at) => grey[Math.floor(at / 3)] ?? 0, image, factor);
  },
} as const;

/** `from + factor * (image - from)` in float32, cut off as Pillow's Blend.c does: towards zero, and to 0..255. */
function blend(from: (at: number) => number, image: Image8, factor: number): Image8 {
  const share = Math.fround(factor);
  const data = new Uint8Array(image.data.length);
  for (let at = 0; at < data.length; at++) {
    const base = from(at);
    const value = Math.fround(base + Math.fround(share * ((image.data[at] ?? 0) - base)));
    data[at] = value <= 0 ? 0 : value >= 255 ? 255 : Math.trunc(value);
  }
  return { ...image, data };
}

const kinds = ['brightness', 'contrast', 'saturation'] as const;

/** torchvision's `ColorJitter(strength, strength, strength)`: factors uniform in 1 +- strength, in a random order. */
export function jitterColours(image: Image8, strength: number, random: RandomStream): Image8 {
  const order = permutation(kinds.length, random);
  const factors = kinds.map(() => random.between(Math.max(0, 1 - strength), 1 + strength));
  let current = image;
  for (const chosen of order) {
    const kind = kinds[chosen];
    if (kind) current = adjustments[kind](current, factors[chosen] ?? 1);
  }
  return current;
}
