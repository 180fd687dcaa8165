/** Text files that give each picture of a folder its class. */
import { isAbsolute, normalize, sep } from 'node:path';
import { badData, checkLabel, readLines } from './dataset.ts';
import type { DatasetOptions } from './dataset.ts';
import { hasPictureEnding } from './picture-endings.ts';

export interface LabelledFile {
  /** Relative to the folder. */
  readonly file: string;
  readonly label: number;
  /** Where it stands. */
  readonly place: string;
}

const isWritten = (line: string): boolean => line.trim() !== '' && !line.trim().startsWith('#');

/** Whether lines name pictures and something of each, rather than classes. */
export const namesPictures = (lines: readonly string[]): boolean =>
  lines.some((line) => isWritten(line) && hasPictureEnding(plainFile(fieldsOf(line)?.file ?? '')));

/**
 * Reads lines `file class`, with blanks, a tab, a comma or a semicolon between; the file may stand in quotes. Blank lines
 * and lines that begin with `#` are skipped. Throws E0714, naming the line, for any other line, for a file named twice or
 * outside of the folder, and for a class that is none.
 */
export async function readLabelsFile(
  path: string,
  range: Pick<DatasetOptions, 'classes' | 'ignore'>,
): Promise<readonly LabelledFile[]> {
  const items: LabelledFile[] = [];
  const seen = new Map<string, string>();
  const lines = await readLines(path);
  for (const [at, line] of lines.entries()) {
    if (!isWritten(line)) continue;
    const place = `line ${at + 1} of ${path}`;
    const fields = fieldsOf(line);
    if (!fields || !/^-?\d+$/.test(fields.label)) {
      throw isOfPictures(lines) ? badLine(place, at, fields?.label) : noPictures(path, line.trim());
    }
    const file = insideFolder(fields.file, place);
    const before = seen.get(file.normalize('NFC'));
    if (before !== undefined) throw badData(`${place} names ${file} for the second time, behind ${before}`);
    seen.set(file.normalize('NFC'), `line ${at + 1}`);
    const label = Number(fields.label);
    checkLabel(label, range, place);
    items.push({ file, label, place });
  }
  if (items.length === 0) throw badData(`${path} names no picture`);
  return items;
}

function fieldsOf(line: string): { readonly file: string; readonly label: string } | undefined {
  const text = line.trim();
  const found =
    /^"([^"]+)"\s*[\s,;]\s*"?([^",;]*?)"?$/.exec(text) ?? /^(.*[^\s,;])\s*[\s,;]\s*"?([^\s",;]+)"?$/.exec(text);
  return found ? { file: found[1] ?? '', label: found[2] ?? '' } : undefined;
}

const isOfPictures = (lines: readonly string[]): boolean =>
  namesPictures(lines) || lines.some((line) => hasPictureEnding(line.trim()));

/** Of a file of names, say, or of numbers alone. */
const noPictures = (path: string, line: string) =>
  badData(
    `${path} names no pictures: it has lines such as \`${line}\``,
    'a file of labels has a picture and the number of its class in each line, as in `cats/1.png 0`',
  );

/** The file that a line means which is numbered, or has a colon behind the file. */
export const plainFile = (file: string): string => file.replace(/^"?\d+"?[\s,;:]+/, '').replace(/\s*:$/, '');

function badLine(place: string, at: number, label: string | undefined) {
  const message = `${place} is not a file and the number of a class`;
  if (label === undefined) return badData(message, 'write one picture a line, as in `cats/1.png 0`');
  const heading = at === 0 ? 'a heading is written with `#` in front; ' : '';
  return badData(
    `${message}: '${label}' is no number`,
    `${heading}classes are numbers from 0, whose names a folder for each class gives`,
  );
}

/** A file of labels may come from elsewhere: it must not reach outside of the folder that the user named. */
function insideFolder(file: string, place: string): string {
  const path = normalize(file.replaceAll('\\', sep));
  if (isAbsolute(path) || path === '..' || path.startsWith(`..${sep}`)) {
    throw badData(`${place} names ${file}, which is outside of the folder`);
  }
  return path;
}
