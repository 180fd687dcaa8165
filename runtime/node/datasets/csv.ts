/** Tables of numbers with a class in each row, as spreadsheets and pandas save them. */
import { nameList } from '../../class-names.ts';
import { badData, checkIndex, checkLabel, readClassNames, readLines } from './dataset.ts';
import type { DatasetOptions } from './dataset.ts';
import { located } from './located.ts';
import type { Located, Opened } from './located.ts';

/**
 * Finds a file of rows of numbers, of which each is a sample `[F, 1, 1]` of the F columns beside its class. A first row
 * without numbers is a heading. The class stands in the column that the heading calls `label`, `class` or
 * `target`, else in the last one; where any class is no number, all are words, and the classes are these in order of name
 * (code points), or those of the option's names. Columns are parted by commas, semicolons or tabs, and values may stand in
 * double quotes; blank lines are skipped. Opening throws E0710, and E0714 for a row that is none, naming its line.
 */
export function locateCsv(path: string, options: DatasetOptions = {}): Promise<Located> {
  if (options.labels !== undefined) {
    throw badData(`${path} has the class of each row itself`, 'leave out the file of labels');
  }
  const names = typeof options.classNames === 'string' ? [options.classNames] : [];
  return Promise.resolve(located([path, ...names], [], () => openTable(path, options)));
}

/** A line's values with where they stand. */
interface Row {
  readonly values: readonly string[];
  readonly place: string;
}

async function openTable(path: string, options: DatasetOptions): Promise<Opened> {
  const given = await readClassNames(options.classNames);
  const rows = rowsOf(await readLines(path), path);
  const [first] = rows;
  if (!first) throw badData(`${path} has no rows`);
  const heading = headingOf(first);
  const columns = first.values.length;
  if (columns < 2) {
    throw badData(`${first.place} has one value`, 'a row has numbers and a class, with commas between');
  }
  const at = labelColumn(heading, columns);
  const samples = rows.slice(heading ? 1 : 0);
  const values = samples.map((row) => numbersOf(row, { columns, at, heading }));
  const { labels, classNames } = classesOf(samples, at, given, options, path);
  const places = samples.map(({ place }) => place);
  return {
    format: 'csv',
    target: 'class',
    kind: 'tensor',
    size: samples.length,
    classNames,
    shape: [columns - 1, 1, 1],
    labels: () => Promise.resolve(labels),
    read(index) {
      checkIndex(index, samples.length);
      return Promise.resolve({
        target: { kind: 'class', label: labels[index] ?? 0 },
        input: { kind: 'tensor', values: values[index] ?? new Float32Array(0), shape: [columns - 1, 1, 1] },
        name: places[index] ?? path,
      });
    },
    close: () => Promise.resolve(),
  };
}

/** The separator is that of the first line which is not blank; commas may be those of decimals. */
function rowsOf(lines: readonly string[], path: string): readonly Row[] {
  const first = lines.find((line) => line.trim() !== '') ?? '';
  const outside = first.replace(/"[^"]*"/g, '');
  const separator = ['\t', ';'].find((each) => outside.includes(each)) ?? ',';
  return lines.flatMap((line, index) => {
    const place = `line ${index + 1} of ${path}`;
    return line.trim() === '' ? [] : [{ values: fieldsOf(line, separator, place), place }];
  });
}

/** As RFC 4180 has it, but for line breaks inside of quotes. */
function fieldsOf(line: string, separator: string, place: string): string[] {
  const fields: string[] = [];
  const field = /^\s*(?:"((?:[^"]|"")*)"|([^"]*?))\s*$/;
  let begin = 0;
  let isQuoted = false;
  for (let at = 0; at <= line.length; at++) {
    if (line[at] === '"') isQuoted = !isQuoted;
    if (at < line.length && (isQuoted || line[at] !== separator)) continue;
    const found = field.exec(line.slice(begin, at));
    if (!found) {
      throw badData(
        `${place} has a quote that is not closed, or inside of a value`,
        'a quote in a value is written twice',
      );
    }
    fields.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? '');
    begin = at + 1;
  }
  return fields;
}

