/** Files that name classes, one a line. */
import { checkNames, misfit, nameList } from '../class-names.ts';

/**
 * The names in a text, one a line, in the order of the scores. A byte-order mark, blanks around a name and blank lines do
 * not count. A name may come twice, as `crane` does in ImageNet: that matters where classes are told by it. `place` names
 * the text in messages. Throws E0714 for a text without names, for lines of a table or a list of a program, and as
 * `checkNames` does.
 */
export function parseClassNames(text: string, place: string): readonly string[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const names = lines.map((line) => line.trim()).filter((line) => line !== '');
  if (names.length === 0) throw misfit(`${place} names no classes`, 'write one name a line');
  checkLines(names, place);
  checkNames(names, place);
  return names;
}

/** What a line holds besides a name: the number of its class in front or behind, or what ends an entry of a list. */
const forms: readonly ((line: string, at: number, count: number) => string | undefined)[] = [
  ...[0, 1].flatMap((first) => [
    (line: string, at: number) =>
      beside(/^"?(?<index>\d+)"?(?:\s*[:;,=)]|\.(?=\s)|\s)\s*(?:-\s+)?(?<name>.+)$/, line, at + first),
    (line: string, at: number) => beside(/^(?<name>.+?)\s*[:;,=\t]\s*"?(?<index>\d+)"?$/, line, at + first),
  ]),
  (line, at, count) => {
    const name = bare(line);
    // The last entry of a list needs no comma.
    return name !== line || (at > 0 && at === count - 1) ? name : undefined;
  },
];

function beside(form: RegExp, line: string, index: number): string | undefined {
  const { index: number, name = '' } = form.exec(line)?.groups ?? {};
  return Number(number) === index && /\p{L}/u.test(name) ? bare(name) : undefined;
}

/** Without the comma behind it, and quotes around it. */
const bare = (text: string): string => text.replace(/\s*[,;]$/, '').replace(/^(["'])(.*)\1$/, '$2');

/**
 * Throws E0714 where every line has something beside its name. Names that would be alike without it are meant as they
 * are, as in `1 dot`, `2 dots`, `3 dots`.
 */
function checkLines(lines: readonly string[], place: string): void {
  if (lines.length < 2) return;
  for (const form of forms) {
    const names = lines.map((line, at) => form(line, at, lines.length)).filter((name) => name !== undefined);
    if (names.length < lines.length || new Set(names).size < lines.length) continue;
    const message = `the lines of ${place} hold more than names, as in \`${lines[0]}\`, all of which would be the name`;
    throw misfit(message, `write the names alone, one a line: ${nameList(names, 4)}`);
  }
}
