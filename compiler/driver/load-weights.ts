/** The values of a model's parameters: from a weights file, checked, or initialised from a seed. */
import { RuntimeFault, type RuntimeCode } from '../../runtime/errors.ts';
import { uniformValues } from '../../runtime/philox.ts';
import { toFloat32, type StoredTensor } from '../../runtime/files/stored-tensor.ts';
import type { ParameterShape } from '../ir/leaves.ts';
import { elementCount, type Tensor } from '../ir/type.ts';

export interface LoadOptions {
  /** Further keys that the file may hold, as in `bn1.num_batches_tracked`. */
  readonly bufferNames?: readonly string[];
  /** False accepts keys that the model does not have; no parameter may be missing in any case. Default true. */
  readonly strict?: boolean;
  /** Told of the keys that were passed over. */
  readonly onExtra?: ((names: readonly string[]) => void) | undefined;
  /** Prefixes of file keys and what replaces them. */
  readonly rename?: readonly (readonly [string, string])[] | undefined;
}

/** Names listed in a message before `and K more`. */
const listed = 5;

const list = (names: readonly string[]): string =>
  names.slice(0, listed).join(', ') + (names.length > listed ? ` and ${names.length - listed} more` : '');

/** A file that does not fit the model, with the parameters that show it, so that their layers can be pointed at. */
export class WeightsFault extends RuntimeFault {
  readonly parameters: readonly string[];

  constructor(code: RuntimeCode, message: string, parameters: readonly string[], help?: string) {
    super(code, 'input', message, help);
    this.name = 'WeightsFault';
    this.parameters = parameters;
  }
}

function renamed(name: string, rename: LoadOptions['rename']): string {
  const rule = rename?.find(([from]) => name.startsWith(from));
  return rule ? rule[1] + name.slice(rule[0].length) : name;
}

/** Throws E0720 (missing), E0721 (left over) and E0722 (wrong shape or type), each naming the file and the keys. */
export function loadWeights(
  file: string,
  stored: ReadonlyMap<string, StoredTensor>,
  parameters: readonly ParameterShape[],
  { bufferNames = [], strict = true, rename, onExtra }: LoadOptions = {},
): Map<string, Tensor> {
  const found = new Map([...stored].map(([name, tensor]) => [renamed(name, rename), tensor] as const));
  const missing = parameters.filter(({ name }) => !found.has(name)).map(({ name }) => name);
  if (missing.length > 0) {
    const message = `${file} lacks ${missing.length} of ${parameters.length} parameters: ${list(missing)}`;
    throw new WeightsFault(
      'E0720',
      message,
      missing,
      missingHelp(missing, stored, parameters, { bufferNames, rename }),
    );
  }
  const known = new Set([...parameters.map(({ name }) => name), ...bufferNames]);
  const extra = [...found.keys()].filter((name) => !known.has(name));
  if (extra.length > 0) {
    if (strict) {
      const help = '--ignore-extra, or `strict = false` in a weights block, passes over what is left';
      throw new WeightsFault('E0721', `${file} holds ${list(extra)}, which the model does not have`, [], help);
    }
    onExtra?.(extra);
  }
  return new Map(parameters.map((parameter) => [parameter.name, tensorOf(file, parameter, found.get(parameter.name))]));
}

/** What the file has that nothing takes, and the `rename` by which it would be taken, where shapes tell. */
function missingHelp(
  missing: readonly string[],
  stored: ReadonlyMap<string, StoredTensor>,
  parameters: readonly ParameterShape[],
  { bufferNames = [], rename }: LoadOptions,
): string {
  const prefix = prefixOf(missing, [...stored.keys()]);
  if (prefix !== undefined) return `the file holds ${list([...stored.keys()])}; ${renameHelp(...prefix)}`;
  const known = new Set([...parameters.map(({ name }) => name), ...bufferNames]);
  const left = [...stored].filter(([name]) => !known.has(renamed(name, rename)));
  if (left.length === 0) return `the file holds ${list([...stored.keys()])}, and nothing else; save it again, whole`;
  const pairs = layerPairs(
    parameters.filter(({ name }) => missing.includes(name)).map(({ name, shape }) => [name, shape]),
    left.map(([name, { shape }]) => [name, shape]),
  );
  const rules = pairs?.map(([from, to]) => `("${from}", "${to}")`).join(', ');
  const help =
    rules === undefined
      ? '`rename` in a weights block maps prefixes'
      : `write \`rename = [${rules}]\` in a weights block`;
  return `left over in the file: ${list(left.map(([name]) => name))}; ${help}`;
}

type Shaped = readonly [name: string, shape: readonly number[]];

