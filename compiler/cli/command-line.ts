/** Paths and commands as people read them, and can type them where they are. */
import { basename, delimiter, dirname, isAbsolute, relative, sep } from 'node:path';
import { commandNames } from './command-names.ts';
import { oneLine } from '../driver/text.ts';

/**
 * A word of a command line, in quotes where a shell would take it apart: POSIX shells by single quotes, Windows' two
 * (PowerShell, cmd) by double ones, which both of them know.
 */
export function quoted(word: string, platform: NodeJS.Platform = process.platform): string {
  if (platform === 'win32') {
    return /^[\w./\\:+=-]+$/.test(word) ? word : `"${word.replaceAll('"', String.raw`\"`)}"`;
  }
  return /^[\w./:+=,@%-][\w./:+=,@%~-]*$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** In one line; relative to the working folder where it lies in there, or as it was given. */
export const shownPath = (path: string): string => oneLine(relativePath(path));

function relativePath(path: string): string {
  const inside = isAbsolute(path) ? relative('.', path) : path;
  if (inside === '') return '.';
  const isOutside = inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside);
  return isOutside ? path : inside;
}

/** The same path as a word of a command line. */
export function pathWord(path: string): string {
  const shown = relativePath(path);
  return quoted(shown.startsWith('-') ? `.${sep}${shown}` : shown);
}

/** A command line of these words, each in quotes where it needs them. */
export const commandLine = (program: string, ...words: readonly string[]): string =>
  [program, ...words.map((word) => quoted(word))].join(' ');

/** The command that goes on with a training that was interrupted: the same, with `--resume`. */
export const resumeCommand = ({
  program,
  argv,
}: {
  readonly program: string;
  readonly argv: readonly string[];
}): string => commandLine(program, ...argv, ...(argv.includes('--resume') ? [] : ['--resume']));

/**
 * Commands that a text names, as `cnnc train`, called as this program was. What is far from the command line says `cnnc`;
 * what a person reads can be typed.
 */
export function asCalled(program: string, text: string): string {
  const names = ['COMMAND', ...commandNames].join('|');
  return text.replaceAll(new RegExp(`(?<![\\w./@-]|npx )cnnc (?=(?:${names}|--\\w+)\\b)`, 'g'), () => `${program} `);
}

/**
 * How this program was called, by the path of its script: what a person types in front of a command's name. A package
 * that is installed, in a folder or for all, is found by npx.
 */
export function programName(script: string | undefined, env: Readonly<Record<string, string | undefined>>): string {
  if (script === undefined || env['npm_command'] === 'exec') return 'npx cnnc';
  if (script.split(/[/\\]/).includes('node_modules')) return 'npx cnnc';
  const folders = (env['PATH'] ?? '').split(delimiter);
  if (basename(script) === 'cnnc' && folders.includes(dirname(script))) return 'cnnc';
  const word = pathWord(script);
  return script.endsWith('.js') ? `node ${word}` : word;
}
