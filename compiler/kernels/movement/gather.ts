/** Data movement: every element of the result names the one element of an operand that it copies. */
import { addDims, type Dim } from '../../ir/dim.ts';
import { isConstant, isInput } from '../../ir/leaves.ts';
import { topologicalOrder, type Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import {
  after,
  channelShuffle,
  concat,
  fused,
  ops,
  pad,
  pixelShuffle,
  reshape,
  selectChannels,
  slice,
  subsample,
  transpose,
} from '../../ops/index.ts';
import { channelTables, isMovement } from '../../ops/rules/movement.ts';
import { elementIndex, logicalCoordinates } from '../shader/element.ts';
import {
  ceilDivide,
  channelGroups,
  groupType,
  multiplyExtents,
  wordOf,
  type Kernel,
  type KernelRequest,
  type PackedConstant,
} from '../kernel.ts';
import { imageConstant } from '../shader/pack.ts';
import { at, beginShader, range, walk, type Shader } from '../shader/wgsl.ts';
import { declarePack } from '../quantized/words.ts';

const lanes = 32;

const isMovementGroup = (node: Node): boolean =>
  isOp(node, fused) &&
  topologicalOrder(node.attrs.body).every((inner) => isMovement(inner) || isInput(inner) || isConstant(inner));

/** Storage bindings that a gather may use beside its result: operands and tables of channels. */
const maxOperands = 7;

const operandsAndTables = (node: Node): number =>
  node.inputs.length + (isOp(node, fused) ? channelTables(topologicalOrder(node.attrs.body)) : channelTables([node]));

export const gather: Kernel = {
  name: 'gather',
  implements: [...ops.values()].flatMap(({ name, traits }) =>
    traits?.isMovement || name === after.name ? [name] : [],
  ),
  profiles: ['software', 'gpu'],
  supports: (node) =>
    node.op.name === after.name ||
    ((isMovement(node) || isMovementGroup(node)) && operandsAndTables(node) <= maxOperands),
  schedules: () => [{}],
  emit(request) {
    const { node, result } = request;
    const shader = beginShader(request);
    const root = isOp(node, fused) ? node.attrs.body.outputs['result'] : node;
    if (!root) throw new TypeError('the body of a fused node has no result');
    const whole = movesGroups(node, root);
    const fetch = declareFetch({ shader, request, names: new Map(), whole }, root);
    const isInteger = result.element === 'i8';
    if (isInteger && !whole) declarePack(shader);
    const y = shader.result(groupType(result.element));
    const to = walk(shader, result);
    const groups = channelGroups(result.channels);
    const [groupCount, channels, columns, rows] = [groups, result.channels, result.width, result.height].map((size) =>
      shader.u32(size),
    );
    const rank = node.type.shape.length;
    const coordinates = logicalCoordinates(shader, node.type.shape);
    const lane = (index: number): string => {
      const channel = `c * 4u + ${index}u`;
      const call = `${fetch}(${coordinates(channel).slice(0, rank).join(', ')})`;
      return index === 0 ? `  v.x = ${call};` : `  if (${channel} < ${channels}) { v.${'xyzw'[index]} = ${call}; }`;
    };
    const lanesOf = (): string => `  var v = vec4f();\n${range(4).map(lane).join('\n')}`;
    const value = isInteger && !whole ? 'packWord(bytesOf(v + vec4f(128.0)))' : 'v';
    const body = `
  let c = invocation.x % ${groupCount};
  let p = invocation.x / ${groupCount};
  let y = p / ${columns};
  let x = p - y * ${columns};
  let n = group.z;
  if (y >= ${rows}) { return; }
${whole ? `  let v = ${fetch}(n, c, y, x);` : lanesOf()}
  ${y}[${at(to, 'n', 'y', 'x', 'c')}] = ${value};`;
    return shader.finish({
      workgroupSize: [lanes, 1, 1],
      workgroups: [ceilDivide(multiplyExtents(result.height, result.width, groups), lanes), 1, result.batch],
      body,
    });
  },
};

/**
 * Whether every group of four channels of the result is one of an operand's, or filled: then it moves at once. Lanes
 * beyond the channels stay zero, because they come from such lanes, or from where all lanes of a group are channels.
 */
function movesGroups(node: Node, root: Node): boolean {
  const inner = isOp(node, fused) ? topologicalOrder(node.attrs.body) : [root];
  const leaves: readonly Node[] = isOp(node, fused)
    ? inner.filter((each) => isInput(each) || isConstant(each))
    : node.inputs;
  const isImage = ({ type }: Node): boolean => type.shape.length === 4;
  const moves = inner.filter((each) => !leaves.includes(each));
  return (
    leaves.every((leaf) => isImage(leaf) && !isConstant(leaf)) &&
    moves.every((each) => isImage(each) && (each.op.name === after.name || keepsGroups(each)))
  );
}

const isWhole = (channels: Dim | undefined): boolean => Number(channels) % 4 === 0;

function keepsGroups(node: Node): boolean {
  const [channels, own] = [node.type.shape[1], node.inputs[0]?.type.shape[1]];
  if (isOp(node, subsample)) return true;
  if (isOp(node, slice)) {
    const { axis, from, to } = node.attrs;
    return axis !== 1 || (isWhole(from) && (isWhole(to) || to === own));
  }
  if (isOp(node, pad)) {
    const { before, after: behind, value } = node.attrs;
    return isWhole(before[1]) && (behind[1] === 0 || isWhole(own)) && (value === 0 || isWhole(channels));
  }
  if (isOp(node, concat))
    return node.attrs.axis !== 1 || node.inputs.slice(0, -1).every(({ type }) => isWhole(type.shape[1]));
  return isOp(node, transpose) && node.attrs.permutation[1] === 1;
}

const parameters = (rank: number): string[] => range(rank).map((axis) => `d${axis}`);

interface Fetcher {
  readonly shader: Shader;
  readonly request: KernelRequest;
  /** Functions by value; their numbers depend on the form of the group alone, so that equal forms share a pipeline. */
  readonly names: Map<Node, string>;
  /** Whether whole groups are fetched: the second coordinate then counts groups, as do all sizes of that axis. */
  readonly whole: boolean;
}

const alongAxis = ({ whole }: Fetcher, axis: number, size: Dim): Dim =>
  whole && axis === 1 ? channelGroups(Number(size)) : size;

/** Declares `fn fetchK(d0: u32, ...) -> f32`, or of a group, for a value, after those that it calls; returns its name. */
function declareFetch(fetcher: Fetcher, node: Node): string {
  const known = fetcher.names.get(node);
  if (known) return known;
  const leaf = node !== fetcher.request.node && !(isMovement(node) && isInside(fetcher, node));
  const text = leaf ? leafText(fetcher, node) : movementText(fetcher, node);
  const name = `fetch${fetcher.names.size}`;
  fetcher.names.set(node, name);
  const signature = parameters(node.type.shape.length).map((parameter) => `${parameter}: u32`);
  const type = fetcher.whole ? (groupType(fetcher.request.result.element) ?? 'vec4f') : 'f32';
  fetcher.shader.declare(`fn ${name}(${signature.join(', ')}) -> ${type} {\n${text}\n}`);
  return name;
}

// Operands of a plain node are values of the graph; in a fused body every op belongs to the group.
const isInside = ({ request }: Fetcher, node: Node): boolean => isOp(request.node, fused) && !isInput(node);

function leafText({ shader, request, whole }: Fetcher, node: Node): string {
  const index = isOp(request.node, fused)
    ? isInput(node)
      ? node.attrs.index
      : undefined
    : request.node.inputs.indexOf(node);
  const constant = index === undefined ? node : request.node.inputs[index];
  if (constant && isConstant(constant)) {
    const { packed, placement } = imageConstant(constant, constant.type.shape.length);
    const coordinates = parameters(node.type.shape.length);
    return `  return ${elementIndex(shader, shader.constant(packed, groupType(placement.element)), placement, node.type.shape, coordinates)};`;
  }
  const placement = request.operands[index ?? -1];
  if (index === undefined || !placement) throw new TypeError(`operand ${node.op.name} has no place in memory`);
  const buffer = shader.operand(index, groupType(placement.element));
  const coordinates = parameters(node.type.shape.length);
  if (whole) return `  return ${buffer}[${at(walk(shader, placement), 'd0', 'd2', 'd3', 'd1')}];`;
  return `  return ${elementIndex(shader, buffer, placement, node.type.shape, coordinates)};`;
}

/** The body of a movement op's fetch function, in terms of its operands'. */
function movementText(fetcher: Fetcher, node: Node): string {
  const { shader } = fetcher;
  // The second operand of `after` is not read.
  const operands = node.op.name === after.name ? node.inputs.slice(0, 1) : node.inputs;
  const sources = operands.map((input) => declareFetch(fetcher, input));
  const [source = ''] = sources;
  const coordinates = parameters(node.type.shape.length);
  const replaced = (axis: number, text: string): string => coordinates.with(axis, text).join(', ');
  if (node.op.name === after.name) return `  return ${source}(${coordinates.join(', ')});`;
  if (isOp(node, slice)) {
    const { axis, from } = node.attrs;
    return `  return ${source}(${replaced(axis, `d${axis} + ${shader.u32(alongAxis(fetcher, axis, from))}`)});`;
  }
  if (isOp(node, subsample)) {
    const [vertical, horizontal] = node.attrs.stride.map((stride) => shader.u32(stride));
    return `  return ${source}(d0, d1, d2 * ${vertical}, d3 * ${horizontal});`;
  }
  if (isOp(node, channelShuffle)) {
    const groups = shader.u32(node.attrs.groups);
    const perGroup = shader.u32(Number(node.type.shape[1]) / node.attrs.groups);
    return `  return ${source}(${replaced(1, `(d1 % ${groups}) * ${perGroup} + d1 / ${groups}`)});`;
  }
  if (isOp(node, selectChannels)) {
    const table = shader.constant(channelTable(node.attrs.indices));
    return `  let s = i32(${table}[d1 / 4u][d1 % 4u]);
  if (s < 0) { return 0.0; }
  return ${source}(${replaced(1, 'u32(s)')});`;
  }
  if (isOp(node, pixelShuffle)) {
    const factor = shader.u32(node.attrs.factor);
    const channel = `(d1 * ${factor} + d2 % ${factor}) * ${factor} + d3 % ${factor}`;
    return `  return ${source}(d0, ${channel}, d2 / ${factor}, d3 / ${factor});`;
  }
  if (isOp(node, transpose)) {
    const from = node.attrs.permutation.map((_, axis) => `d${node.attrs.permutation.indexOf(axis)}`);
    return `  return ${source}(${from.join(', ')});`;
  }
  if (isOp(node, pad)) return padText(fetcher, node.attrs, node.inputs[0]?.type.shape ?? [], source);
  if (isOp(node, concat)) return concatText(fetcher, node.attrs.axis, node.inputs, sources, replaced);
  if (isOp(node, reshape)) return reshapeText(shader, node.inputs[0]?.type.shape ?? [], node.type.shape, source);
  throw new TypeError(`${node.op.name} does not move data`);
}

/** Indices as floats, which hold them exactly: a buffer of its own, so that the shader's text does not name them. */
function channelTable(indices: readonly number[]): PackedConstant {
  const pack = (): Float32Array => {
    const packed = new Float32Array(channelGroups(indices.length) * 4);
    packed.set(indices);
    return packed;
  };
  return { key: `channels:${indices.join()}`, name: 'channels', pack };
}

function padText(
  fetcher: Fetcher,
  attrs: { readonly before: readonly number[]; readonly value: number },
  shape: readonly Dim[],
  source: string,
): string {
  const { shader, whole, request } = fetcher;
  const along = (axis: number, size: Dim): string => shader.u32(alongAxis(fetcher, axis, size));
  // A coordinate in front of the operand wraps around to a huge u32, so one comparison checks both sides.
  const lines = shape.map((_, axis) => `  let e${axis} = d${axis} - ${along(axis, attrs.before[axis] ?? 0)};`);
  const outside = shape.map((size, axis) => `e${axis} >= ${along(axis, size)}`).join(' || ');
  const isInteger = request.result.element === 'i8';
  const one = isInteger && whole ? shader.u32(wordOf(attrs.value)) : shader.f32(attrs.value);
  const value = whole && !isInteger ? `vec4f(${one})` : one;
  const inner = shape.map((_, axis) => `e${axis}`).join(', ');
  return `${lines.join('\n')}\n  if (${outside}) { return ${value}; }\n  return ${source}(${inner});`;
}

function concatText(
  fetcher: Fetcher,
  axis: number,
  inputs: readonly Node[],
  sources: readonly string[],
  replaced: (axis: number, text: string) => string,
): string {
  const { shader } = fetcher;
  let start: Dim = 0;
  const lines = inputs.map((input, index) => {
    const call = `return ${sources[index] ?? ''}(${replaced(axis, `d${axis} - ${shader.u32(start)}`)});`;
    start = addDims(start, alongAxis(fetcher, axis, input.type.shape[axis] ?? 0));
    return index === inputs.length - 1 ? `  ${call}` : `  if (d${axis} < ${shader.u32(start)}) { ${call} }`;
  });
  return lines.join('\n');
}

function reshapeText(shader: Shader, from: readonly Dim[], to: readonly Dim[], source: string): string {
  const linear = to.reduce<string>(
    (sum, size, axis) => (axis === 0 ? 'd0' : `(${sum}) * ${shader.u32(size)} + d${axis}`),
    '0u',
  );
  const lines = [`  var rest = ${linear};`];
  for (let axis = from.length - 1; axis > 0; axis--) {
    const size = shader.u32(from[axis] ?? 1);
    lines.push(`  let e${axis} = rest % ${size};`, `  rest /= ${size};`);
  }
  const coordinates = from.map((_, axis) => (axis === 0 ? 'rest' : `e${axis}`));
  return `${lines.join('\n')}\n  return ${source}(${coordinates.join(', ')});`;
}
