/** What a pass is: a pure function from graph to graph, with a name. */
import type { Graph } from '../ir/node.ts';

export interface Pass<O = void> {
  /** Verb and noun, as in `fold-batch-norm`; it appears in origins and in `--dump-ir`. */
  readonly name: string;
  readonly summary: string;
  /** Returns the same object where there is nothing to do. */
  run(graph: Graph, options: O): Graph;
}
