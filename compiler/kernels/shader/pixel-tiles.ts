/** Rows of pixels as tiles that one invocation each computes: how convolutions for software adapters cut an image. */
import type { Node } from '../../ir/node.ts';
import {
  ceilDivide,
  multiplyExtents,
  overrunOf,
  type Extent,
  type KernelCode,
  type KernelRequest,
  type Placement,
} from '../kernel.ts';

/** One SIMD group of lavapipe, two of SwiftShader. */
const lanes = 8;

interface Window {
  readonly outputs: number;
  readonly kernel: readonly [number, number];
  readonly attrs: { readonly stride: readonly number[]; readonly padding: readonly number[] };
}

export interface PixelTiles {
  /** Pixels of a row; of the whole image where it is seen as one row. */
  readonly width: Extent;
  readonly tilesPerRow: Extent;
  readonly tiles: Extent;
  /** Invocations along x count tiles, groups along y blocks of `4 * quads` channels, along z images. */
  readonly launch: Pick<KernelCode, 'workgroupSize' | 'workgroups'>;
  /** Pixels of the result that the last tile computes beyond the row. */
  readonly beyond: number;
}

interface TileSize {
  readonly pixels: number;
  readonly quads: number;
}

export function pixelTiles(request: KernelRequest, window: Window, { pixels, quads }: TileSize): PixelTiles {
  const { result } = request;
  const oneRow = seesOneRow(request, window);
  const height: Extent = oneRow ? 1 : result.height;
  const width = oneRow ? multiplyExtents(result.height, result.width) : result.width;
  const tilesPerRow = ceilDivide(width, pixels);
  const tiles = multiplyExtents(height, tilesPerRow);
  const blocks = Math.ceil(window.outputs / (4 * quads));
  return {
    width,
    tilesPerRow,
    tiles,
    launch: { workgroupSize: [lanes, 1, 1], workgroups: [ceilDivide(tiles, lanes), blocks, result.batch] },
    beyond: overrunOf(width, pixels),
  };
}

const whole = (placement: Placement): boolean => placement.halo.every((side) => side === 0);
const isPointwise = ({ kernel }: Window): boolean => kernel.every((size) => size === 1);

// A 1x1 convolution over values without borders sees an image as one long row, which tiles without waste.
function seesOneRow(request: KernelRequest, window: Window): boolean {
  const { stride, padding } = window.attrs;
  const pointwise = isPointwise(window) && stride.every((size) => size === 1) && padding.every((side) => side === 0);
  return pointwise && whole(request.result) && request.operands.every((operand) => !operand || whole(operand));
}

/** Tiles of one image times blocks of channels, for estimates of time; undefined where its size is not known. */
export function countTiles(node: Node, window: Window, { pixels, quads }: TileSize): number | undefined {
  const [, , height, width] = node.type.shape.map(Number);
  if (height === undefined || width === undefined) return undefined;
  const tiles = isPointwise(window) ? Math.ceil((height * width) / pixels) : height * Math.ceil(width / pixels);
  return tiles * Math.ceil(window.outputs / (4 * quads));
}
