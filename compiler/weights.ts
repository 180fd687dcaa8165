/** The values of a model's parameters: from a weights file, checked, or initialised from a seed. */
import { RuntimeFault, type RuntimeCode } from '../runtime/errors.ts';
import { uniformValues } from '../runtime/philox.ts';
import { toFloat32, type StoredTensor } from '../runtime/stored-tensor.ts';
import type { ParameterInit } from './ir/leaves.ts';
import { elementCount, type Tensor } from './ir/type.ts';

export interface ParameterShape {
  /** The state_dict path. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: ParameterInit;
}

export interface LoadOptions {
  /** Further keys that the file may hold, as in `bn1.num_batches_tracked`. */
  readonly bufferNames?: readonly string[];
  /** False accepts keys that the model does not have. Default true. */
  readonly strict?: boolean;
  /** Prefixes of file keys and what replaces them. */
  readonly rename?: readonly (readonly [string, string])[];
}

/** Names listed in a message before `and K more`. */
const listed = 5;

const list = (names: readonly string[]): string =>
  names.slice(0, listed).join(', ') + (names.length > listed ? ` and ${names.length - listed} more` : '');

const fault = (code: RuntimeCode, message: string, help?: string): RuntimeFault =>
  new RuntimeFault(code, 'input', message, help);

function renamed(name: string, rename: LoadOptions['rename']): string {
  const rule = rename?.find(([from]) => name.startsWith(from));
  return rule ? rule[1] + name.slice(rule[0].length) : name;
}

/** Throws E0720 (missing), E0721 (left over) and E0722 (wrong shape or type), each naming the file and the keys. */
export function loadWeights(
  file: string,
  stored: ReadonlyMap<string, StoredTensor>,
  parameters: readonly ParameterShape[],
  { bufferNames = [], strict = true, rename }: LoadOptions = {},
): Map<string, Tensor> {
  const found = new Map([...stored].map(([name, tensor]) => [renamed(name, rename), tensor] as const));
  const missing = parameters.filter(({ name }) => !found.has(name)).map(({ name }) => name);
  if (missing.length > 0) {
    const message = `${file} lacks ${missing.length} of ${parameters.length} parameters: ${list(missing)}`;
    const help = `the file holds ${list([...stored.keys()])}; \`rename\` in a weights block maps prefixes`;
    throw fault('E0720', message, help);
  }
  const known = new Set([...parameters.map(({ name }) => name), ...bufferNames]);
  const extra = [...found.keys()].filter((name) => !known.has(name));
  if (strict && extra.length > 0) {
    throw fault(
      'E0721',
      `${file} holds ${list(extra)}, which the model does not have`,
      '`strict = false` in a weights block ignores them',
    );
  }
  return new Map(parameters.map(({ name, shape }) => [name, tensorOf(file, name, shape, found.get(name))]));
}

function tensorOf(file: string, name: string, shape: readonly number[], stored: StoredTensor | undefined): Tensor {
  if (!stored) throw fault('E0720', `${file} lacks ${name}`);
  if (!/^B?F\d+$/.test(stored.dtype)) {
    throw fault('E0722', `${name} in ${file} is ${stored.dtype}, the model takes floats`);
  }
  if (stored.shape.join() !== shape.join()) {
    throw fault('E0722', `${name} in ${file} is [${stored.shape.join(', ')}], the model takes [${shape.join(', ')}]`);
  }
  return { dtype: 'f32', shape, data: toFloat32(stored) };
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
