/** From `FILE[:Model]` to a model with its graph, weights and preprocessing. */
import type { Preprocess } from '../../runtime/artifact.ts';
import { RuntimeFault } from '../../runtime/errors.ts';
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import { didYouMean } from '../../grammar/suggest.ts';
import { stageWords } from '../analyze/directive-schema.ts';
import { analyze, mergeDiagnostics, nodeHost } from '../analyze/index.ts';
import type { AnalyzedModel, AnalyzedProgram, BuiltModel } from '../analyze/index.ts';
import type { Graph } from '../ir/node.ts';
import { SourceError, usageError } from './failure.ts';
import { requireFile } from './require-file.ts';

export interface ModelOptions {
  /** Values of model parameters, as `-P` gives them. */
  readonly arguments?: Readonly<Record<string, string>> | undefined;
  /** Sizes of symbols, as `--shape` gives them. */
  readonly dims?: Readonly<Record<string, number>> | undefined;
}

export interface SourceModel {
  readonly program: AnalyzedProgram;
  readonly model: AnalyzedModel;
  readonly built: BuiltModel;
  readonly graph: Graph;
  readonly preprocess: Preprocess | undefined;
  /** Warnings alone. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Splits `FILE:Model`; a colon inside the path itself is left alone. */
export function parseTarget(text: string): { readonly file: string; readonly model: string | undefined } {
  const found = /^(.+):([A-Za-z_]\w*)$/s.exec(text);
  return found ? { file: found[1] ?? text, model: found[2] } : { file: text, model: undefined };
}

/** Throws SourceError for errors in the source, E0001 where the model is not clear, and E0710. */
export async function loadModel(target: string, options: ModelOptions = {}): Promise<SourceModel> {
  const { file, model: wanted } = parseTarget(target);
  await requireFile(file);
  return modelOf(analyze(file, nodeHost()), wanted, options);
}

/** The model of that name, or the only one. Throws as `loadModel` does. */
export function modelOf(program: AnalyzedProgram, wanted: string | undefined, options: ModelOptions = {}): SourceModel {
  failOnErrors(program.diagnostics);
  const model = pickModel(program, program.file.path, wanted);
  const built = model.build({ arguments: options.arguments ?? {}, dims: options.dims ?? {} });
  const { preprocess, diagnostics } = model.preprocess(built.graph);
  const all = mergeDiagnostics(program.diagnostics, built.diagnostics, diagnostics);
  failOnErrors(all);
  if (!built.graph) throw new SourceError(all);
  return { program, model, built, graph: built.graph, preprocess, diagnostics: all };
}

function failOnErrors(diagnostics: readonly Diagnostic[]): void {
  if (diagnostics.some(({ severity }) => severity === 'error')) throw new SourceError(diagnostics);
}

function pickModel({ models, directives }: AnalyzedProgram, file: string, wanted: string | undefined): AnalyzedModel {
  const names = models.map(({ name }) => name);
  const list = names.join(', ');
  if (wanted !== undefined) {
    const found = models.find(({ name }) => name === wanted);
    if (found) return found;
    const stage = directives.find(({ name, word }) => name === wanted && stageWords.some((each) => each === word));
    if (stage)
      throw usageError(
        `${wanted} is a stage of ${file}, and this is about models`,
        `name its model: ${file}:${stage.target}`,
      );
    const help = names.length === 0 ? undefined : (didYouMean(wanted, names) ?? `it has ${list}`);
    throw usageError(`${file} has no model ${wanted}`, help);
  }
  const own = models.filter(({ isImported }) => !isImported);
  const [only, second] = own;
  if (only && !second) return only;
  if (only)
    throw usageError(
      `${file} declares several models: ${own.map(({ name }) => name).join(', ')}`,
      `name one: ${file}:${only.name}`,
    );
  const help =
    names.length === 0
      ? 'declare one: model Name(image: f32[N, 3, 32, 32]) -> ... { ... }'
      : `it imports ${list}: name one with ${file}:${names[0] ?? ''}`;
  throw usageError(`${file} declares no model`, help);
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
