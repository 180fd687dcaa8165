/** Masks of dropout: Philox4x32-10, the same bits as the reference. */
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { dropoutMask as dropoutMaskOp } from '../../ops/index.ts';
import { dropoutThreshold, type DropoutMaskAttrs } from '../../ops/dropout-mask.ts';
import { finishCells, insideChannels, spreadWorkgroups } from '../shader/cells.ts';
import { ceilDivide, channelGroups, multiplyExtents, pixelOrigin, type Kernel, type KernelRequest } from '../kernel.ts';
import { at, beginShader, range, unroll, walk, type Shader } from '../shader/wgsl.ts';

/** Ten rounds on a 128-bit counter; WGSL has no wide product, so its high word comes from 16-bit halves. */
const philoxText = `fn wide(a: u32, b: u32) -> vec2u {
  let al = a & 0xffffu; let ah = a >> 16u; let bl = b & 0xffffu; let bh = b >> 16u;
  let middle = ah * bl + ((al * bl) >> 16u);
  let carry = al * bh + (middle & 0xffffu);
  return vec2u(ah * bh + (middle >> 16u) + (carry >> 16u), a * b);
}
fn philox(block: u32, stream: u32, step: u32, seed: u32) -> vec4u {
  var c = vec4u(block, stream, step, 0u);
  var k = vec2u(seed, 0u);
  for (var round = 0u; round < 10u; round++) {
    let p = wide(0xd2511f53u, c.x);
    let q = wide(0xcd9e8d57u, c.z);
    c = vec4u(q.x ^ c.y ^ k.x, q.y, p.x ^ c.w ^ k.y, p.y);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}`;

/**
 * How elements of a block lie: `channels`, four neighbours of one pixel; `pixels`, four pixels of one channel;
 * `single`, in any way.
 */
type Spread = 'channels' | 'pixels' | 'single';

function spreadOf({ attrs: { shape } }: Node<DropoutMaskAttrs>): Spread {
  const [, channels = 1, ...rest] = shape;
  const plane = rest.reduce((product, size) => product * size, 1);
  if (shape.length > 1 && plane === 1) return channels % 4 === 0 ? 'channels' : 'single';
  return shape.length > 1 && plane % 4 === 0 ? 'pixels' : 'single';
}

export const dropoutMask: Kernel = {
  name: 'dropout-mask',
  implements: ['dropoutMask'],
  profiles: ['software', 'gpu'],
  supports: (node) => isOp(node, dropoutMaskOp),
  schedules: () => [{}],
  emit(request) {
    const { node, result } = request;
    const [rng] = request.operands;
    if (!isOp(node, dropoutMaskOp) || !rng) throw new TypeError(`${node.op.name} reads no placed state`);
    const spread = spreadOf(node);
    const shader = beginShader(request);
    const state = `${shader.operand(0)}[${shader.u32(pixelOrigin(rng))}]`;
    const [stream, threshold] = [shader.u32(node.attrs.stream), shader.u32(dropoutThreshold(node.attrs.p))];
    const kept = shader.f32(1 / (1 - node.attrs.p));
    shader.declare(philoxText);
    shader.declare(`fn draw(block: u32) -> vec4f {
  let state = ${state};
  let words = philox(block, ${stream}, u32(state.x), u32(state.y) | (u32(state.z) << 16u));
  return select(vec4f(${kept}), vec4f(), (words >> vec4u(8u)) < vec4u(${threshold}));
}`);
    if (spread === 'pixels') return emitPixels(shader, request);
    const [channels, rows, columns] = [result.channels, result.height, result.width].map((size) => shader.u32(size));
    if (spread === 'channels') return finishCells(shader, request, `  let v = draw((n * ${channels}) / 4u + c);`);
    const lane = (k: number): string =>
      `  let e${k} = ((n * ${channels} + c * 4u + ${k}u) * ${rows} + y) * ${columns} + x;`;
    const lanes = range(4).map((k) => `draw(e${k} / 4u)[e${k} % 4u]`);
    const value = `select(vec4f(), vec4f(${lanes.join(', ')}), ${insideChannels(shader, result.channels)})`;
    return finishCells(shader, request, `${unroll(4, lane)}\n  let v = ${value};`);
  },
};

/** Four pixels of four channels an invocation: four blocks, turned. */
function emitPixels(shader: Shader, { result }: KernelRequest) {
  const groups = channelGroups(result.channels);
  const plane = multiplyExtents(result.height, result.width);
  const items = multiplyExtents(result.batch, ceilDivide(plane, 4), groups);
  const [groupCount, channels, columns] = [groups, result.channels, result.width].map((size) => shader.u32(size));
  const [quads, count] = [shader.u32(ceilDivide(plane, 4)), shader.u32(items)];
  const inside = insideChannels(shader, result.channels);
  const y = shader.result();
  const to = walk(shader, result);
  const lanes = 32;
  return shader.finish({
    workgroupSize: [lanes, 1, 1],
    workgroups: spreadWorkgroups(ceilDivide(items, lanes)),
    body: `
  let i = invocation.x + group.y * ${32768 * lanes}u;
  if (i >= ${count}) { return; }
  let c = i % ${groupCount};
  let q = (i / ${groupCount}) % ${quads};
  let n = i / ${groupCount} / ${quads};
  let first = (n * ${channels} + c * 4u) * ${quads} + q;
  let m = transpose(mat4x4f(${range(4)
    .map((k) => `draw(first + ${k}u * ${quads})`)
    .join(', ')}));
${unroll(4, (k) => {
  const [row, column] = [`((q * 4u + ${k}u) / ${columns})`, `((q * 4u + ${k}u) % ${columns})`];
  return `  ${y}[${at(to, 'n', row, column, 'c')}] = select(vec4f(), m[${k}], ${inside});`;
})}`,
  });
}
