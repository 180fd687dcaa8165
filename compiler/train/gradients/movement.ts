/** Gradients of ops that only move elements: each element's gradient goes back to where it came from. */
import { makeNode, type Node } from '../../ir/node.ts';
import { elementCount } from '../../ir/type.ts';
import {
  channelShuffle,
  concat,
  dilate,
  flatStorage,
  fromStorage,
  pad,
  pixelShuffle,
  reshape,
  selectChannels,
  slice,
  subsample,
  transpose,
} from '../../ops/index.ts';
import { storedLength } from '../../ops/rules/storage-order.ts';
import { plus, reshaped, sizeOf, sliced } from '../expressions.ts';
import { operandOf, ruleOf, ruleOfOne, type Entry } from './rule.ts';

/** A value with zeros in front of and behind an axis, as many as bring it to `size`. */
function padded(x: Node, axis: number, before: number, size: number): Node {
  const after = size - before - sizeOf(x, axis);
  const zeros = x.type.shape.map(() => 0);
  return makeNode(pad, [x], { before: zeros.with(axis, before), after: zeros.with(axis, after), value: 0 });
}

function concatGradient(node: Node, axis: number, g: Node): Node[] {
  let from = 0;
  return node.inputs.map((part) => {
    const to = from + sizeOf(part, axis);
    const own = sliced(g, axis, from, to);
    from = to;
    return own;
  });
}

/** The inner part, axis by axis. */
const unpadded = (g: Node, x: Node, before: readonly number[]): Node =>
  before.reduce((rest, start, axis) => {
    const isWhole = g.type.shape[axis] === x.type.shape[axis];
    return isWhole ? rest : sliced(rest, axis, start, start + sizeOf(x, axis));
  }, g);

const inverse = (permutation: readonly number[]): number[] => permutation.map((_, axis) => permutation.indexOf(axis));

/** Blocks of pixels back to channels: `[N, C, H, f, W, f]` to `[N, C, f, f, H, W]`. */
function pixelUnshuffled(g: Node, x: Node, factor: number): Node {
  const [batch = 1] = x.type.shape;
  const split = [batch, sizeOf(g, 1), sizeOf(x, 2), factor, sizeOf(x, 3), factor];
  const turned = makeNode(transpose, [reshaped(g, split)], { permutation: [0, 1, 3, 5, 2, 4] });
  return reshaped(turned, x.type.shape);
}

/** Of the rows and columns that a dilation kept, those that its operand has. */
function undilated(g: Node, x: Node, stride: readonly [number, number]): Node {
  const kept = makeNode(subsample, [g], { stride });
  return sliced(sliced(kept, 2, 0, sizeOf(x, 2)), 3, 0, sizeOf(x, 3));
}

/** Each channel's gradient: the sum over the places that it was copied to, one selection for the n-th copy of each. */
function unselected(g: Node, indices: readonly number[], channels: number): Node {
  const copies: number[][] = [];
  const seen = new Map<number, number>();
  for (const [place, index] of indices.entries()) {
    if (index < 0) continue;
    const copy = seen.get(index) ?? 0;
    seen.set(index, copy + 1);
    (copies[copy] ??= Array.from({ length: channels }, () => -1))[index] = place;
  }
  const [first = Array.from({ length: channels }, () => -1), ...rest] = copies;
  const of = (places: readonly number[]): Node => makeNode(selectChannels, [g], { indices: places });
  return rest.reduce((sum, places) => plus(sum, of(places)), of(first));
}

function flatStorageGradient(node: Node, g: Node): Node[] {
  let offset = 0;
  return node.inputs.map((part) => {
    const shape = part.type.shape.map((_, axis) => sizeOf(part, axis));
    const own = makeNode(fromStorage, [g], { offset, shape });
    offset += storedLength(shape);
    return own;
  });
}

export const movement: readonly Entry[] = [
  ruleOf(concat, (node, g) => concatGradient(node, node.attrs.axis, g)),
  ruleOfOne(slice, (g, { attrs: { axis, from } }, x) => padded(g, axis, from, sizeOf(x, axis))),
  ruleOfOne(subsample, (g, { attrs }, x) =>
    makeNode(dilate, [g], { stride: attrs.stride, size: [sizeOf(x, 2), sizeOf(x, 3)] }),
  ),
  ruleOfOne(dilate, (g, { attrs }, x) => undilated(g, x, attrs.stride)),
  ruleOfOne(pad, (g, { attrs }, x) => unpadded(g, x, attrs.before)),
  ruleOfOne(reshape, (g, _, x) => reshaped(g, x.type.shape)),
  ruleOfOne(transpose, (g, { attrs }) => makeNode(transpose, [g], { permutation: inverse(attrs.permutation) })),
  ruleOfOne(channelShuffle, (g, { attrs }, x) =>
    makeNode(channelShuffle, [g], { groups: sizeOf(x, 1) / attrs.groups }),
  ),
  ruleOfOne(selectChannels, (g, { attrs }, x) => unselected(g, attrs.indices, sizeOf(x, 1))),
  ruleOfOne(pixelShuffle, (g, { attrs }, x) => pixelUnshuffled(g, x, attrs.factor)),
  ruleOf(fromStorage, (node, g) => {
    const { offset, shape } = node.attrs;
    return elementCount(shape) === 0
      ? [undefined]
      : [padded(makeNode(flatStorage, [g], {}), 1, offset, sizeOf(operandOf(node, 0), 1))];
  }),
  ruleOf(flatStorage, flatStorageGradient),
];
