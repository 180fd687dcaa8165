/** Identities of flat vectors: a tensor that lies in storage order under several shapes is never copied. */
import { makeNode, type Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import type { Rule } from '../../ir/rewrite.ts';
import { flatStorage, fromStorage, reshape, slice } from '../../ops/index.ts';
import { sameStorage, storageOrder, storedLength } from '../../ops/rules/storage-order.ts';
import { rule, standIn } from './rule.ts';

const sizes = (node: Node): number[] | undefined => {
  const shape = node.type.shape.filter((size) => typeof size === 'number');
  return shape.length === node.type.shape.length ? shape : undefined;
};

/** `x` in front of reshapes that leave its storage as it is. */
function storedAlike(node: Node): Node {
  let current = node;
  while (isOp(current, reshape)) {
    const [source] = current.inputs;
    const [before, after] = [source && sizes(source), sizes(current)];
    if (!source || !before || !after || !sameStorage(before, after)) break;
    current = source;
  }
  return current;
}

/** The parts of a flat vector, with parts that are flat vectors opened and reshapes left out. */
function flattenParts(node: Node): Node | undefined {
  const parts = node.inputs.flatMap((part) => {
    const stored = storedAlike(part);
    return isOp(stored, flatStorage) ? stored.inputs : [stored];
  });
  const same = parts.length === node.inputs.length && parts.every((part, at) => part === node.inputs[at]);
  return same ? undefined : makeNode(flatStorage, parts, {});
}

/** The part that begins at an offset, where its storage is that of the shape. */
function partAt(node: Node, offset: number, shape: readonly number[]): Node | undefined {
  let start = 0;
  for (const part of node.inputs) {
    const own = sizes(part);
    if (!own) return undefined;
    if (start === offset && sameStorage(own, shape)) return makeNode(reshape, [part], { shape });
    start += storedLength(own);
    if (start > offset) return undefined;
  }
  return undefined;
}

export const storageRules: readonly Rule[] = [
  rule('reshape-of-stored', reshape, (node) => {
    const [x] = node.inputs;
    const shape = sizes(node);
    if (!x || !isOp(x, fromStorage) || !shape || !sameStorage(x.attrs.shape, shape)) return undefined;
    return makeNode(fromStorage, x.inputs, { offset: x.attrs.offset, shape });
  }),
  rule('rows-of-stored', slice, ({ inputs: [x], attrs: { axis, from, to } }) => {
    if (!x || !isOp(x, fromStorage) || axis !== 0 || x.attrs.shape.length < 2) return undefined;
    const { offset, shape } = x.attrs;
    const { pixels, lanes } = storageOrder(shape);
    return makeNode(fromStorage, x.inputs, {
      offset: offset + from * pixels * lanes,
      shape: shape.with(0, to - from),
    });
  }),
  rule('stored-of-everything', fromStorage, (node) =>
    node.attrs.offset === 0 ? standIn(node, node.inputs[0]) : undefined,
  ),
  rule('stored-of-stored', fromStorage, ({ inputs: [x], attrs }) => {
    if (!x || !isOp(x, fromStorage)) return undefined;
    return makeNode(fromStorage, x.inputs, { offset: x.attrs.offset + attrs.offset, shape: attrs.shape });
  }),
  rule('stored-of-flat', fromStorage, ({ inputs: [x], attrs: { offset, shape } }) =>
    x && isOp(x, flatStorage) ? partAt(x, offset, shape) : undefined,
  ),
  rule('flat-of-reshapes', flatStorage, flattenParts),
  rule('flat-of-flat', flatStorage, (node) => {
    const [x] = node.inputs;
    return node.inputs.length === 1 ? standIn(node, x) : undefined;
  }),
];
