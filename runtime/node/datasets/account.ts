/** What of a dataset was left out, and why. */

/** Files, arrays or samples that are not read, by one reason. */
export interface LeftOut {
  /** As it stands behind the count: an ending such as `.txt`, `hidden`, `without a line in labels.txt`. */
  readonly reason: string;
  readonly count: number;
  /** The first of them. */
  readonly example: string;
}

/** Counts what is left out. */
export interface LeftOutCounter {
  add(reason: string, name: string, count?: number): void;
  all(): readonly LeftOut[];
}

export function createLeftOut(): LeftOutCounter {
  const found = new Map<string, { reason: string; count: number; example: string }>();
  return {
    add(reason, name, count = 1) {
      const known = found.get(reason);
      if (known) known.count += count;
      else found.set(reason, { reason, count, example: name });
    },
    all: () => [...found.values()],
  };
}

/** `.txt`, in small letters, or `without an ending`. */
export function endingOf(name: string): string {
  const ending = /[^./\\](\.[^./\\]+)$/.exec(name)?.[1];
  return ending === undefined ? 'without an ending' : ending.toLowerCase();
}

/** Several counts as one: those of the same reason are added. */
export function mergeLeftOut(lists: readonly (readonly LeftOut[])[]): readonly LeftOut[] {
  const counter = createLeftOut();
  for (const { reason, example, count } of lists.flat()) counter.add(reason, example, count);
  return counter.all();
}

/** `3 .txt (a/notes.txt, ...), 1 hidden (.x)`; empty where nothing was left out. */
export const leftOutText = (list: readonly LeftOut[]): string =>
  list.map(({ reason, count, example }) => `${count} ${reason} (${example}${count > 1 ? ', ...' : ''})`).join(', ');
