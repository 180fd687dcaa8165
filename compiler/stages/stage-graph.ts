/** The stages of a program as a graph: which starts from which, through `from = name`. */
import type { CheckedDirective } from '../analyze/index.ts';
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
    const upstream = textOf(directive.settings.get('from'));
    const from = upstream === undefined ? undefined : add(upstream);
    const node: StageNode = { name, word, model: directive.target ?? '', directive, from };
    nodes.set(name, node);
    return node;
  };
  for (const name of byName.keys()) add(name);
  return [...nodes.values()];
}

/** The stages that lead to one, itself last. */
export function chainTo(stage: StageNode): StageNode[] {
  return stage.from ? [...chainTo(stage.from), stage] : [stage];
}

/** Stages that no other one starts from. */
export const endsOf = (stages: readonly StageNode[]): StageNode[] =>
  stages.filter((stage) => !stages.some(({ from }) => from === stage));
