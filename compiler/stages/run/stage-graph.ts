/** The stages of a program as a graph: which starts from which, through `from = name`. */
import type { CheckedDirective } from '../../analyze/index.ts';
import { textOf } from './settings.ts';

const words = ['train', 'prune', 'distill', 'quantize'] as const;
export type StageWord = (typeof words)[number];

export interface StageNode {
  readonly name: string;
  readonly word: StageWord;
  /** Name of the model that it is for. */
  readonly model: string;
  readonly directive: CheckedDirective;
  /** The stage that it starts from; a root starts from the model itself. */
  readonly from: StageNode | undefined;
  /** The stage that makes its teacher, of whichever model. */
  readonly teacher: StageNode | undefined;
}

const wordOf = (word: string): StageWord | undefined => words.find((each) => each === word);

/** All stages, each behind the one that it starts from, else in the order of the source. The analyzer refuses circles. */
export function stagesOf(directives: readonly CheckedDirective[]): StageNode[] {
  const byName = new Map(directives.flatMap((each) => (wordOf(each.word) && each.name ? [[each.name, each]] : [])));
  const nodes = new Map<string, StageNode>();
  const add = (name: string): StageNode | undefined => {
    const known = nodes.get(name);
    const directive = byName.get(name);
    const word = wordOf(directive?.word ?? '');
    if (known || !directive || !word) return known;
    const [from, teacher] = ['from', 'teacher'].map((key) => {
      const upstream = textOf(directive.settings.get(key));
      return upstream === undefined ? undefined : add(upstream);
    });
    const node: StageNode = { name, word, model: directive.target ?? '', directive, from, teacher };
    nodes.set(name, node);
    return node;
  };
  for (const name of byName.keys()) add(name);
  return [...nodes.values()];
}

/** The stages that lead to one through `from`, itself last. */
export function chainTo(stage: StageNode): StageNode[] {
  return stage.from ? [...chainTo(stage.from), stage] : [stage];
}

/** Everything that one needs, each behind what it needs itself: also teachers, and what leads to them. */
export function stagesFor(stage: StageNode): StageNode[] {
  const needed = [stage.teacher, stage.from].flatMap((each) => (each ? stagesFor(each) : []));
  return [...new Set([...needed, stage])];
}

/** Stages that no other one needs. */
export const endsOf = (stages: readonly StageNode[]): StageNode[] =>
  stages.filter((stage) => !stages.some(({ from, teacher }) => from === stage || teacher === stage));
