/** A checkpoint as one file: safetensors with the tensors of a run, its position in the metadata, and a checksum. */
import * as v from 'valibot';
import { RuntimeFault } from '../errors.ts';
import type { HostTensor } from '../host-tensor.ts';
import { encodeSafetensors, parseSafetensors, type Safetensors } from '../files/safetensors.ts';
import { fromFloat32, toFloat32, type StoredTensor } from '../files/stored-tensor.ts';
import { recipeSchema, type Recipe } from './recipe.ts';
import { recipeChanges } from './recipe-changes.ts';
import { trainingStateSchema, type TrainingState } from './training-state.ts';

export type Tensors = ReadonlyMap<string, HostTensor>;

export interface Checkpoint {
  readonly recipe: Recipe;
  /** Tells apart what is trained; two runs of one recipe on different networks must differ here. */
  readonly model: string;
  readonly state: TrainingState;
  /** Every tensor of the training state, by its name: parameters, statistics, `optim.*`, `ema.*`, totals. */
  readonly tensors: Tensors;
  /** Those that early stopping would restore. */
  readonly restorable: Tensors | undefined;
}

const format = 'cnnc-checkpoint';
const version = '1';
/** In front of the names of `restorable`. */
const prefix = 'early_stop/';
/** The history of a long run is part of the header. */
const maxHeaderBytes = 64 * 2 ** 20;

const corrupt = (message: string): RuntimeFault =>
  new RuntimeFault('E0716', 'input', message, 'resume from an older checkpoint of the run, or start it anew');

/** The bytes of a checkpoint file. The same checkpoint gives the same bytes. */
export async function encodeCheckpoint(checkpoint: Checkpoint): Promise<Uint8Array> {
  const { recipe, model, state, tensors, restorable } = checkpoint;
  const stored = new Map<string, StoredTensor>();
  for (const [name, { data, shape }] of tensors) {
    if (name.startsWith(prefix)) throw corrupt(`a tensor of a checkpoint cannot be called ${JSON.stringify(name)}`);
    stored.set(name, fromFloat32(data, shape));
  }
  for (const [name, { data, shape }] of restorable ?? []) stored.set(prefix + name, fromFloat32(data, shape));
  const metadata = new Map([
    ['format', format],
    ['version', version],
    ['model', model],
    ['recipe', JSON.stringify(recipe)],
    ['recipe_hash', await sha256(new TextEncoder().encode(JSON.stringify(recipe)))],
    ['state', JSON.stringify(state)],
    ['restorable', String(restorable !== undefined)],
  ]);
  metadata.set('checksum', await checksumOf(stored, metadata));
  return encodeSafetensors(stored, metadata);
}

/** Throws E0716 for a file that is cut off, changed, of another version or no checkpoint at all. */
export async function decodeCheckpoint(bytes: Uint8Array): Promise<Checkpoint> {
  const { tensors: stored, metadata } = parseFile(bytes);
  if (metadata.get('format') !== format) throw corrupt('the file is no checkpoint');
  const found = metadata.get('version') ?? 'none';
  if (found !== version) throw corrupt(`the checkpoint has version ${found}, and this is for version ${version}`);
  const rest = new Map(metadata);
  rest.delete('checksum');
  if ((await checksumOf(stored, rest)) !== metadata.get('checksum')) throw corrupt('the checksum does not fit');
  const [tensors, restorable] = [new Map<string, HostTensor>(), new Map<string, HostTensor>()];
  for (const [name, tensor] of stored) {
    const held = { shape: tensor.shape, data: toFloat32(tensor) };
    if (name.startsWith(prefix)) restorable.set(name.slice(prefix.length), held);
    else tensors.set(name, held);
  }
  return {
    recipe: parseJson(recipeSchema, metadata, 'recipe'),
    model: metadata.get('model') ?? '',
    state: parseJson(trainingStateSchema, metadata, 'state'),
    tensors,
    restorable: metadata.get('restorable') === 'true' ? restorable : undefined,
  };
}

export interface Continuation {
  readonly recipe: Recipe;
  readonly model: string;
  /** Every tensor of the state with its shape. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

const otherModel = 'network, loss or optimizer are not the same, or another version of cnnc has compiled them';

/** Throws E0717 where a run cannot go on from a checkpoint as if it had never stopped; says what changed. */
export function checkContinues(checkpoint: Checkpoint, { recipe, model, shapes }: Continuation): void {
  const changes = [...recipeChanges(checkpoint.recipe, recipe), ...shapeChanges(checkpoint.tensors, shapes)];
  if (changes.length === 0 && checkpoint.model !== model) changes.push(otherModel);
  if (changes.length > 0) throw otherRun(changes, 'restore these settings, or start anew in another folder');
}

/** E0717 that says what changed. */
export function otherRun(changes: readonly string[], help: string): RuntimeFault {
  const shown = changes.length > 4 ? [...changes.slice(0, 4), `${changes.length - 4} more`] : changes;
  return new RuntimeFault('E0717', 'input', `the run cannot go on from its checkpoint: ${shown.join('; ')}`, help);
}

function shapeChanges(tensors: Tensors, shapes: ReadonlyMap<string, readonly number[]>): readonly string[] {
  const text = (shape: readonly number[] | undefined): string => (shape ? `[${shape.join(', ')}]` : 'absent');
  return [...new Set([...shapes.keys(), ...tensors.keys()])].flatMap((name) => {
    const [is, was] = [text(shapes.get(name)), text(tensors.get(name)?.shape)];
    return is === was ? [] : [`tensor ${name} is ${is} and was ${was}`];
  });
}

function parseFile(bytes: Uint8Array): Safetensors {
  try {
    return parseSafetensors(bytes, { maxHeaderBytes });
  } catch (error) {
    if (error instanceof RuntimeFault) throw corrupt(error.message);
    throw error;
  }
}

/** Of the file as it would be without its checksum, so that no byte of header or data is left out. */
function checksumOf(stored: ReadonlyMap<string, StoredTensor>, metadata: ReadonlyMap<string, string>): Promise<string> {
  return sha256(encodeSafetensors(stored, metadata));
}

async function sha256(bytes: Uint8Array): Promise<string> {
  // A view of shared memory cannot be digested; a copy is none.
  const plain =
    bytes.buffer instanceof ArrayBuffer ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes.slice();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', plain));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function parseJson<T>(schema: v.GenericSchema<unknown, T>, metadata: ReadonlyMap<string, string>, key: string): T {
  try {
    return v.parse(schema, JSON.parse(metadata.get(key) ?? ''));
  } catch {
    throw corrupt(`the ${key} in the checkpoint is not readable`);
  }
}
