/** From `FILE[:Name]` to a program, analysed once, and to its models with graph and preprocessing. */
import type { Preprocess } from '../../runtime/artifact.ts';
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import { didYouMean } from '../../grammar/suggest.ts';
import { stageWords } from '../analyze/directives/directive-schema.ts';
import { analyze, mergeDiagnostics, nodeHost, OverrideError } from '../analyze/index.ts';
import type { AnalyzedModel, AnalyzedProgram, BuiltModel } from '../analyze/index.ts';
import type { Span } from '../../grammar/source.ts';
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

/** A source, read, parsed and analysed once. */
export interface Project {
  /** As the target names it. */
  readonly file: string;
  /** The model, stage or dataset that the target names behind a colon. */
  readonly name: string | undefined;
  readonly program: AnalyzedProgram;
  /** What is wrong with the source, errors among it; what needs a source without errors throws them as a SourceError. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface ProjectOverrides {
  /** `KEY=VALUE`, as in `train.epochs=5`, in place of what the source says. Faults are shown in a span where one is given. */
  readonly settings?: readonly (string | Span)[];
}

/** Splits `FILE:Name`; a colon inside the path itself is left alone. */
export function parseTarget(text: string): { readonly file: string; readonly name: string | undefined } {
  const found = /^(.+):([A-Za-z_]\w*)$/s.exec(text);
  return found ? { file: found[1] ?? text, name: found[2] } : { file: text, name: undefined };
}

/** Opens `FILE` or `FILE:Name`. Throws E0710 where the file cannot be read, and E0001 where a setting has an unknown key. */
export async function openProject(target: string, { settings = [] }: ProjectOverrides = {}): Promise<Project> {
  const { file, name } = parseTarget(target);
  await requireFile(file);
  const spans = settings.map((each): Span => {
    return typeof each === 'string' ? { file: { path: 'settings', text: each }, start: 0, end: each.length } : each;
  });
  try {
    const program = analyze(file, nodeHost(), { settings: spans, chosen: name });
    return { file, name, program, diagnostics: program.diagnostics };
  } catch (error) {
    if (error instanceof OverrideError) throw usageError(error.message, error.help);
    throw error;
  }
}

/** The model that the target names. Throws SourceError for errors in the source, and E0001 where the model is not clear. */
export const modelIn = ({ program, name }: Project, options: ModelOptions = {}): SourceModel =>
  modelOf(program, name, options);

/** The model of that name, or the only one. Throws as `modelIn` does. */
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

/** Throws a SourceError where there are errors. */
export function failOnErrors(diagnostics: readonly Diagnostic[]): void {
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
