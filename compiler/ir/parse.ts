/** Reads the text form of the IR that `print.ts` writes. */
import type { Span } from '../../grammar/source.ts';
import { parseDim, shapesEqual, type Dim } from './dim.ts';
import { makeGraph, makeNode, type Graph, type Node, type Origin } from './node.ts';
import { OpError, type Attrs, type AttrValue, type Op } from './op.ts';
import { allocate, randomTensor, tensorFromBase64 } from './tensor-literal.ts';
import { elementCount, formatType, type DType, type Tensor, type TensorType } from './type.ts';
import { accept, expect, expectKind, fail, IrSyntaxError, isAt, list, peek, take, tokenize } from './tokens.ts';
import type { Reader, Token } from './tokens.ts';

export { IrSyntaxError };

/** Literals may hold at most this many elements. */
const elementLimit = 2 ** 28;
const nestingLimit = 64;

function readString(reader: Reader): string {
  const token = expectKind(reader, 'string', 'a string');
  try {
    return String(JSON.parse(token.text));
  } catch {
    return fail(token, 'the string has an escape that JSON does not know');
  }
}

function readNumber(reader: Reader): number {
  const token = expectKind(reader, 'number', 'a number');
  if (token.text === '#nan') return Number.NaN;
  if (token.text.startsWith('#')) return token.text === '#inf' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  return Number(token.text);
}

/** A number, or a polynomial such as `2*N - 1`: its tokens up to a comma or bracket. */
function readDim(reader: Reader): Dim {
  const first = peek(reader);
  let text = '';
  for (let token = first; /^(?:\w+|-?\d+|[-+*])$/.test(token.text); token = peek(reader)) {
    text += token.text;
    reader.at++;
  }
  const dim = parseDim(text);
  return dim ?? fail(first, text === '' ? `expected a dimension before ${first.text}` : `'${text}' is no dimension`);
}

const dtypes: readonly DType[] = ['f32', 'i32', 'i8', 'u8'];
const isDType = (text: string): text is DType => dtypes.some((dtype) => dtype === text);

function readType(reader: Reader): TensorType {
  const token = expectKind(reader, 'name', 'an element type');
  const { text } = token;
  if (!isDType(text)) fail(token, `'${text}' is no element type; known are ${dtypes.join(', ')}`);
  expect(reader, '[');
  return { dtype: text, shape: list(reader, ']', () => readDim(reader)) };
}

/** Checks the sizes before anything is allocated. */
function concreteShape(type: TensorType, at: Token): number[] {
  const shape = type.shape.map((dim) => {
    if (typeof dim !== 'number' || dim < 0) fail(at, `a tensor literal needs known sizes, not ${formatType(type)}`);
    return dim;
  });
  if (elementCount(shape) > elementLimit) fail(at, `${formatType(type)} is too large for a literal`);
  return shape;
}

function readTensor(reader: Reader): Tensor {
  const start = peek(reader);
  const type = readType(reader);
  const shape = concreteShape(type, start);
  const { dtype } = type;
  expect(reader, '(');
  if (accept(reader, 'random')) {
    const [seed = 0, low = -1, high = 1] = list(reader, ')', () => readNumber(reader));
    if (dtype !== 'f32') fail(start, 'random fills f32 only');
    return randomTensor(shape, seed, low, high);
  }
  if (isAt(reader, 'digest')) fail(peek(reader), 'the text was printed without its large constants');
  if (accept(reader, 'base64')) {
    const tensor = tensorFromBase64(dtype, shape, readString(reader));
    expect(reader, ')');
    return tensor ?? fail(start, `the base64 text does not hold ${formatType(type)}`);
  }
  const numbers = list(reader, ')', () => readNumber(reader));
  const data = allocate(dtype, elementCount(shape));
  if (numbers.length !== data.length)
    fail(start, `${formatType(type)} has ${data.length} elements, not ${numbers.length}`);
  data.set(numbers);
  return { dtype, shape, data };
}

function readObject(reader: Reader): { readonly [key: string]: AttrValue } {
  expect(reader, '{');
  const entries = list(reader, '}', (): [string, AttrValue] => {
    const key = expectKind(reader, 'name', 'an attribute name').text;
    expect(reader, ':');
    return [key, readValue(reader)];
  });
  return Object.fromEntries(entries);
}

/** A number stays one unless a polynomial follows, as in `-1*N` or `2*H`. */
function readNumberOrDim(reader: Reader): AttrValue {
  const next = reader.tokens[reader.at + 1];
  const isLone = !(next && /^[-+*]$/.test(next.text)) && !/^-\d/.test(next?.text ?? '');
  return isLone ? readNumber(reader) : readDim(reader);
}

function readNested(reader: Reader): AttrValue {
  if (isAt(reader, '{')) return readObject(reader);
  if (isAt(reader, 'graph')) return readGraph(reader);
  expect(reader, '[');
  return list(reader, ']', () => readValue(reader));
}

