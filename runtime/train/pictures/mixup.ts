/** Mixup (Zhang et al. 2018): a batch becomes a weighted mean of itself and of itself in another order. */
import { permutation, purposes, randomStream } from '../random-stream.ts';
import type { RandomStream } from '../random-stream.ts';

export interface Mixing {
  /** For each sample of the batch the one that it is mixed with. */
  readonly partners: Uint32Array;
  /** Weight of the sample itself; its partner has the rest. */
  readonly lambda: number;
}

/** The draw of one batch: a uniform permutation and `lambda ~ Beta(alpha, alpha)`, rounded to float32. */
export function drawMixing(batch: number, alpha: number, seed: number, epoch: number, index: number): Mixing {
  const random = randomStream(seed, purposes.mixup, epoch, index);
  return { partners: permutation(batch, random), lambda: Math.fround(symmetricBeta(alpha, random)) };
}

/** Beta(alpha, alpha) as X / (X + Y) of two gammas, by logarithms, since a small `alpha` takes both below 1e-300. */
export function symmetricBeta(alpha: number, random: RandomStream): number {
  return 1 / (1 + Math.exp(logGamma(alpha, random) - logGamma(alpha, random)));
}

/** Logarithm of a Gamma(shape, 1) variate: Marsaglia and Tsang 2000, with G(a) = G(a + 1) * U^(1/a). */
function logGamma(shape: number, random: RandomStream): number {
  const d = shape + 1 - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  const boost = Math.log(1 - random.uniform()) / shape;
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return Math.log(d * v) + boost;
  }
}

/** Box and Muller's transform. */
function normal(random: RandomStream): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.uniform()));
  return radius * Math.cos(2 * Math.PI * random.uniform());
}

/** Mixes `images`, samples one behind the other, into `mixed`: each product and sum rounded to float32. */
export function mixImages(images: Float32Array, mixed: Float32Array, { partners, lambda }: Mixing): void {
  const length = images.length / partners.length;
  const rest = Math.fround(1 - lambda);
  for (const [sample, partner] of partners.entries()) {
    for (let at = 0; at < length; at++) {
      const own = Math.fround(lambda * (images[sample * length + at] ?? 0));
      mixed[sample * length + at] = own + Math.fround(rest * (images[partner * length + at] ?? 0));
    }
  }
}
