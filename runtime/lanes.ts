/** Work on many items of which each waits for a file or a decoder. */

/** As `Promise.all` of `work` on each item, only `count` of them at a time. */
export async function inLanes<T, R>(
  items: readonly T[],
  count: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const rest = items.entries();
  const lane = async (): Promise<void> => {
    for (const [at, item] of rest) results[at] = await work(item);
  };
  await Promise.all(Array.from({ length: count }, lane));
  return results;
}
