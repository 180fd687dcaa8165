/** The call that was likely meant: arguments by the names they have here, and no sizes that follow from the input. */
import { foreignArgument } from '../../../grammar/elsewhere/index.ts';
import type { CallArgument, Callee, CallPlace } from './arguments.ts';
import { textOf } from '../values/type-match.ts';
import { formatValue, type Value } from '../values/values.ts';

/** The number of channels or features of the input, where it is known. */
type Size = number | undefined;
/** The position that is left out. */
type Drop = number | undefined;
type InputSize = (positions: readonly CallArgument[], hasKernel: boolean, channels: Size) => Drop;

const isInt = (argument: CallArgument | undefined): boolean => argument?.value.kind === 'int';

/** `Conv2d(in, out, k)`: with a kernel besides, two positions are channels; three are where the first fits the input. */
function convolution([first, ...more]: readonly CallArgument[], hasKernel: boolean, channels: Size): Drop {
  if (more.length === 1 && hasKernel) return 0;
  return more.length > 1 && first?.value.kind === 'int' && first.value.value === channels ? 0 : undefined;
}

/** Where PyTorch's layers take a size of their input, which follows from the input here. */
const inputSizes: ReadonlyMap<string, InputSize> = new Map<string, InputSize>([
  ['conv', convolution],
  ['conv_transpose', convolution],
  ['linear', (positions) => (positions.length > 1 ? 0 : undefined)],
  ['bn', ([first]) => (isInt(first) ? 0 : undefined)],
  ['instance_norm', ([first]) => (isInt(first) ? 0 : undefined)],
  ['prelu', ([first]) => (first ? 0 : undefined)],
  ['group_norm', (positions) => (positions.length > 1 ? 1 : undefined)],
  [
    'layer_norm',
    ([first], _, channels) => (first?.value.kind === 'int' && first.value.value === channels ? 0 : undefined),
  ],
]);

/** Channels of `[N, C, H, W]`, or features of `[N, K]`. */
function channelsOf(value: Value | undefined): Size {
  const channels = value?.kind === 'tensor' ? value.node.type.shape[1] : undefined;
  return typeof channels === 'number' ? channels : undefined;
}

interface Named {
  readonly name: string;
  readonly text: string;
}

/** The arguments given by name, under their names here; undefined where one has none. */
function renamed(
  { parameters }: Callee,
  args: readonly CallArgument[],
): { readonly named: readonly Named[]; readonly reasons: readonly string[] } | undefined {
  const named: Named[] = [];
  const reasons: string[] = [];
  for (const { name, value, span } of args) {
    if (!name) continue;
    if (parameters.includes(name.name)) {
      named.push({ name: name.name, text: valueText(value, textOf(span)) });
      continue;
    }
    const foreign = foreignArgument(name.name, parameters);
    if (!foreign || foreign.kind === 'other') return undefined;
    if (foreign.kind === 'called') {
      named.push({ name: foreign.here, text: valueText(value, textOf(span)) });
      reasons.push(`here it is called \`${foreign.here}\``);
    } else {
      reasons.push(foreign.why);
    }
  }
  return { named, reasons };
}

/** Keras' and TensorFlow's words for paddings, and modes in quotes. */
function valueText(value: Value, text: string): string {
  if (value.kind !== 'string') return text;
  const word = value.value.toLowerCase();
  if (word === 'valid') return '0';
  return ['same', 'same_upper', 'nearest', 'bilinear'].includes(word) ? word : text;
}

/** What the help line of a call with wrong arguments says; undefined where nothing certain can be said. */
export function mendedCall(callee: Callee, args: readonly CallArgument[], place: CallPlace): string | undefined {
  const { variadic, positional = Infinity } = callee;
  const isPiped = ({ span }: CallArgument): boolean => span === place.nameSpan;
  const [input, ...positions] = args.filter(({ name }) => !name);
  const names = renamed(callee, args);
  if (input?.value.kind !== 'tensor' || !names) return undefined;
  const hasKernel = names.named.some(({ name }) => name === 'k');
  const dropped = inputSizes.get(callee.name)?.(positions, hasKernel, channelsOf(input.value));
  const kept = positions.filter((_, at) => at !== dropped);
  const parameters = callee.parameters.slice(1);
  if (!variadic && kept.length > parameters.length) return undefined;
  const isPlaced = (at: number): boolean => variadic || at + 1 < positional;
  const all = [
    ...kept.map(({ value, span }, at) => ({
      name: isPlaced(at) ? '' : (parameters[at] ?? ''),
      text: valueText(value, textOf(span)),
    })),
    ...names.named,
  ];
  const used = [...(variadic ? [] : parameters.slice(0, kept.length)), ...names.named.map(({ name }) => name)];
  if (new Set(used).size < used.length) return undefined;
  const parts = [
    ...(isPiped(input) ? [] : [textOf(input.span)]),
    ...all.map(({ name, text }) => (name === '' ? text : `${name}=${text}`)),
  ];
  const left = dropped === undefined ? undefined : positions[dropped];
  const reason = left ? `${formatValue(left.value)} is left out, as it follows from the input` : names.reasons[0];
  const text = parts.length === 0 ? callee.name : `${callee.name}(${parts.join(', ')})`;
  return `${reason === undefined ? '' : `${reason}: `}write \`${text}\``;
}
