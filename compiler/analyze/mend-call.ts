/** The call that was likely meant: arguments by name where positions mislead, and no sizes that follow from the input. */
import type { CallArgument, Callee, CallPlace } from './arguments.ts';
import { formatValue, type Value } from './values.ts';
import { textOf } from './type-match.ts';

/** Where PyTorch's layers take a size of their input, which follows from the input here. */
const inputSizes: ReadonlyMap<
  string,
  (positions: readonly CallArgument[], hasKernel: boolean, channels: Size) => Drop
> = new Map([
  ['conv', convolution],
  ['conv_transpose', convolution],
  ['linear', (positions) => (positions.length > 1 ? 0 : undefined)],
  ['bn', ([first]) => (first?.value.kind === 'int' ? 0 : undefined)],
  ['prelu', ([first]) => (first ? 0 : undefined)],
  ['group_norm', (positions) => (positions.length > 1 ? 1 : undefined)],
  [
    'layer_norm',
    ([first], _, channels) => (first?.value.kind === 'int' && first.value.value === channels ? 0 : undefined),
  ],
]);

type Size = number | undefined;
type Drop = number | undefined;

/** `Conv2d(in, out, k)`: with a kernel besides, two positions are channels; three are where the first fits the input. */
function convolution(positions: readonly CallArgument[], hasKernel: boolean, channels: Size): Drop {
  const [first] = positions;
  if (positions.length === 2 && hasKernel) return 0;
  return positions.length > 2 && first?.value.kind === 'int' && first.value.value === channels ? 0 : undefined;
}

/** Channels of `[N, C, H, W]`, or features of `[N, K]`. */
function channelsOf(value: Value | undefined): Size {
  if (value?.kind !== 'tensor') return undefined;
  const channels = value.node.type.shape[1];
  return typeof channels === 'number' ? channels : undefined;
}

/** What the help line of a call with wrong arguments says; undefined where nothing certain can be said. */
export function mendedCall(callee: Callee, args: readonly CallArgument[], place: CallPlace): string | undefined {
  if (callee.variadic || callee.positional === undefined) return undefined;
  const isPiped = ({ span }: CallArgument): boolean => span === place.nameSpan;
  const [input, ...positions] = args.filter(({ name }) => !name);
  const named = args.filter(({ name }) => name);
  if (input?.value.kind !== 'tensor') return undefined;
  const hasKernel = named.some(({ name }) => name?.name === 'k');
  const dropped = inputSizes.get(callee.name)?.(positions, hasKernel, channelsOf(input.value));
  const kept = positions.filter((_, at) => at !== dropped);
  const parameters = callee.parameters.slice(1);
  if (kept.length > parameters.length) return undefined;
  const parts = [
    ...(isPiped(input) ? [] : [textOf(input.span)]),
    ...kept.map((each, at) =>
      at + 1 < (callee.positional ?? 0) ? textOf(each.span) : `${parameters[at] ?? ''}=${textOf(each.span)}`,
    ),
    ...named.map(({ name, span }) => `${name?.name ?? ''}=${textOf(span)}`),
  ];
  const used = [...parameters.slice(0, kept.length), ...named.map(({ name }) => name?.name ?? '')];
  if (new Set(used).size < used.length || used.some((name) => !parameters.includes(name))) return undefined;
  const text = parts.length === 0 ? callee.name : `${callee.name}(${parts.join(', ')})`;
  const left = dropped === undefined ? undefined : positions[dropped];
  const reason = left ? `${formatValue(left.value)} is left out, as it follows from the input: ` : '';
  return `${reason}write \`${text}\``;
}