const isNumber = (text: string): boolean => /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text);

const labelWords = ['label', 'class', 'target'];
const isLabel = (name: string | undefined): boolean => name !== undefined && labelWords.includes(name.toLowerCase());

/** The first row, where none of its values but the last is a number, or the last one says that it heads the classes. */
function headingOf({ values, place }: Row): readonly string[] | undefined {
  const isHeading = values.slice(0, -1).every((text) => !isNumber(text)) || isLabel(values.at(-1));
  if (!isHeading || values.length < 2) return undefined;
  const unnamed = values.indexOf('');
  if (unnamed < 0) return values;
  const help = 'name it, or leave it out: pandas does with `index=False`';
  throw badData(`${place} is a heading without a name for column ${unnamed + 1}`, help);
}

function labelColumn(heading: readonly string[] | undefined, columns: number): number {
  const named = heading?.findIndex(isLabel) ?? -1;
  return named < 0 ? columns - 1 : named;
}

interface Layout {
  readonly columns: number;
  /** The column of the class. */
  readonly at: number;
  readonly heading: readonly string[] | undefined;
}

function numbersOf({ values, place }: Row, { columns, at, heading }: Layout): Float32Array {
  if (values.length !== columns) {
    throw badData(
      `${place} has ${values.length} values, but the first row has ${columns}`,
      'give every row all columns',
    );
  }
  const wrong = values.findIndex((text, column) => column !== at && !Number.isFinite(Math.fround(numberOf(text))));
  if (wrong < 0) return Float32Array.from(values.toSpliced(at, 1), Number);
  const column = heading ? `the column ${heading[wrong]}` : `column ${wrong + 1}`;
  const text = values[wrong] ?? '';
  if (text === '') throw badData(`${place} has no value in ${column}`, 'leave the row out, or fill it in');
  throw badData(`${place} has '${text}' in ${column}, which is no number of float32`, numberHelp(text));
}

const numberOf = (text: string): number => (isNumber(text) ? Number(text) : Number.NaN);

const numberHelp = (text: string): string =>
  /^[+-]?\d+,\d+$/.test(text)
    ? 'write a decimal point, not a comma'
    : 'words stand in the column of the class alone, which is the last one or is called `label`';

/** Numbers of classes, or words and their names. */
function classesOf(
  rows: readonly Row[],
  at: number,
  given: readonly string[] | undefined,
  { classes = given?.length, ignore }: DatasetOptions,
  path: string,
): { readonly labels: Float64Array; readonly classNames: readonly string[] | undefined } {
  const written = rows.map(({ values, place }) => {
    const text = values[at] ?? '';
    if (text === '') throw badData(`${place} has no class`, 'leave the row out, or give it a class');
    return { text, place };
  });
  if (written.every(({ text }) => isNumber(text))) {
    for (const { text, place } of written) checkLabel(Number(text), { classes, ignore }, place);
    return { labels: Float64Array.from(written, ({ text }) => Number(text)), classNames: given };
  }
  const found = [...new Set(written.map(({ text }) => text))].toSorted(byCodePoints);
  const names = given ?? found;
  const unknown = written.find(({ text }) => !names.includes(text));
  if (unknown) {
    const help = `the names are ${nameList(names)}`;
    throw badData(`${unknown.place} has the class ${unknown.text}, which the file of names has not`, help);
  }
  if (classes !== undefined && names.length > classes) {
    throw badData(`${path} has ${names.length} classes (${nameList(names)}), but \`classes\` is ${classes}`);
  }
  const numbers = new Map(names.map((name, index) => [name, index]));
  return { labels: Float64Array.from(written, ({ text }) => numbers.get(text) ?? 0), classNames: names };
}

const byCodePoints = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
