/** A stage's folder: what came out of it, and what that depends on. */
import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { classNameSchema } from '../../../runtime/artifact.ts';
import { namesMetadata } from '../../../runtime/class-names.ts';
import { RuntimeFault } from '../../../runtime/errors.ts';
import { isCheckpointName } from '../../../runtime/node/run/checkpoint-files.ts';
import { pathKind, readBytes, systemErrorReason } from '../../../runtime/node/file-access.ts';
import { recipeName } from '../../../runtime/node/run/own-run.ts';
import { writeFileAtomically } from '../../../runtime/node/write-file.ts';
import { encodeSafetensors, parseSafetensors } from '../../../runtime/files/safetensors.ts';
import { packSparse, unpackSparse } from '../../../runtime/files/sparse-tensors.ts';
import { fromFloat32, type StoredTensor } from '../../../runtime/files/stored-tensor.ts';
import type { Tensor } from '../../ir/type.ts';
import { isInnerRun } from '../checks/begun-run.ts';
import { quantizationRecordSchema } from '../../passes/int8/record.ts';
import { channelRecordSchema, type ChannelRecord, type StagedModel } from './staged-model.ts';
import { identitySchema } from './stage-identity.ts';

/** Bumped whenever an older reader could misread a newer folder. */
const stageVersion = 1;

const recordSchema = v.object({
  format: v.literal('cnnc-stage'),
  version: v.literal(stageVersion),
  word: v.picklist(['train', 'prune', 'distill', 'quantize']),
  name: v.string(),
  /** Name of the model, and the path of its source as it was given. */
  model: v.string(),
  source: v.string(),
  from: v.optional(v.string()),
  /** Of `identity`. */
  hash: v.string(),
  identity: identitySchema,
  /** Digest of what was in the files of the data; absent where they were too many to read through. */
  contents: v.optional(v.string()),
  /** Digest of weights and records together: what the next stage starts from. */
  result: v.string(),
  /** By name, in base units: `params`, `macs`, `size`, `peak_memory`, `val.accuracy`, `seconds`, ... */
  figures: v.record(v.string(), v.number()),
  /** Of the scores, in their order, where they are known. */
  classNames: v.optional(v.array(classNameSchema)),
  channels: v.optional(channelRecordSchema),
  quantization: v.optional(quantizationRecordSchema),
});
export interface StageRecord extends Omit<v.InferOutput<typeof recordSchema>, 'channels'> {
  readonly channels?: ChannelRecord | undefined;
}

/** The last file to be written: without it the stage is not over. */
export const stageFile = 'stage.json';
const weightsFile = 'best.safetensors';
const graphFile = 'model.ir';
/** What its data was, a line a file. */
export const listFile = 'data.txt';

export interface StageFolder {
  readonly path: string;
  readonly record: StageRecord;
  /** The declared network as the stage saw it; see `sourceText`. */
  readonly graph: string;
}

/** `what` is a sentence. */
export const damagedStage = (folder: string, what: string): RuntimeFault =>
  new RuntimeFault(
    'E0724',
    'input',
    what,
    `put the file back as it was, or move ${folder} away and run its stage again`,
  );

/** The record of a finished stage; undefined where the folder holds none. Throws E0710, and E0724 where it is damaged. */
export async function readStageFolder(path: string): Promise<StageFolder | undefined> {
  const file = join(path, stageFile);
  if ((await pathKind(file)) === undefined) return undefined;
  const json = parseJson(path, file, await readBytes(file));
  const parsed = v.safeParse(recordSchema, json);
  if (!parsed.success) throw damagedStage(path, `${file} ${faultIn(json, parsed.issues)}`);
  const graph = new TextDecoder().decode(await readBytes(join(path, graphFile)));
  return { path, record: parsed.output, graph };
}

/** What is wrong with a record, as what is said of the file. */
function faultIn(json: unknown, [issue]: readonly v.BaseIssue<unknown>[]): string {
  const head = v.safeParse(v.object({ format: recordSchema.entries.format, version: v.number() }), json);
  if (!head.success) return 'is no record of a stage';
  const { version } = head.output;
  if (version !== stageVersion)
    return `has the format ${version}, of another version of cnnc; this one reads ${stageVersion}`;
  return `has no valid ${(issue && v.getDotPath(issue)) ?? 'record'}`;
}

function parseJson(folder: string, file: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw damagedStage(folder, `${file} is not JSON`);
  }
}

