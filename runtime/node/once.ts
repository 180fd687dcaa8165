/** Checks of files that take a while, and are passed once. */

const passed = new Set<string>();

/** Makes a check, unless the same was passed before in this process: commands open the same data several times. */
export async function once(key: unknown, check: () => Promise<void>): Promise<void> {
  const text = JSON.stringify(key);
  if (passed.has(text)) return;
  await check();
  passed.add(text);
}
