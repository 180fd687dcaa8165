/**
 * How much is tested. `npm test` is quick: it meets every source file and every kernel. `npm run test:full` runs the test
 * files that have more to give: those that ask here, and those named `*.full.test.ts`. CNNC_FULL=20 with it asks for
 * twenty times its random cases, for a soak.
 */
const times = Number(process.env['CNNC_FULL'] ?? 0);

/** Whether this is a full run. */
export const isFull = times > 0;

/** How many random cases to try: `quick` of them, or `full` in a full run. */
export const amount = (quick: number, full: number): number => (isFull ? Math.ceil(full * times) : quick);
