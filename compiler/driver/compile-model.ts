/** Compiles a source model and keeps what each pass did, for reports, dumps and verification. */
import { diagnostic } from '../../grammar/diagnostics.ts';
import { settleNames } from '../../runtime/class-names.ts';
import type { Preprocess, ProfileName } from '../../runtime/artifact.ts';
import { compile, type Compilation } from '../compile/compile.ts';
import { LoweringError } from '../emit/lower.ts';
import { topologicalOrder, type Graph } from '../ir/node.ts';
import { SourceError } from './failure.ts';
import type { ModelWeights } from './model-weights.ts';
import type { SourceModel } from './source-model.ts';

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

export interface SourceCompilation extends Compilation {
  readonly passes: readonly PassRecord[];
}

/** Throws SourceError where an op has no kernel, and E0714 where weights and source name other classes. */
export function compileSource(
  { model, built, program, preprocess, graph, diagnostics }: SourceModel,
  { weights, classNames: carried, source: origin }: ModelWeights,
  profiles?: readonly ProfileName[],
): SourceCompilation {
  const passes: PassRecord[] = [];
  const { names } = settleNames({ model: model.name, weights: origin, carried, given: preprocess?.labels });
  const input = {
    name: model.name,
    source: program.file.path,
    graph,
    parameters: built.parameters,
    weights,
    preprocess: withNames(preprocess, names),
    guards: built.facts,
  };
  try {
    const compilation = compile(input, {
      ...(profiles ? { profiles } : {}),
      onPass: ({ name, summary }, before, after) => passes.push({ pass: name, summary, before, after }),
    });
    return { ...compilation, passes };
  } catch (error) {
    if (!(error instanceof LoweringError)) throw error;
    const span = error.node.origin?.spans[0] ?? model.item.declaration.name.span;
    throw new SourceError([...diagnostics, diagnostic('E0340', span, error.message)]);
  }
}

/** Nodes that compute something: all but inputs, parameters and constants. */
export const computedNodes = (graph: Graph): number =>
  topologicalOrder(graph).filter((node) => node.inputs.length > 0).length;