function readValue(reader: Reader): AttrValue {
  const token = peek(reader);
  if (token.kind === 'string') return readString(reader);
  if (token.kind === 'number') return readNumberOrDim(reader);
  if (isAt(reader, 'true') || isAt(reader, 'false')) return take(reader).text === 'true';
  if (isDType(token.text) && reader.tokens[reader.at + 1]?.text === '[') return readTensor(reader);
  const nests = ['{', '[', 'graph'].some((mark) => isAt(reader, mark));
  if (!nests) return readDim(reader);
  if (++reader.depth > nestingLimit) fail(token, `values nest deeper than ${nestingLimit}`);
  const value = readNested(reader);
  reader.depth--;
  return value;
}

/** A place without its file's text: a blank text of which it is the end keeps line and column. */
function readSpan(reader: Reader): Span {
  const path = readString(reader);
  const [line = 1, column = 1] = [0, 0].map(() => {
    expect(reader, ':');
    const token = peek(reader);
    const value = readNumber(reader);
    return Number.isInteger(value) && value > 0 && value < 1e6
      ? value
      : fail(token, 'a line and a column count from 1');
  });
  const text = '\n'.repeat(line - 1) + ' '.repeat(column - 1);
  return { file: { path, text }, start: text.length, end: text.length };
}

function readOrigin(reader: Reader): Origin | undefined {
  if (!accept(reader, '@')) return undefined;
  const spans: Span[] = [];
  if (peek(reader).kind === 'string') {
    do spans.push(readSpan(reader));
    while (accept(reader, ','));
  }
  const path = accept(reader, 'path') ? readString(reader) : '';
  const passes: string[] = [];
  if (accept(reader, 'by')) {
    do passes.push(readString(reader));
    while (accept(reader, ','));
  }
  return { spans, path, passes };
}

type Scope = Map<string, Node>;

function readOperand(reader: Reader, scope: Scope): Node {
  const token = expectKind(reader, 'value', 'a value such as %0');
  return scope.get(token.text) ?? fail(token, `${token.text} is not defined above`);
}

function buildNode(token: Token, op: Op, inputs: readonly Node[], attrs: Attrs, origin: Origin | undefined): Node {
  try {
    return makeNode(op, inputs, attrs, origin);
  } catch (error) {
    if (error instanceof OpError) fail(token, error.message);
    // A missing or ill-typed attribute makes `infer` throw a TypeError or RangeError of its own.
    return fail(token, `${op.name} does not accept these attributes`);
  }
}

function readNode(reader: Reader, scope: Scope): void {
  const name = take(reader);
  if (scope.has(name.text)) fail(name, `${name.text} is defined twice`);
  expect(reader, '=');
  const opToken = expectKind(reader, 'name', 'an op');
  const op = reader.ops.get(opToken.text) ?? fail(opToken, `there is no op ${opToken.text}`);
  expect(reader, '(');
  const inputs = list(reader, ')', () => readOperand(reader, scope));
  const attrs = isAt(reader, '{') ? readObject(reader) : {};
  const typeToken = peek(reader);
  const declared = accept(reader, ':') ? readType(reader) : undefined;
  const node = buildNode(opToken, op, inputs, attrs, readOrigin(reader));
  const agrees = !declared || (declared.dtype === node.type.dtype && shapesEqual(declared.shape, node.type.shape));
  if (!agrees)
    fail(typeToken, `the type is ${formatType(declared)} here, but ${op.name} gives ${formatType(node.type)}`);
  scope.set(name.text, node);
}

function readGraph(reader: Reader): Graph {
  expect(reader, 'graph');
  expect(reader, '{');
  const scope: Scope = new Map();
  const outputs: [string, Node][] = [];
  const updates = new Map<Node, Node>();
  while (!accept(reader, '}')) {
    if (accept(reader, 'output')) {
      const name = readString(reader);
      expect(reader, '=');
      outputs.push([name, readOperand(reader, scope)]);
    } else if (accept(reader, 'update')) {
      const state = readOperand(reader, scope);
      expect(reader, '=');
      updates.set(state, readOperand(reader, scope));
    } else if (peek(reader).kind === 'value') readNode(reader, scope);
    else fail(peek(reader), `expected a value, 'output', 'update' or '}' before ${peek(reader).text}`);
  }
  return makeGraph(Object.fromEntries(outputs), updates);
}

/** The graph that IR text describes; `ops` are the ops it may use. Throws an IrSyntaxError with line and column. */
export function parseGraph(text: string, ops: ReadonlyMap<string, Op>): Graph {
  const reader: Reader = { ops, tokens: tokenize(text), at: 0, depth: 0 };
  const graph = readGraph(reader);
  if (peek(reader).kind !== 'end') fail(peek(reader), `expected the end of the text before ${peek(reader).text}`);
  return graph;
}
