/**
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a counter-based generator, so
 * that any element of any stream can be drawn alone and the same bits come out on CPU and GPU.
 */

const [multiplier0, multiplier1] = [0xd2511f53, 0xcd9e8d57];
const [weyl0, weyl1] = [0x9e3779b9, 0xbb67ae85];

/** High and low words of the 64-bit product of two u32. */
function multiply(a: number, b: number): readonly [number, number] {
  const low = Math.imul(a, b) >>> 0;
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const middle = aHigh * bLow + Math.floor((aLow * bLow) / 0x10000);
  const carry = aLow * bHigh + (middle % 0x10000);
  const high = aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000);
  return [high >>> 0, low];
}

/** Four random u32 of a 128-bit counter (words from low to high) and a 64-bit key. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): readonly [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = multiply(multiplier0, c0);
    const [high1, low1] = multiply(multiplier1, c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    [k0, k1] = [(k0 + weyl0) >>> 0, (k1 + weyl1) >>> 0];
  }
  return [c0, c1, c2, c3];
}

/** `count` values uniform in [low, high), drawn as 24-bit fractions; `stream` keeps draws of one seed apart. */
export function uniformValues(
  count: number,
  seed: number,
  stream: number,
  [low, high]: readonly [number, number],
): Float32Array {
  const values = new Float32Array(count);
  for (let block = 0; block * 4 < count; block++) {
    const words = philox(
      [block, Math.floor(block / 0x100000000), stream, 0],
      [seed >>> 0, Math.floor(seed / 0x100000000) >>> 0],
    );
    for (let lane = 0; lane < 4 && block * 4 + lane < count; lane++) {
      values[block * 4 + lane] = low + ((words[lane] ?? 0) >>> 8) * 2 ** -24 * (high - low);
    }
  }
  return values;
}
