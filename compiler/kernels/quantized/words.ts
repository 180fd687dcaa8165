/** WGSL that takes words of four i8 apart and makes them: byte `c % 4` of a word holds q + 128. */
import type { Shader } from '../shader/wgsl.ts';

// Products stand for shifts here: SwiftShader computes shifts one lane at a time.

/** The i8 in the bytes of a word (a name), each times 2^24, as vec4f. */
export const scaledBytes = (word: string): string =>
  `vec4f(${[24, 16, 8, 0].map((shift) => `f32(i32(${highest(word, shift, '0xff000000u')}))`).join(', ')})`;

/** The byte that is `24 - shift` bits up in a word, moved to the top, with zeros behind it. */
function highest(words: string, shift: number, mask: string): string {
  const moved = shift === 0 ? words : `${words} * ${2 ** shift}u`;
  return shift === 24 ? moved : `(${moved}) & ${mask}`;
}

/** The 16 i8 of a vec4u as a mat4x4f that takes the bytes of a word to the components, each times 2^24. */
export const scaledMatrix = (words: string): string =>
  `mat4x4f(${[24, 16, 8, 0]
    .map((shift) => `vec4f(vec4i(${highest(words, shift, 'vec4u(0xff000000u)')}))`)
    .join(', ')})`;

/** Turns q + 128 in each byte into q. */
export const signedBytes = (word: string): string => `(${word} ^ 0x80808080u)`;

/** `fn unpackWord(w: u32) -> vec4f`: the four q of a word. */
export function declareUnpack(shader: Shader): void {
  shader.declare(`fn unpackWord(word: u32) -> vec4f {
  let w = ${signedBytes('word')};
  return ${scaledBytes('w')} * ${2 ** -24};
}`);
}

/** `fn packWord(b: vec4u) -> u32`, and `fn bytesOf(v: vec4f) -> vec4u` of whole numbers from 0 to 255. */
export function declarePack(shader: Shader): void {
  // A sum with 2^23 has the number in its lowest bits.
  shader.declare(`fn bytesOf(v: vec4f) -> vec4u {
  return bitcast<vec4u>(v + vec4f(8388608.0)) & vec4u(255u);
}
fn packWord(b: vec4u) -> u32 {
  return b.x + b.y * 256u + b.z * 65536u + b.w * 16777216u;
}`);
}

/**
 * `fn exact(sum: vec4i) -> vec4f`, the `exactF32` of the op rules: beyond 2^24 rounded half up to a multiple of 256,
 * which f32 holds exactly, so that no device's own rounding shows.
 */
export function declareExact(shader: Shader): void {
  shader.declare(`fn exact(sum: vec4i) -> vec4f {
  let coarse = (sum + vec4i(128)) & vec4i(-256);
  return vec4f(select(coarse, sum, abs(sum) < vec4i(16777216)));
}`);
}
