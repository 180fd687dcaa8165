import { describe, expect, it } from 'vitest';
import { RuntimeFault } from '../../runtime/errors.ts';
import { parseClassNames } from '../../runtime/files/names-file.ts';

it('a file of names keeps blanks, commas and quotes inside of a name', () => {
  expect(parseClassNames('great white shark, "Jaws"\ntench\n', 'x')).toEqual(['great white shark, "Jaws"', 'tench']);
});

/** The message and the help line of the fault. */
function refusal(...lines: readonly string[]): string {
  try {
    return parseClassNames(lines.join('\n'), 'labels.txt').join('|');
  } catch (error) {
    if (!(error instanceof RuntimeFault)) throw error;
    return `${error.code}: ${error.message}; ${error.help}`;
  }
}

describe('lines that are more than names', () => {
  it.each([
    ['a colon', ['0: ant', '1: bee', '2: cat'], 'ant, bee, cat'],
    ['numbers from one', ['1: ant', '2: bee', '3: cat'], 'ant, bee, cat'],
    ['a blank', ['0 ant', '1 bee', '2 cat'], 'ant, bee, cat'],
    ['a tab', ['0\tant', '1\tbee'], 'ant, bee'],
    ['a comma', ['0,ant', '1,bee'], 'ant, bee'],
    ['a point', ['1. ant', '2. bee'], 'ant, bee'],
    ['zeros in front', ['00 ant', '01 bee'], 'ant, bee'],
    ['quotes', ['"0","ant, red"', '"1","bee"'], 'ant, red, bee'],
    ['a dash, as torchvision writes digits', ['0 - zero', '1 - one'], 'zero, one'],
    ['a number behind', ['ant,0', 'bee,1'], 'ant, bee'],
    ['a number behind a tab', ['ant\t1', 'bee\t2'], 'ant, bee'],
    ['a comma behind', ['ant,', 'bee,', 'cat,'], 'ant, bee, cat'],
    ['a comma behind all but the last', ["'ant',", "'bee',", "'cat'"], 'ant, bee, cat'],
    ['quotes around', ['"ant"', '"bee"'], 'ant, bee'],
  ])('are refused with %s', (_, lines, names) => {
    expect(refusal(...lines)).toBe(
      `E0714: the lines of labels.txt hold more than names, as in \`${lines[0]}\`, all of which would be the name; ` +
        `write the names alone, one a line: ${names}`,
    );
  });

  it.each([
    ['numbers that are names', ['0', '1', '2']],
    ['numbers in names', ['0.5', '1.5', '2.5']],
    ['counts', ['1 dot', '2 dots', '3 dots']],
    ['numbers that are others', ['3 ant', '1 bee', '7 cat']],
    ['one line that is not numbered', ['0 ant', 'bee']],
    ['numbers behind that tell classes apart', ['class: 0', 'class: 1']],
    ['one comma', ['ant,', 'bee', 'cat']],
    ['a single name', ['1 ant']],
  ])('are not %s', (_, lines) => {
    expect(refusal(...lines)).toBe(lines.join('|'));
  });

  it('hold no tabs and no control characters', () => {
    expect(refusal('n01440764\ttench', 'n01443537\tgoldfish')).toBe(
      'E0714: labels.txt has a class called "n01440764\\ttench", with line breaks, tabs or control characters; ' +
        'rename the folder of the class, or write its name anew: as text in one line, without tabs',
    );
    expect(refusal('\u001b[31mant', 'bee')).toContain('called "\\u001b[31mant"');
  });
});
