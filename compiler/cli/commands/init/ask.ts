/** Questions on a terminal. */
import { createInterface } from 'node:readline/promises';

export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/** The line that is typed; undefined where the input ends or Ctrl-C comes instead. */
export async function ask(question: string, terminal: Terminal): Promise<string | undefined> {
  const lines = createInterface(terminal);
  // A question whose input ends is never answered.
  const closed = new AbortController();
  lines.once('close', () => closed.abort());
  try {
    return await lines.question(question, { signal: closed.signal });
  } catch (error) {
    if (closed.signal.aborted) return undefined;
    throw error;
  } finally {
    lines.close();
  }
}
