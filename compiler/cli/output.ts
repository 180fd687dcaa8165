/** What a command says: data on stdout (text, or NDJSON with `--json`), messages on stderr. */
import { styleText } from 'node:util';
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import { toJsonDiagnostic } from '../../grammar/json-diagnostic.ts';
import { renderDiagnostics } from '../../grammar/render.ts';
import { visible } from '../../grammar/source-line.ts';
import type { Failure } from './failure.ts';

/** The part of a stream that output needs. */
export interface Sink {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export interface OutputSettings {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: 'auto' | 'always' | 'never';
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A line of NDJSON; figures are plain numbers in the unit that the key names. */
export type Event =
  | { readonly type: 'progress' | 'metric' | 'summary' | 'data'; readonly [key: string]: unknown }
  | { readonly type: 'artifact'; readonly path: string; readonly [key: string]: unknown };

export type Tone = 'bold' | 'dim' | 'red' | 'green' | 'cyan';

export interface Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** How wide lines of data may be: 80, or what the terminal has where that is less. */
  readonly columns: number;
  /** How wide the status line may be: one less than the terminal, and at most 100. */
  readonly statusColumns: number;
  /** Lines for people on stdout; nothing with `--json`. */
  data(text: string): void;
  /** Exactly this text on stdout, with `--json` as well: what was asked for is a text. */
  raw(text: string): void;
  event(event: Event): void;
  /** A message on stderr; nothing with `-q`. */
  note(text: string): void;
  /** The one status line on a terminal, and a `progress` event at most every second with `--json`. */
  progress(text: string, event?: Readonly<Record<string, unknown>>): void;
  diagnostics(list: readonly Diagnostic[]): void;
  failure(failure: Failure): void;
  /** Colours for stdout. */
  style(tone: Tone, text: string): string;
}

function hasColor({ color, env }: OutputSettings, sink: Sink): boolean {
  if (color !== 'auto') return color === 'always';
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] !== '0' && env['FORCE_COLOR'] !== 'false';
  return sink.isTTY === true && env['TERM'] !== 'dumb';
}

/** Names come from files and may hold anything: of control characters, only line ends, tabs and colours reach a terminal. */
const harmless = (text: string): string =>
  text.replaceAll(/\p{Cc}/gu, (character, at: number) => {
    const isColour = character === '\u001b' && /^\[[\d;]*m/.test(text.slice(at + 1, at + 20));
    return isColour || character === '\n' || character === '\t' ? character : '\ufffd';
  });

const clearLine = '\r\u001b[2K';

/** The two streams and the status line that is drawn and taken away on one of them. */
function createLines({ stdout, stderr, quiet, env }: OutputSettings) {
  const animated = stderr.isTTY === true && env['TERM'] !== 'dumb' && !quiet;
  // A terminal that does not know its width says 0.
  const columns = stderr.columns || 80;
  let hasStatus = false;
  const clear = (): void => {
    if (hasStatus) stderr.write(clearLine);
    hasStatus = false;
  };
  return {
    columns,
    out: (text: string): void => {
      clear();
      stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    },
    err: (text: string): void => {
      clear();
      stderr.write(`${text}\n`);
    },
    status: (text: string): void => {
      if (!animated) return;
      clear();
      stderr.write(text.slice(0, columns - 1));
      hasStatus = text !== '';
    },
  };
}

const progressInterval = 1000;

export function createOutput(settings: OutputSettings): Output {
  const { stdout, stderr, json, quiet, verbose } = settings;
  const lines = createLines(settings);
  const [colorData, colorMessages] = [hasColor(settings, stdout), hasColor(settings, stderr)];
  let lastProgress = 0;
  const event = (value: Readonly<Record<string, unknown>>): void => {
    if (json) lines.out(JSON.stringify(value));
  };
  event({ type: 'version', ui: '1.0' });
  return {
    json,
    quiet,
    verbose,
    columns: Math.min(stdout.columns || 80, 80),
    statusColumns: Math.min(lines.columns - 1, 100),
    data: (text) => json || lines.out(harmless(text)),
    raw: lines.out,
    event,
    note: (text) => quiet || lines.err(harmless(text)),
    progress: (text, fields) => {
      const now = performance.now();
      if (fields && now - lastProgress > progressInterval) {
        event({ type: 'progress', ...fields });
        lastProgress = now;
      }
      lines.status(harmless(text));
    },
    diagnostics: (list) => {
      for (const each of list) event({ type: 'diagnostic', ...toJsonDiagnostic(each) });
      const shown = quiet ? list.filter(({ severity }) => severity === 'error') : list;
      const width = stderr.isTTY === true ? { width: lines.columns } : {};
      if (shown.length > 0) lines.err(renderDiagnostics(shown, { color: colorMessages, ...width }));
    },
    failure: (failure) => {
      const { code, message, help } = failure;
      event({ type: 'diagnostic', code, severity: 'error', message, ...(help === undefined ? {} : { help }) });
      lines.err(failureText(failure, verbose, colorMessages));
    },
    style: (tone, text) => (colorData ? styleText(tone, text, { validateStream: false }) : text),
  };
}

/** `error[E0710]: ...`, then how to mend it; with `-v` also what follows the first line, and the stack. */
function failureText({ code, message, help, stack }: Failure, verbose: boolean, color: boolean): string {
  const paint = (tones: Parameters<typeof styleText>[0], text: string): string =>
    color ? styleText(tones, text, { validateStream: false }) : text;
  // Messages hold file names and keys, which can hold anything: control characters must not reach the terminal.
  const [first = '', ...rest] = message.split('\n').map(visible);
  return [
    `${paint(['bold', 'red'], `error[${code}]`)}: ${first}`,
    ...(verbose ? rest.map((line) => `  ${line}`) : []),
    ...(help === undefined ? [] : [`${paint('cyan', 'help')}: ${visible(help)}`]),
    ...(verbose && stack !== undefined ? [stack] : []),
  ].join('\n');
}
