/** The frame of kernels that compute each vec4 of the result alone: runs of cells, images and rows in one flat count. */
import {
  ceilDivide,
  channelGroups,
  multiplyExtents,
  type Extent,
  type KernelCode,
  type KernelRequest,
  type Profile,
} from '../kernel.ts';
import { at, walk, type Shader } from './wgsl.ts';

const lanes = 32;

/** Workgroups in one row of a dispatch: a dimension holds at most 65535. */
const rowLength = 32768;

/** Cells of a row that one invocation computes: on a CPU, the divisions that find its place cost more than a cell. */
const runOf = (profile: Profile): number => (profile === 'gpu' ? 1 : 16);

/**
 * Completes a shader whose `body` sets `v`, the vec4 of image `n`, row `y`, column `x` and channel group `c`. The
 * result's binding comes after those that exist.
 */
export function finishCells(shader: Shader, { result, profile }: CellRequest, body: string): KernelCode {
  const groups = channelGroups(result.channels);
  const run = runOf(profile);
  const runs = ceilDivide(result.width, run);
  const items = multiplyExtents(result.batch, result.height, runs, groups);
  const [groupCount, columns, runCount, rows, count] = [groups, result.width, runs, result.height, items].map((size) =>
    shader.u32(size),
  );
  const target = shader.result();
  const to = walk(shader, result);
  return shader.finish({
    workgroupSize: [lanes, 1, 1],
    workgroups: spreadWorkgroups(ceilDivide(items, lanes)),
    body: `
  let i = invocation.x + group.y * ${rowLength * lanes}u;
  if (i >= ${count}) { return; }
  let c = i % ${groupCount};
  let p = i / ${groupCount};
  let first = (p % ${runCount}) * ${run}u;
  let r = p / ${runCount};
  let y = r % ${rows};
  let n = r / ${rows};
  for (var x = first; x < min(first + ${run}u, ${columns}); x++) {
${body}
  ${target}[${at(to, 'n', 'y', 'x', 'c')}] = v;
  }`,
  });
}

type CellRequest = Pick<KernelRequest, 'result' | 'profile'>;

/** Workgroup counts whose product is at least `count`; number i is `group.x + group.y * 32768u`. */
export function spreadWorkgroups(count: Extent): readonly [Extent, Extent, Extent] {
  return typeof count === 'number' && count <= rowLength ? [count, 1, 1] : [rowLength, ceilDivide(count, rowLength), 1];
}

/** WGSL that is true for the lanes of channel group `c` that hold a channel. */
export const insideChannels = (shader: Shader, channels: number): string =>
  `vec4u(0, 1, 2, 3) + c * 4u < vec4u(${shader.u32(channels)})`;
