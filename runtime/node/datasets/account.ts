/** What of a dataset was left out, and why. */

/** Files, arrays or samples that are not read, by one reason. */
export interface LeftOut {
  /** As it stands behind the count: an ending such as `.txt`, `hidden`, `without a line in labels.txt`. */
  readonly reason: string;
  readonly count: number;
  /** The first of them, or all where each one matters. */
  readonly names: readonly string[];
}

/** Counts what is left out. */
export interface LeftOutCounter {
  add(reason: string, name: string): void;
  all(): readonly LeftOut[];
}

export function createLeftOut(): LeftOutCounter {
  const found = new Map<string, { reason: string; count: number; names: readonly string[] }>();
  return {
    add(reason, name) {
      const known = found.get(reason);
      if (known) known.count += 1;
      else found.set(reason, { reason, count: 1, names: [name] });
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
  const merged = new Map<string, LeftOut>();
  for (const each of lists.flat()) {
    const known = merged.get(each.reason);
    merged.set(each.reason, known ? { ...known, count: known.count + each.count } : each);
  }
  return [...merged.values()];
}

/** `3 .txt (a/notes.txt, ...), 1 hidden (.x)`; empty where nothing was left out. */
export const leftOutText = (list: readonly LeftOut[]): string =>
  list
    .map(
      ({ reason, count, names }) =>
        `${count} ${reason} (${[...names, ...(count > names.length ? ['...'] : [])].join(', ')})`,
    )
    .join(', ');
