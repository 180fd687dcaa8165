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
  | { readonly type: 'progress' | 'metric' | 'summary'; readonly [key: string]: unknown }
  | { readonly type: 'artifact'; readonly path: string; readonly [key: string]: unknown };

export type Tone = 'bold' | 'dim' | 'red' | 'green' | 'cyan';

export interface Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Whether a status line can be redrawn. */
  readonly animated: boolean;
  /** Lines for people on stdout; nothing with `--json`. */
  data(text: string): void;
  /** Exactly this text on stdout, with `--json` as well: what was asked for is a text. */
  raw(text: string): void;
  event(event: Event): void;
  /** A message on stderr; nothing with `-q`. */
  note(text: string): void;
  /** A message on stderr with `-v` only. */
  detail(text: string): void;
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

const clearLine = '\r\u001b[2K';

export function createOutput(settings: OutputSettings): Output {
  const { stdout, stderr, json, quiet, verbose } = settings;
  const animated = stderr.isTTY === true && settings.env['TERM'] !== 'dumb' && !quiet;
  const [colorData, colorMessages] = [hasColor(settings, stdout), hasColor(settings, stderr)];
  let hasStatus = false;
  let lastProgress = 0;
  const clear = (): void => {
    if (hasStatus) stderr.write(clearLine);
    hasStatus = false;
  };
  const lineOut = (text: string): void => {
    clear();
    stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  };
  const lineErr = (text: string): void => {
    clear();
    stderr.write(`${text}\n`);
  };
  const event = (value: Readonly<Record<string, unknown>>): void => {
    if (json) lineOut(JSON.stringify(value));
  };
  event({ type: 'version', ui: '1.0' });
  return {
    json,
    quiet,
    verbose,
    animated,
    data: (text) => json || lineOut(text),
    raw: lineOut,
    event,
    note: (text) => quiet || lineErr(text),
    detail: (text) => (verbose ? lineErr(text) : undefined),
    progress: (text, fields) => {
      const now = performance.now();
      if (json && fields && now - lastProgress > 1000) {
        event({ type: 'progress', ...fields });
        lastProgress = now;
      }
      if (!animated) return;
      clear();
      stderr.write(text.slice(0, (stderr.columns ?? 80) - 1));
      hasStatus = text !== '';
    },
    diagnostics: (list) => {
      for (const each of list) event({ type: 'diagnostic', ...toJsonDiagnostic(each) });
      const shown = quiet ? list.filter(({ severity }) => severity === 'error') : list;
      const width = stderr.isTTY === true ? { width: stderr.columns ?? 80 } : {};
      if (shown.length > 0) lineErr(renderDiagnostics(shown, { color: colorMessages, ...width }));
    },
    failure: ({ code, message, help, stack }) => {
      event({ type: 'diagnostic', code, severity: 'error', message, ...(help === undefined ? {} : { help }) });
      const paint = (tones: Parameters<typeof styleText>[0], text: string): string =>
        colorMessages ? styleText(tones, text, { validateStream: false }) : text;
      const [first = '', ...rest] = message.split('\n');
      lineErr(`${paint(['bold', 'red'], `error[${code}]`)}: ${visible(first)}`);
      if (verbose) for (const line of rest) lineErr(`  ${visible(line)}`);
      if (help !== undefined) lineErr(`${paint('cyan', 'help')}: ${visible(help)}`);
      if (verbose && stack !== undefined) lineErr(stack);
    },
    style: (tone, text) => (colorData ? styleText(tone, text, { validateStream: false }) : text),
  };
}
