/** Making rules: the op they start from types the node they see. */
import { shapesEqual } from '../../ir/dim.ts';
import type { Node } from '../../ir/node.ts';
import type { Attrs, Op } from '../../ir/op.ts';
import type { Rule } from '../../ir/rewrite.ts';

export const rule = <A extends Attrs>(name: string, root: Op<A>, apply: (node: Node<A>) => Node | undefined): Rule => {
  const typed: Rule<A> = { name, root, apply };
  return typed;
};

/** `x` where it can stand for `node`: their types are equal, so nothing was broadcast. */
export const standIn = (node: Node, x: Node | undefined): Node | undefined =>
  x && x.type.dtype === node.type.dtype && shapesEqual(x.type.shape, node.type.shape) ? x : undefined;
