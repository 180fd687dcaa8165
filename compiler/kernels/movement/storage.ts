/** Copies between a value and its storage order in a flat vector, where neither is a view of the other. */
import { isConstant } from '../../ir/leaves.ts';
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { flatStorage, fromStorage } from '../../ops/index.ts';
import {
  ceilDivide,
  channelGroups,
  multiplyExtents,
  pixelOrigin,
  type Kernel,
  type KernelRequest,
  type Placement,
} from '../kernel.ts';
import { imageConstant } from '../shader/pack.ts';
import { at, beginShader, splitLanes, walk, type Shader } from '../shader/wgsl.ts';

const lanes = 64;

interface Copy {
  /** The side that has images, pixels and borders. */
  readonly value: Placement;
  /** vec4 index of the first element on the flat side. */
  readonly origin: number;
  readonly toFlat: boolean;
  /** A vector `[C]` has one vec4 an element, and four elements a vec4 in storage order. */
  readonly isVector: boolean;
}

function operandOf({ node, operands }: KernelRequest): Placement {
  const [operand] = node.inputs;
  const placement = operands[0];
  if (placement) return placement;
  if (!operand || !isConstant(operand)) throw new TypeError(`${node.op.name} reads a value without a place`);
  return imageConstant(operand, operand.type.shape.length).placement;
}

const originOf = (placement: Placement): number => Number(pixelOrigin(placement));

function readCopy(request: KernelRequest): Copy {
  const { node, result } = request;
  const operand = operandOf(request);
  if (isOp(node, fromStorage)) {
    const origin = originOf(operand) + node.attrs.offset / 4;
    return { value: result, origin, toFlat: false, isVector: node.type.shape.length === 1 };
  }
  const rank = node.inputs[0]?.type.shape.length;
  return { value: operand, origin: originOf(result), toFlat: true, isVector: rank === 1 };
}

function bindSource(shader: Shader, node: Node): string {
  const [operand] = node.inputs;
  if (!operand || !isConstant(operand)) return shader.operand(0);
  return shader.constant(imageConstant(operand, operand.type.shape.length).packed);
}

/** Element `4 * i + lane` of a vector, for all four lanes; zero behind its end. */
const vectorLoad = (x: string, from: string, step: string, count: string): string =>
  `vec4f(${[0, 1, 2, 3]
    .map(
      (lane) =>
        `select(0.0, ${x}[${from} + min(4u * i + ${lane}u, ${count} - 1u) * ${step}].x, 4u * i + ${lane}u < ${count})`,
    )
    .join(', ')})`;

function bodyText(shader: Shader, { node }: KernelRequest, { value, origin, toFlat, isVector }: Copy): string {
  const x = bindSource(shader, node);
  const y = shader.result();
  const place = walk(shader, value);
  const flat = shader.u32(origin);
  if (isVector) {
    const count = shader.u32(value.batch);
    if (toFlat) {
      return `  if (4u * i >= ${count}) { return; }
  ${y}[${flat} + i] = ${vectorLoad(x, place.origin, place.image, count)};`;
    }
    return `  if (i >= ${count}) { return; }
  ${y}[${place.origin} + i * ${place.image}] = vec4f(${x}[${flat} + i / 4u][i % 4u], 0.0, 0.0, 0.0);`;
  }
  const [groups, columns, rows, images] = [channelGroups(value.channels), value.width, value.height, value.batch].map(
    (size) => shader.u32(size),
  );
  const index = at(place, 'n', 'y', 'x', 'c');
  return `  let c = i % ${groups};
  let p = i / ${groups};
  let x = p % ${columns};
  let q = p / ${columns};
  let y = q % ${rows};
  let n = q / ${rows};
  if (n >= ${images}) { return; }
  ${toFlat ? `${y}[${flat} + i] = ${x}[${index}];` : `${y}[${index}] = ${x}[${flat} + i];`}`;
}

export const storageKernel: Kernel = {
  name: 'storage',
  implements: ['fromStorage', 'flatStorage'],
  profiles: ['software', 'gpu'],
  // A flat vector of several parts takes a step a part.
  supports: (node) => isOp(node, fromStorage) || isOp(node, flatStorage),
  schedules: () => [{}],
  emit(request) {
    const copy = readCopy(request);
    const { value, isVector } = copy;
    const shader = beginShader(request);
    const body = bodyText(shader, request, copy);
    const items = isVector
      ? value.batch
      : multiplyExtents(value.batch, value.height, value.width, channelGroups(value.channels));
    const split = splitLanes(shader, ceilDivide(items, lanes), lanes);
    return shader.finish({
      workgroupSize: [lanes, 1, 1],
      workgroups: [...split.workgroups, 1],
      body: `  let i = ${split.index};\n${body}`,
    });
  },
};
