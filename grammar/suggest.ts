/** The "did you mean" part of a message: the candidate nearest to a misspelt name. */

/**
 * The candidate with the smallest edit distance to `name`, or undefined where none is near: one edit for names of up to
 * four letters, two up to eight, three beyond. Upper and lower case differ by half an edit.
 */
export function closestName(name: string, candidates: Iterable<string>): string | undefined {
  const limit = name.length <= 4 ? 1 : name.length <= 8 ? 2 : 3;
  let best: string | undefined;
  let bestDistance = limit + 0.5;
  for (const candidate of candidates) {
    if (candidate === name || Math.abs(candidate.length - name.length) > limit) continue;
    // Of two equally near ones the one of the same length is the likelier.
    const distance = editDistance(name, candidate) + 0.1 * Math.abs(candidate.length - name.length);
    // A short name whose every letter changed is no suggestion.
    if (distance < bestDistance && distance < Math.max(name.length, candidate.length) / 1.5) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** The suggestion as a help line. */
export function didYouMean(name: string, candidates: Iterable<string>): string | undefined {
  const closest = closestName(name, candidates);
  return closest === undefined ? undefined : `did you mean \`${closest}\`?`;
}

/** Damerau-Levenshtein distance in its optimal string alignment form; a change of case counts one half. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      let cost = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + substitution(a[i - 1], b[j - 1]));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, at(beforeLast, j - 2) + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}

function substitution(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  return a?.toLowerCase() === b?.toLowerCase() ? 0.5 : 1;
}
