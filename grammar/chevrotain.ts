/** Chevrotain, loaded from its one-file bundle where the platform can find it. */

type Chevrotain = typeof import('chevrotain');

/**
 * The package's entry imports lodash function by function: 300 ms of file reading in Node. The package also carries the
 * same code as one file (10 ms) that its `exports` do not list, so it is found beside the entry. Elsewhere (a browser,
 * a bundler) the entry itself is right.
 */
async function loadChevrotain(): Promise<Chevrotain> {
  const bundle = bundleUrl();
  if (bundle === undefined) return import('chevrotain');
  return import(/* @vite-ignore */ bundle).catch(() => import('chevrotain'));
}

function bundleUrl(): string | undefined {
  try {
    const entry = import.meta.resolve('chevrotain');
    return entry.startsWith('file:') ? new URL('../chevrotain.min.mjs', entry).href : undefined;
  } catch {
    return undefined;
  }
}

export const { createToken, CstParser, EOF, isRecognitionException, Lexer } = await loadChevrotain();
