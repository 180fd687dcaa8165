/** What a command says: data on stdout (text, or NDJSON with `--json`), messages on stderr. */
import { styleText } from 'node:util';
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import { toJsonDiagnostic } from '../../grammar/json-diagnostic.ts';
import { renderDiagnostics } from '../../grammar/render.ts';
import { visible } from '../../grammar/source-line.ts';
import type { Event } from '../driver/reporter.ts';
import { asCalled } from './command-line.ts';
import type { Failure } from '../driver/failure.ts';
import { oneLine } from '../driver/text.ts';

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
  /** What a person types to call this program; `npx cnnc` unless told. */
  readonly program?: string | undefined;
}

const tones = ['bold', 'red', 'green', 'cyan'] as const;
type Tone = (typeof tones)[number];

export interface Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** How wide lines of data may be: 80, or what the terminal has where that is less. */
  readonly columns: number;
  /** How wide the status line may be: one less than the terminal, and at most 100. */
  readonly statusColumns: number;
  /** Lines for people on stdout; nothing with `--json`. A name that may hold a line break goes through `oneLine` first. */
  data(text: string): void;
  /** Exactly this text on stdout, with `--json` as well: what was asked for is a text. */
  raw(text: string): void;
  event(event: Event): void;
  /** A message of one line on stderr; nothing with `-q`. */
  note(text: string): void;
  /** The one status line on a terminal, and a `progress` event at most every second with `--json`. */
  progress(text: string, event?: Readonly<Record<string, unknown>>): void;
  diagnostics(list: readonly Diagnostic[]): void;
  failure(failure: Failure): void;
  /** Colours for `data`. */
  style(tone: Tone, text: string): string;
}

function hasColor({ color, env }: OutputSettings, sink: Sink): boolean {
  if (color !== 'auto') return color === 'always';
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] !== '0' && env['FORCE_COLOR'] !== 'false';
  return sink.isTTY === true && env['TERM'] !== 'dumb';
}

/** Around what is coloured until it is written: code points that Unicode keeps for a program's own use. */
const [firstMark, endMark] = [0xfdd0, '\ufdef'];

const marked = (tone: Tone, text: string): string =>
  `${String.fromCharCode(firstMark + tones.indexOf(tone))}${text}${endMark}`;

/**
 * What may reach a terminal. Names come from files and may hold anything: of control characters only line ends and tabs
 * are let through, and all colours are those of `marked`.
 */
const harmless = (text: string): string =>
  text
    .replaceAll(/\p{Cc}/gu, (character) => (character === '\n' || character === '\t' ? character : '\ufffd'))
    .replaceAll(/([\ufdd0-\ufddf])([^\ufdef]*)\ufdef/g, (_, mark: string, inner: string) => {
      const tone = tones[mark.charCodeAt(0) - firstMark];
      return tone ? styleText(tone, inner, { validateStream: false }) : inner;
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
  const { stdout, stderr, json, quiet, verbose, program = 'npx cnnc' } = settings;
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
    note: (text) => quiet || lines.err(harmless(oneLine(asCalled(program, text)))),
    progress: (text, fields) => {
      const now = performance.now();
      if (fields && now - lastProgress > progressInterval) {
        event({ type: 'progress', ...fields });
        lastProgress = now;
      }
      lines.status(harmless(oneLine(text)));
    },
    diagnostics: (list) => {
      const all = list.map((each) => withCommands(program, each));
      for (const each of all) event({ type: 'diagnostic', ...toJsonDiagnostic(each) });
      const shown = quiet ? all.filter(({ severity }) => severity === 'error') : all;
      const width = stderr.isTTY === true ? { width: lines.columns } : {};
      if (shown.length > 0) lines.err(renderDiagnostics(shown, { color: colorMessages, program, ...width }));
    },
    failure: (found) => {
      const failure = withCommands(program, found);
      const { code, message, help } = failure;
      event({ type: 'diagnostic', code, severity: 'error', message, ...(help === undefined ? {} : { help }) });
      lines.err(failureText(failure, verbose, colorMessages));
    },
    style: (tone, text) => (colorData ? marked(tone, text) : text),
  };
}

/** Help that can be typed. */
const withCommands = <T extends { readonly help?: string | undefined }>(program: string, fault: T): T =>
  fault.help === undefined ? fault : { ...fault, help: asCalled(program, fault.help) };

/** `error[E0710]: ...`, then how to mend it; with `-v` also the stack. */
function failureText({ code, message, help, stack }: Failure, verbose: boolean, color: boolean): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    color ? styleText(style, text, { validateStream: false }) : text;
  // Messages hold file names and keys, which can hold anything: control characters must not reach the terminal.
  return [
    `${paint(['bold', 'red'], `error[${code}]`)}: ${visible(message)}`,
    ...(help === undefined ? [] : [`${paint('cyan', 'help')}: ${visible(help)}`]),
    ...(verbose && stack !== undefined ? [stack] : []),
  ].join('\n');
}
