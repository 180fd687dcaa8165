/** What `--limit` leaves out: data lies class by class in most folders, so that its first samples may be of one. */
import { nameList } from '../../../../runtime/class-names.ts';
import type { EvalData } from './data.ts';
import type { Question } from './judges.ts';

/** Counts the classes of the samples that are taken; `text` is empty where each class of the data has some. */
export function classesTaken({ account, classNames, target, size }: EvalData): {
  add(questions: readonly Question[]): void;
  text(taken: number): string;
} {
  const seen = new Set<string>();
  // Data without names has numbers in its account, which are those of the model's classes.
  const nameOf = (name: string): string => (classNames?.includes(name) ? name : (classNames?.[Number(name)] ?? name));
  return {
    add(questions) {
      if (target !== 'class') return;
      for (const { truth } of questions) for (const label of truth.data) seen.add(classNames?.[label] ?? String(label));
    },
    text(taken) {
      const held =
        account.classes?.filter(({ count }) => count > 0).map(({ name }) => nameOf(name)) ?? classNames ?? [];
      const missed = held.filter((name) => !seen.has(name));
      if (target !== 'class' || taken >= size || missed.length === 0) return '';
      const [first, ...others] = seen;
      const whose = others.length === 0 ? `all of ${first}` : `of ${seen.size} of the ${held.length} classes`;
      return (
        `note: --limit takes the first of the samples, and these are ${whose}, none of ${nameList(missed)}: ` +
        'leave it out, or shuffle the data'
      );
    },
  };
}
