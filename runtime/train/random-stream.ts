/** Random numbers of training by purpose: each is a function of seed, purpose, epoch and index alone. */
import { philox } from '../philox.ts';

/**
 * The fourth word of the counter. Dropout and initialisation have 0 there, so that no stream meets theirs; the bits
 * from 8 on number the streams of one purpose.
 */
export const purposes = { shuffle: 1, split: 2, augment: 3, mixup: 4, synthetic: 5 } as const;

export interface RandomStream {
  /** Uniform in [0, 1), a multiple of 2^-53. */
  uniform(): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** A uniform integer from 0 to `count - 1`. */
  below(count: number): number;
  /** Sixteen random bytes. */
  words(): readonly [number, number, number, number];
}

/** The stream of Philox blocks with counter (0 and up, index, epoch, purpose) and the 64-bit seed as key. */
export function randomStream(seed: number, purpose: number, epoch: number, index: number): RandomStream {
  const key = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0] as const;
  let block = 0;
  let spare: number | undefined;
  const words = () => philox([block++, index, epoch, purpose], key);
  const uniform = (): number => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const [a, b, c, d] = words();
    spare = fraction(c, d);
    return fraction(a, b);
  };
  return {
    uniform,
    between: (low, high) => low + uniform() * (high - low),
    below: (count) => Math.floor(uniform() * count),
    words,
  };
}

/** 53 bits of two words, as a fraction of one. */
function fraction(high: number, low: number): number {
  return ((high >>> 5) * 2 ** 26 + (low >>> 6)) * 2 ** -53;
}

/** A uniform permutation of 0 to `count - 1` (Fisher and Yates). */
export function permutation(count: number, random: RandomStream): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const chosen = random.below(last + 1);
    const value = order[chosen] ?? 0;
    order[chosen] = order[last] ?? 0;
    order[last] = value;
  }
  return order;
}
