/** Elementwise groups: one vec4 of the result an invocation, operands broadcast by stride. */
import { shapesEqual } from '../ir/dim.ts';
import { isConstant } from '../ir/leaves.ts';
import type { Node } from '../ir/node.ts';
import { declareEpilogue } from './epilogue.ts';
import { readElementwise } from './group.ts';
import { ceilDivide, channelGroups, multiplyExtents, type Kernel } from './kernel.ts';
import { at, beginShader, splitLanes, walk } from './wgsl.ts';

const lanes = 64;

// Height stands for all axes between channels and width, so beyond rank 4 it cannot broadcast a part of them; and an
// operand of lower rank has its axes elsewhere in memory unless it is a constant, which is packed to fit.
const fits = (node: Node, operand: Node): boolean => {
  if (isConstant(operand)) return node.type.shape.length <= 4 || operand.attrs.tensor.data.length === 1;
  if (operand.type.shape.length !== node.type.shape.length) return false;
  return node.type.shape.length <= 4 || shapesEqual(operand.type.shape, node.type.shape);
};

export const elementwise: Kernel = {
  name: 'elementwise',
  implements: ['fused'],
  profiles: ['software', 'gpu'],
  supports: (node) => readElementwise(node) !== undefined && node.inputs.every((operand) => fits(node, operand)),
  schedules: () => [{}],
  inPlace: true,
  emit(request) {
    const tail = readElementwise(request.node);
    if (!tail) throw new TypeError(`${request.node.op.name} is not elementwise`);
    const { result } = request;
    const groups = channelGroups(result.channels);
    const items = multiplyExtents(result.height, result.width, groups);
    const shader = beginShader(request);
    declareEpilogue(shader, tail, request);
    const y = shader.result();
    const to = walk(shader, result);
    const groupCount = shader.u32(groups);
    const columns = shader.u32(result.width);
    const rows = shader.u32(result.height);
    const split = splitLanes(shader, ceilDivide(items, lanes), lanes);
    const body = `
  let i = ${split.index};
  let c = i % ${groupCount};
  let p = i / ${groupCount};
  let y = p / ${columns};
  let x = p - y * ${columns};
  let n = group.z;
  if (y >= ${rows}) { return; }
  ${y}[${at(to, 'n', 'y', 'x', 'c')}] = finish(vec4f(), n, y, x, c);`;
    return shader.finish({
      workgroupSize: [lanes, 1, 1],
      workgroups: [...split.workgroups, result.batch],
      body,
    });
  },
};
