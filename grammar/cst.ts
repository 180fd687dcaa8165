/** Access to the parser's tree by child name; rules that parsed have all the children that they require. */
import type { CstElement, CstNode, IToken } from 'chevrotain';

export function isToken(element: CstElement): element is IToken {
  return 'image' in element;
}

/** The first child node of a name, if there is one. */
export function childNode(node: CstNode, name: string): CstNode | undefined {
  const element = node.children[name]?.[0];
  return element && !isToken(element) ? element : undefined;
}

/** The first token of a name, if there is one. */
export function childToken(node: CstNode, name: string): IToken | undefined {
  const element = node.children[name]?.[0];
  return element && isToken(element) ? element : undefined;
}

export function requiredNode(node: CstNode, name: string): CstNode {
  return childNode(node, name) ?? lacking(node, name);
}

export function requiredToken(node: CstNode, name: string): IToken {
  return childToken(node, name) ?? lacking(node, name);
}

export function childNodes(node: CstNode, name: string): readonly CstNode[] {
  return node.children[name]?.filter((element): element is CstNode => !isToken(element)) ?? [];
}

export function childTokens(node: CstNode, name: string): readonly IToken[] {
  return node.children[name]?.filter(isToken) ?? [];
}

/** A construct with a fault never reaches the tree, so this is a fault of the parser itself. */
function lacking(node: CstNode, name: string): never {
  throw new Error(`the syntax tree of \`${node.name}\` lacks \`${name}\``);
}
