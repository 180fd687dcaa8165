/** From a model of a source and its weights to an artifact, with what each pass did. */
import { diagnostic, type Diagnostic } from '../../grammar/diagnostics.ts';
import type { Span } from '../../grammar/source.ts';
import { settleNames } from '../../runtime/class-names.ts';
import type { Preprocess, ProfileName } from '../../runtime/artifact.ts';
import { compile, type Compilation, type CompileInput, type CompileOptions } from '../compile/compile.ts';
import { LoweringError } from '../emit/lower.ts';
import { topologicalOrder, type Graph } from '../ir/node.ts';
import type { QuantizationRecord } from '../passes/int8/record.ts';
import { SourceError } from './failure.ts';
import { budgetLines, type NamedFigures, type References } from './measured-budgets.ts';
import type { ModelWeights } from './model-weights.ts';
import type { SourceModel } from './project.ts';

/** Preprocessing that names the classes of the scores; the names of the source give way. */
export const withNames = (
  preprocess: Preprocess | undefined,
  names: readonly string[] | undefined,
): Preprocess | undefined => (names ? { ...(preprocess ?? { steps: [] }), labels: [...names] } : preprocess);

export interface PassRecord {
  readonly pass: string;
  readonly summary: string;
  readonly before: Graph;
  readonly after: Graph;
}

/** With what each pass did, for reports, dumps and verification. */
export interface ModelCompilation extends Compilation {
  readonly passes: readonly PassRecord[];
}

export interface CompileModelOptions {
  /** Which plans the artifact holds; both unless told. */
  readonly profiles?: readonly ProfileName[] | undefined;
  /** What becomes int8; float32 throughout without it. */
  readonly quantization?: QuantizationRecord | undefined;
  /** The stage that made the weights, and what it measured. */
  readonly stage?: { readonly name: string; readonly figures: NamedFigures } | undefined;
  /** Accuracies that budgets of the model measure drops against. */
  readonly references?: References | undefined;
}

/**
 * The artifact of a model with weights, its manifest complete: names of classes, budgets, the stage. Throws SourceError
 * where an op has no kernel, and E0714 where weights and source name other classes.
 */
export function compileModel(
  { model, built, program, preprocess, graph, diagnostics }: SourceModel,
  { weights, classNames: carried, source: origin }: ModelWeights,
  { profiles, quantization, stage, references = () => undefined }: CompileModelOptions = {},
): ModelCompilation {
  const { names } = settleNames({ model: model.name, weights: origin, carried, given: preprocess?.labels });
  const input = {
    name: model.name,
    source: program.file.path,
    graph,
    parameters: built.parameters,
    weights,
    quantization,
    preprocess: withNames(preprocess, names),
    guards: built.facts,
  };
  const place = { span: model.item.declaration.name.span, diagnostics };
  const { artifact, ...rest } = compileAt(input, place, profiles ? { profiles } : {});
  const budgets = budgetLines(model.budgets, references);
  const manifest = {
    ...artifact.manifest,
    ...(budgets.length > 0 ? { budgets } : {}),
    ...(stage ? { stage: { name: stage.name, figures: { ...stage.figures } } } : {}),
  };
  return { ...rest, artifact: { ...artifact, manifest } };
}

/** Throws SourceError (E0340, behind the diagnostics given) where an op has no kernel: at its place, or at `span`. */
export function compileAt(
  input: CompileInput,
  { span, diagnostics = [] }: { readonly span: Span; readonly diagnostics?: readonly Diagnostic[] },
  options: CompileOptions = {},
): ModelCompilation {
  const passes: PassRecord[] = [];
  const onPass: CompileOptions['onPass'] = ({ name, summary }, before, after) =>
    passes.push({ pass: name, summary, before, after });
  try {
    return { ...compile(input, { onPass, ...options }), passes };
  } catch (error) {
    if (!(error instanceof LoweringError)) throw error;
    throw new SourceError([...diagnostics, diagnostic('E0340', error.node.origin?.spans[0] ?? span, error.message)]);
  }
}

/** Nodes that compute something: all but inputs, parameters and constants. */
export const computedNodes = (graph: Graph): number =>
  topologicalOrder(graph).filter((node) => node.inputs.length > 0).length;
