/** What a picture says of one op: its kind, for the colour, and its name and main attributes as the language has them. */
import { formatDim } from '../../../ir/dim.ts';
import type { Node } from '../../../ir/node.ts';
import type { AttrValue } from '../../../ir/op.ts';
import { languageName } from '../../../ir/op-names.ts';
import type { OpKind } from '../../../ir/traits.ts';

export type Kind = OpKind | 'activation' | 'other';

export const kindOf = ({ op }: Node): Kind => op.traits?.kind ?? (op.scalar ? 'activation' : 'other');

/** `conv 3x3, 16 to 32, stride 2`: what differs from the language's defaults. */
export function captionOf(node: Node): string {
  const { op, attrs, type } = node;
  const name = languageName(op.name);
  switch (op.name) {
    case 'conv2d':
    case 'convTranspose2d':
      return convCaption(node, name);
    case 'linear':
      return `linear ${features(node, -1)}`;
    case 'maxPool2d':
    case 'averagePool2d':
      return words(`${name} ${pair(attrs['kernel'])}`, [
        sides('stride', attrs['stride'], attrs['kernel']),
        padding(attrs['padding'], 0, 0),
      ]);
    case 'slice':
      return `slice ${numberOf(attrs['from'])}..${numberOf(attrs['to'])} of axis ${numberOf(attrs['axis'])}`;
    case 'reshape':
      return type.shape.length === 2 ? 'flatten' : 'reshape';
    case 'pad':
      return node.inputs[0]?.type.shape[1] === type.shape[1] ? 'pad' : 'pad_channels';
    case 'resize':
      return words(name, [typeof attrs['mode'] === 'string' ? attrs['mode'] : '']);
    case 'subsample':
      return `subsample ${pair(attrs['stride'])}`;
    case 'groupNorm':
    case 'channelShuffle':
      return `${name}, ${numberOf(attrs['groups'])} groups`;
    case 'pixelShuffle':
      return `pixel_shuffle ${numberOf(attrs['factor'])}`;
    case 'dropout':
      return `dropout ${numberOf(attrs['p'])}`;
    default:
      return name;
  }
}

function convCaption(node: Node, name: string): string {
  const { attrs, inputs } = node;
  const [, , ...kernel] = inputs[1]?.type.shape ?? [];
  const groups = numberOf(attrs['groups']);
  const isDepthwise = groups > 1 && groups === inputs[0]?.type.shape[1];
  const [vertical = 1, horizontal = 1] = kernel.map(Number);
  const [down = 1, right = 1] = numbersOf(attrs['dilation']);
  const same = node.op.name === 'conv2d';
  return words(`${isDepthwise ? 'depthwise ' : ''}${name} ${vertical}x${horizontal}`, [
    features(node, 1),
    sides('stride', attrs['stride'], [1, 1]),
    sides('dilation', attrs['dilation'], [1, 1]),
    padding(
      attrs['padding'],
      same ? Math.floor(vertical / 2) * down : 0,
      same ? Math.floor(horizontal / 2) * right : 0,
    ),
    groups > 1 && !isDepthwise ? `${groups} groups` : '',
  ]);
}

/** `16 to 32`, or `16` where it stays. */
function features({ inputs, type }: Node, axis: number): string {
  const [from, to] = [inputs[0]?.type.shape.at(axis), type.shape.at(axis)].map((size) => formatDim(size ?? 1));
  return from === to ? `${to}` : `${from} -> ${to}`;
}

const words = (head: string, rest: readonly string[]): string =>
  [head, ...rest.filter((word) => word !== '')].join(', ');

const numberOf = (value: AttrValue | undefined): number => (typeof value === 'number' ? value : Number.NaN);

const numbersOf = (value: AttrValue | undefined): readonly number[] =>
  Array.isArray(value) ? value.map((each: AttrValue) => numberOf(each)) : [];

/** One number for two equal ones. */
function pair(value: AttrValue | undefined): string {
  const numbers = numbersOf(value);
  return numbers.join('x');
}

function sides(word: string, value: AttrValue | undefined, usual: AttrValue | undefined): string {
  const numbers = numbersOf(value);
  if (numbers.join() === numbersOf(usual).join()) return '';
  return `${word} ${new Set(numbers).size === 1 ? numbers[0] : numbers.join('x')}`;
}

/** Nothing where it is the usual one. */
function padding(value: AttrValue | undefined, vertical: number, horizontal: number): string {
  const numbers = numbersOf(value);
  if (numbers.join() === [vertical, horizontal, vertical, horizontal].join()) return '';
  return `pad ${new Set(numbers).size === 1 ? numbers[0] : numbers.join(' ')}`;
}