/** The weights of a finished stage. Throws E0710, E0711, and E0724 where they are not those that the stage wrote. */
export async function readStageWeights({ path, record }: StageFolder): Promise<ReadonlyMap<string, StoredTensor>> {
  const file = join(path, weightsFile);
  const bytes = await readBytes(file);
  if (resultOf(bytes, record) !== record.result)
    throw damagedStage(path, `${file} is not as the stage ${record.name} wrote it`);
  return unpackSparse(parseSafetensors(bytes));
}

/** What tells results apart: bytes of the weights file, and what the records say. */
const resultOf = (weights: Uint8Array, { channels, quantization }: Pick<StageRecord, 'channels' | 'quantization'>) =>
  createHash('sha256')
    .update(weights)
    .update(JSON.stringify([channels ?? null, quantization ?? null]))
    .digest('hex');

type Written = Omit<
  StageRecord,
  'format' | 'version' | 'model' | 'source' | 'result' | 'classNames' | 'channels' | 'quantization'
>;

/**
 * Writes weights and graph, then the record, each as a whole; sparse weights as `runtime/files/sparse-tensors.ts` says, whole
 * ones as PyTorch's readers of safetensors expect. Throws E0723.
 */
export async function writeStageFolder(
  path: string,
  { name: model, source, weights, channels, quantization, preprocess }: StagedModel,
  graph: string,
  { isSparse, ...written }: Written & { readonly isSparse: boolean },
): Promise<StageRecord> {
  await mkdir(path, { recursive: true }).catch((error: unknown) => {
    throw new RuntimeFault('E0723', 'environment', `cannot make ${path}: ${systemErrorReason(error)}`);
  });
  const classNames = preprocess?.labels;
  const bytes = encodeWeights(weights, { isSparse, classNames });
  const records = { ...(channels ? { channels } : {}), ...(quantization ? { quantization } : {}) };
  const result = resultOf(bytes, records);
  const record: StageRecord = {
    format: 'cnnc-stage',
    version: stageVersion,
    ...written,
    model,
    source,
    result,
    ...(classNames ? { classNames } : {}),
    ...records,
  };
  await writeFileAtomically(join(path, weightsFile), bytes);
  await writeFileAtomically(join(path, graphFile), graph);
  await writeFileAtomically(join(path, stageFile), `${JSON.stringify(record, null, 2)}\n`);
  return record;
}

function encodeWeights(
  weights: ReadonlyMap<string, Tensor>,
  { isSparse, classNames }: { readonly isSparse: boolean; readonly classNames: readonly string[] | undefined },
): Uint8Array {
  const whole = new Map(
    [...weights].map(([name, { shape, data }]): [string, StoredTensor] => {
      return [name, fromFloat32(Float32Array.from(data), shape)];
    }),
  );
  const { tensors, metadata } = isSparse ? packSparse(whole) : { tensors: whole, metadata: [] };
  return encodeSafetensors(tensors, new Map([['format', 'pt'], ...namesMetadata(classNames), ...metadata]));
}

/**
 * Makes room for a new run of a stage: the last finished one is kept beside it as `NAME.previous`. One that lies there
 * already makes way where it is of the same source and holds nothing else; else the name gets a number. Throws E0723.
 */
export async function setAside({ path, record }: StageFolder): Promise<string> {
  try {
    for (let number = 1; ; number++) {
      const aside = number === 1 ? `${path}.previous` : `${path}.previous-${number}`;
      if (!(await makesWay(aside, record.source))) continue;
      await rm(aside, { recursive: true, force: true });
      await rename(path, aside);
      return aside;
    }
  } catch (error) {
    if (error instanceof RuntimeFault) throw error;
    throw new RuntimeFault('E0723', 'environment', `cannot rename ${path}: ${systemErrorReason(error)}`);
  }
}

/** What stages and their trainings write besides checkpoints. */
const ownFiles: ReadonlySet<string> = new Set([
  stageFile,
  weightsFile,
  graphFile,
  listFile,
  recipeName,
  'metrics.jsonl',
  'report.html',
  'final.safetensors',
]);

function isOwn(entry: Dirent): boolean {
  const { name } = entry;
  if (name.startsWith('.')) return true;
  return entry.isDirectory() ? isInnerRun(name) : ownFiles.has(name) || isCheckpointName(name);
}

async function makesWay(aside: string, source: string): Promise<boolean> {
  if ((await pathKind(aside)) === undefined) return true;
  const entries = await readdir(aside, { withFileTypes: true }).catch(() => undefined);
  if (!entries?.every(isOwn)) return false;
  const earlier = await readStageFolder(aside).catch(() => undefined);
  return earlier?.record.source === source;
}
