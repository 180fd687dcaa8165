/** Which classes of a classifier score most. */

/** Indices of the largest values, the largest first; of equal ones, the lower index. NaN is never among them. */
export function topIndices(values: ArrayLike<number>, count: number): number[] {
  const best: number[] = [];
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    let at = best.length;
    while (at > 0 && value > (values[best[at - 1] ?? 0] ?? 0)) at--;
    if (at < count) best.splice(at, 0, index);
    if (best.length > count) best.pop();
  }
  return best;
}