/** Layers of the file for those that lack weights: the one that alone has their tensors, in their shapes. */
function layerPairs(missing: readonly Shaped[], left: readonly Shaped[]): (readonly [string, string])[] | undefined {
  const [wanted, offered] = [layersIn(missing), layersIn(left)];
  const pairs = [...wanted].map(([to, form]) => {
    const [from, other] = [...offered].filter(([, its]) => its === form).map(([name]) => name);
    return from === undefined || other !== undefined ? undefined : ([from, to] as const);
  });
  const found = pairs.filter((pair) => pair !== undefined);
  return found.length === wanted.size && new Set(found.map(([from]) => from)).size === found.length ? found : undefined;
}

/** By the path of a layer, what its tensors are called and their shapes, as one text. */
function layersIn(tensors: readonly Shaped[]): Map<string, string> {
  const layers = new Map<string, string[]>();
  for (const [name, shape] of tensors) {
    const dot = name.lastIndexOf('.');
    // Counts of batches take no part in what a layer computes.
    if (name.endsWith('.num_batches_tracked')) continue;
    const layer = name.slice(0, Math.max(dot, 0));
    layers.set(layer, [...(layers.get(layer) ?? []), `${name.slice(dot + 1)} ${shape.join()}`]);
  }
  return new Map([...layers].map(([layer, tensorsOfIt]) => [layer, tensorsOfIt.toSorted().join('; ')]));
}

const renameHelp = (from: string, to: string): string =>
  `write \`rename = [("${from}", "${to}")]\` in a weights block, for its names ${from === '' ? 'lack' : 'begin with'} \`${from === '' ? to : from}\``;

/** A prefix of the file's names, and what stands for it in the model's, by which nothing would be missing. */
function prefixOf(missing: readonly string[], names: readonly string[]): readonly [string, string] | undefined {
  const held = new Set(names);
  const [first = ''] = missing;
  for (const name of names) {
    if (!name.endsWith(`.${first}`)) continue;
    const prefix = name.slice(0, name.length - first.length);
    if (missing.every((each) => held.has(prefix + each))) return [prefix, ''];
  }
  return undefined;
}

function tensorOf(
  file: string,
  { name, shape, isSpread = false }: ParameterShape,
  stored: StoredTensor | undefined,
): Tensor {
  if (!stored) throw new WeightsFault('E0720', `${file} lacks ${name}`, [name]);
  if (!/^(?:B?F\d+|F8_E\dM\d)$/.test(stored.dtype)) {
    const message = `${name} in ${file} is ${stored.dtype}, the model takes floats`;
    throw new WeightsFault('E0722', message, [name], 'save it as F32');
  }
  if (stored.shape.join() === shape.join()) return { dtype: 'f32', shape, data: toFloat32(stored) };
  const inner = stored.shape.filter((size) => size !== 1);
  const values = toFloat32(stored);
  const [only] = values;
  // One slope for all channels is `nn.PReLU()`; exporters write those of each as [C, 1, 1] or [1, 1, C].
  if (isSpread && values.length === 1 && only !== undefined) {
    return { dtype: 'f32', shape, data: new Float32Array(elementCount(shape)).fill(only) };
  }
  if (isSpread && inner.join() === shape.join()) return { dtype: 'f32', shape, data: values };
  const message = `${name} in ${file} is [${stored.shape.join(', ')}], the model takes [${shape.join(', ')}]`;
  throw new WeightsFault('E0722', message, [name], layoutHelp(stored.shape, shape));
}

/** Where only the axes are in another order: what puts them into PyTorch's. Sizes that are equal leave it open. */
function layoutHelp(stored: readonly number[], shape: readonly number[]): string | undefined {
  const orders: readonly (readonly [number[], string])[] = [
    [[1, 0], 'linear layers as [in, out]'],
    [[3, 2, 0, 1], 'kernels as [height, width, in, out]'],
    [[0, 3, 1, 2], 'kernels with the channels last'],
  ];
  const found = orders.find(
    ([order]) => order.length === stored.length && order.map((axis) => stored[axis]).join() === shape.join(),
  );
  if (!found) return undefined;
  const [order, what] = found;
  return `the file has ${what}: save all of its arrays as \`np.ascontiguousarray(a.transpose(${order.join(', ')}))\``;
}

/** PyTorch's defaults: kaiming-uniform with a = sqrt(5) is uniform within 1 / sqrt(fanIn), as biases are. */
export function initialWeights(parameters: readonly ParameterShape[], seed: number): Map<string, Tensor> {
  return new Map(
    parameters.map(({ name, shape, init }, stream) => {
      const count = elementCount(shape);
      const bound = 1 / Math.sqrt(init.fanIn ?? 1);
      const constant = init.kind === 'constant' ? (init.value ?? 0) : init.kind === 'zeros' ? 0 : 1;
      const random = init.kind === 'uniform' || init.kind === 'kaimingUniform';
      const data = random
        ? uniformValues(count, seed, stream, [-bound, bound])
        : new Float32Array(count).fill(constant);
      return [name, { dtype: 'f32', shape, data }];
    }),
  );
}
