/** The layers of a source model: what each computes, and what it costs for one sample. */
import type { Span } from '../../grammar/source.ts';
import { formatLocation } from '../../grammar/source.ts';
import type { BuiltModel } from '../analyze/index.ts';
import { sizeOfOne } from '../emit/size.ts';
import type { Dim, Term } from '../ir/dim.ts';
import { isParameter } from '../ir/leaves.ts';
import { topologicalOrder, type Graph, type Node } from '../ir/node.ts';
import { languageName } from '../ir/op-names.ts';
import { elementCount, type DType } from '../ir/type.ts';

export interface Layer {
  readonly node: Node;
  /** Path of the parameter scope; empty at the model's own level. */
  readonly path: string;
  /** As the language calls it. */
  readonly op: string;
  /** Trainable elements; a weight that several layers share counts at the first. */
  readonly params: number;
  /** Multiply-accumulates of one sample. */
  readonly macs: number;
  /** Bytes of the value that it makes, for one sample and without padding. */
  readonly bytes: number;
  readonly span: Span | undefined;
  /** `file:line:column` of the span, or empty. */
  readonly place: string;
}

const bytesOf: Readonly<Record<DType, number>> = { f32: 4, i32: 4, i8: 1, u8: 1 };

/** In the order of computation. Sizes that are open count as the smallest legal ones. */
export function layersOf(graph: Graph, parameters: BuiltModel['parameters']): Layer[] {
  const trainable = new Set(parameters.filter((entry) => entry.trainable).map(({ name }) => name));
  const seen = new Set<Node>();
  return topologicalOrder(graph)
    .filter((node) => node.inputs.length > 0)
    .map((node) => {
      const own = node.inputs.filter(isParameter).filter((input) => !seen.has(input));
      for (const input of own) seen.add(input);
      const types = node.inputs.map(({ type }) => type);
      const span = node.origin?.spans[0];
      return {
        node,
        path: node.origin?.path ?? '',
        op: languageName(node.op.name),
        params: own
          .filter(({ attrs }) => trainable.has(attrs.name))
          .reduce((sum, { type }) => sum + elementsOfOne(type.shape), 0),
        macs: sizeOfOne(node.op.macs?.(types, node.type, node.attrs) ?? 0),
        bytes: elementsOfOne(node.type.shape) * bytesOf[node.type.dtype],
        span,
        place: span ? formatLocation(span) : '',
      };
    });
}

const elementsOfOne = (shape: Node['type']['shape']): number => elementCount(shape.map(sizeOfOne));

/** `[N, 16, H/2, W/2]`: sizes in the names of the source, where an assert made quotients of them. */
export const shapeText = (shape: readonly Dim[], facts: BuiltModel['facts']): string =>
  `[${shape.map((size) => sizeText(size, facts)).join(', ')}]`;

/** One size of a shape, as in `H/2`. */
export function sizeText(size: Dim, facts: BuiltModel['facts']): string {
  if (typeof size === 'number') return String(size);
  const texts = size.terms.toSorted(byDegree).map(({ coefficient, symbols }) => {
    const split = symbols.map(
      (symbol) => facts.find(({ quotient }) => quotient === symbol) ?? { symbol, multipleOf: 1 },
    );
    const divisor = split.reduce((product, { multipleOf }) => product * multipleOf, 1);
    const common = gcd(Math.abs(coefficient), divisor);
    const [above, below] = [coefficient / common, divisor / common];
    const names = split.map(({ symbol }) => symbol);
    const product = [...(above === 1 && names.length > 0 ? [] : [above]), ...names].join('*');
    return below === 1 ? product : `${product}/${below}`;
  });
  return texts.join(' + ').replaceAll('+ -', '- ');
}

const byDegree = (a: Term, b: Term): number =>
  b.symbols.length - a.symbols.length || (a.symbols.join() < b.symbols.join() ? -1 : 1);

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
