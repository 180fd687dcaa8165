/** The weights of a source model: from `--weights`, or from the file of its `weights` directive. */
import { readBytes } from '../../runtime/node/file-access.ts';
import { namesInMetadata } from '../../runtime/class-names.ts';
import { RuntimeFault } from '../../runtime/errors.ts';
import { parseSafetensors } from '../../runtime/files/safetensors.ts';
import { unpackSparse } from '../../runtime/files/sparse-tensors.ts';
import type { Diagnostic, Note } from '../../grammar/diagnostics.ts';
import type { Span } from '../../grammar/source.ts';
import { isParameter } from '../ir/leaves.ts';
import { topologicalOrder, type Graph } from '../ir/node.ts';
import type { Tensor } from '../ir/type.ts';
import { initialWeights, loadWeights, WeightsFault } from './load-weights.ts';
import { exitCodes, SourceError, usageError } from './failure.ts';
import type { SourceModel } from './project.ts';

export interface ModelWeights {
  readonly weights: ReadonlyMap<string, Tensor>;
  /** What the user reads: a path, or how they were made. */
  readonly source: string;
  /** Of the scores, in their order, where the file carries them. */
  readonly classNames?: readonly string[] | undefined;
  /** What was passed over in reading them, for people. */
  readonly notes: readonly string[];
}

/** What commands say of the weights that they take. */
export interface WeightsFlags {
  /** A file, or `random`. */
  readonly weights?: string | undefined;
  readonly ignoreExtra?: boolean | undefined;
  /** Whether NaN and infinities are meant; see `weightWarnings`. */
  readonly allowNonFinite?: boolean | undefined;
}

/**
 * The weights that `--weights` names (a file, or `random`), else those of the file's `weights` directive. A file given
 * by hand takes the place of the directive's, whose `strict` and `rename` still hold. Throws E0001 where no file is
 * clear, E0710 and E0711, and E0720 to E0722 (as a SourceError that shows the layers) where it does not fit the model.
 */
export async function importWeights(
  source: Pick<SourceModel, 'model' | 'built' | 'graph'>,
  { weights: option, ignoreExtra = false }: WeightsFlags,
  seed: number,
): Promise<ModelWeights> {
  const { model, built } = source;
  const notes: string[] = [];
  if (option === 'random') {
    return { weights: initialWeights(built.parameters, seed), source: `random, seed ${seed}`, notes };
  }
  if (built.parameters.length === 0 && option === undefined)
    return { weights: new Map(), source: 'none needed', notes };
  const [directive, second] = model.weights;
  if (second && option === undefined) {
    const names = model.weights.map(({ name, path }) => `${name} (${path})`).join(', ');
    throw usageError(`${model.name} has several weights: ${names}`, 'choose a file with --weights FILE');
  }
  const path = option ?? directive?.path;
  if (path === undefined) {
    const help = `give them with --weights FILE, or in the source with \`weights NAME for ${model.name} { file = "..." }\`; --weights random tries the model without`;
    throw usageError(`${model.name} has no weights`, help);
  }
  const only = second ? undefined : directive;
  const bytes = option === undefined ? await readNamed(path) : await readBytes(path);
  const file = named(path, () => parseSafetensors(bytes));
  const stored = named(path, () => unpackSparse(file));
  const options = {
    bufferNames: built.bufferNames,
    strict: !ignoreExtra && (only?.strict ?? true),
    onExtra: (names: readonly string[]) => notes.push(extraNote(path, names)),
    ...(only ? { rename: only.rename } : {}),
  };
  const weights = located(source.graph, () => loadWeights(path, stored, built.parameters, options));
  return { weights, source: path, classNames: namesInMetadata(file.metadata, path), notes };
}

const extraNote = (path: string, names: readonly string[]): string => {
  const shown = names.slice(0, 5).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '');
  return `note: ${path} also holds ${shown}, which the model has not`;
};

/** Shows a file that does not fit at the layers whose parameters it lacks, or has otherwise. */
function located<T>(graph: Graph, load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof WeightsFault)) throw error;
    const [first, ...more] = error.parameters.flatMap((name) => layersAt(graph, name));
    if (!first) throw error;
    const { code, message, help } = error;
    const shown: Diagnostic = { code, severity: 'error', message, span: first.span, notes: [] };
    const notes = [...first.calls, ...more.slice(0, 2).map(({ name, span }): Note => ({ message: name, span }))];
    const detail = { label: first.name, notes, ...(help === undefined ? {} : { help }) };
    throw new SourceError([{ ...shown, ...detail }], exitCodes.environment);
  }
}

interface Place {
  readonly name: string;
  readonly span: Span;
  /** The calls of blocks that lead there, innermost first. */
  readonly calls: readonly Note[];
}

/** Where the source makes a parameter. */
export function layersAt(graph: Graph, parameter: string): Place[] {
  const node = topologicalOrder(graph).find((each) => isParameter(each) && each.attrs.name === parameter);
  const [span, ...calls] = node?.origin?.spans ?? [];
  if (!span) return [];
  return [{ name: parameter, span, calls: calls.map((each) => ({ message: 'called here', span: each })) }];
}
/** Puts the file's name in front of what a reader says about its bytes. */
export function named<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RuntimeFault)) throw error;
    throw new RuntimeFault(error.code, error.kind, `${path}: ${error.message}`, error.help);
  }
}

/** The source names the file, so the way out may be to name another. */
async function readNamed(path: string): Promise<Uint8Array> {
  try {
    return await readBytes(path);
  } catch (error) {
    if (!(error instanceof RuntimeFault)) throw error;
    const help =
      'name the file with --weights FILE, set CNNC_DATA to its folder, or try the model with --weights random';
    throw new RuntimeFault(error.code, error.kind, error.message, help);
  }
}
