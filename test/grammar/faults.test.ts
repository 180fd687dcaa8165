/** Faulty texts, and exactly what is said about them and where. */
import { describe, expect, it } from 'vitest';
import { diagnose, program, summary, textOf } from './parsed.ts';
import { parse } from '../../grammar/parse.ts';

/** The lines become lines 2, 3, ... of a file. */
const inBlock = (...lines: string[]): string => `block b(x: f32[N, C]) -> f32[N, C] {\n${lines.join('\n')}\n}\n`;
const inTrain = (...lines: string[]): string => `train base for M {\n${lines.join('\n')}\n}\n`;

type Row = readonly [text: string, expected: readonly string[], help?: string];

function check(rows: readonly Row[]): void {
  it.each(rows.map(([text, expected, help]) => ({ text, expected, help })))('$text', ({ text, expected, help }) => {
    expect(summary(text)).toEqual(expected);
    if (help !== undefined) expect(diagnose(text)[0]?.help).toBe(help);
  });
}

describe('characters', () => {
  check([
    [inBlock('let y = x $ 2', 'return x'), ['E0101 2:11 unexpected character `$`']],
    [inBlock('return x & y'), ['E0101 2:10 unexpected character `&`'], 'the logical and is `&&`'],
    [inBlock('return x |\u00a0relu'), ['E0101 2:10 unexpected character `|`']],
    [
      'const a = \u201cb\u201d',
      ['E0101 1:11 unexpected character `\u201c`', 'E0101 1:13 unexpected character `\u201d`'],
    ],
    [
      'const a = 3 \u2212 2',
      ['E0101 1:13 unexpected character `\u2212`'],
      'this is a typographic minus; the minus sign is `-`',
    ],
    [
      'const gr\u00f6\u00dfe = 3',
      ['E0101 1:9 unexpected character `\u00f6`'],
      'names are made of ASCII letters, digits and `_`',
    ],
    ['const a = 1 \0', ['E0101 1:13 unexpected character U+0000']],
    ['const a = 1 \ud800', ['E0101 1:13 unexpected character U+D800']],
    ['const a = 1\u200b', ['E0101 1:12 unexpected character U+200B']],
    ["const a = 'b'", ["E0101 1:11 unexpected character `'`"], 'strings stand in double quotes: `"b"`'],
    [
      'const a = 2 ^ 3',
      ['E0101 1:13 unexpected character `^`'],
      'the language has no power operator; x squared is `x * x`',
    ],
  ]);

  it('a run is reported once, with all of it marked', () => {
    const [fault] = diagnose('const a = 1 $$$');
    expect(fault && textOf(fault.span)).toBe('$$$');
  });
});

describe('strings', () => {
  const unclosed = 'this string has no closing quote on its line';
  check([
    ['const a = "b\nconst c = 1', [`E0102 1:11 ${unclosed}`]],
    ['const a = "b\\"', [`E0102 1:11 ${unclosed}`]],
    ['const a = "', [`E0102 1:11 ${unclosed}`]],
    ['const a = "b\\', [`E0102 1:11 ${unclosed}`]],
    ['const a = "x\\qy\\u{110000}"', ['E0103 1:13 unknown escape `\\q`', 'E0103 1:16 unknown escape `\\u{110000}`']],
    ['const a = "\\u{d800}"', ['E0103 1:12 unknown escape `\\u{d800}`']],
    [
      'const a = "\\u41"',
      ['E0103 1:12 unknown escape `\\u`'],
      'a code point is written `\\u{1F600}`, up to `\\u{10FFFF}`',
    ],
    ['const a = "\\u{}"', ['E0103 1:12 unknown escape `\\u{}`']],
  ]);
});

describe('numbers', () => {
  check([
    [
      'const a = 16%4',
      ['E0104 1:11 `16%` is a percentage, and `4` touches it'],
      'put spaces around the remainder operator: `16 % 4`',
    ],
    ['const a = 16%n', ['E0104 1:11 `16%` is a percentage, and `n` touches it']],
    ['const a = 16%(n)', ['E0104 1:11 `16%` is a percentage, and `(` touches it']],
    [
      inBlock('return 16% 4'),
      ['E0110 2:12 expected a statement, found `4`'],
      '`16%` is a percentage; the remainder is written `16 % ...`',
    ],
    [
      'const a = 1__0',
      ['E0104 1:11 `1__0` is not a number'],
      'an underscore stands between two digits, as in `45_000`',
    ],
    ['const a = 1_', ['E0104 1:11 `1_` is not a number']],
    ['const a = 0x', ['E0104 1:11 `0x` is not a number']],
    ['const a = 0xfg', ['E0104 1:11 `0xfg` is not a number']],
    ['const a = 0b101', ['E0104 1:11 `0b101` is not a number'], 'numbers are decimal or hexadecimal'],
    ['const a = 1e', ['E0104 1:11 the exponent of `1e` has no digits']],
    ['const a = 1e999', ['E0104 1:11 `1e999` is too large for a number']],
    ['const a = 9007199254740993', ['E0104 1:11 `9007199254740993` is too large for an exact integer']],
    [inBlock('return .5'), ['E0104 2:8 `.5` is not a number'], 'write `0.5`'],
    [inBlock('return 5.'), ['E0104 2:8 `5.` is not a number'], 'write `5.0` or `5`'],
    ['const a = 3kb', ['E0105 1:12 unknown unit `kb`'], 'did you mean `kB`?'],
    ['const a = 3epochz', ['E0105 1:12 unknown unit `epochz`'], 'did you mean `epochs`?'],
  ]);

  it('only the unit is marked', () => {
    const [fault] = diagnose('const a = 3furlongs');
    expect(fault && textOf(fault.span)).toBe('furlongs');
  });
});

describe('limits', () => {
  const nested = (depth: number, text = ''): string => `const a = ${'['.repeat(depth)}${text}${']'.repeat(depth)}`;

  it('a file of 4 MiB is read and a larger one is not', () => {
    const limit = 4 * 1024 * 1024;
    expect(summary(`#${'a'.repeat(limit - 1)}`)).toEqual([]);
    expect(summary(`#${'a'.repeat(limit)}`)).toEqual(['E0106 1:1 this file is larger than 4 MiB']);
    expect(summary(`#${'\u00e4'.repeat(limit / 2 - 1)}`)).toEqual([]);
    expect(summary(`#${'\u00e4'.repeat(limit / 2)}`)).toEqual(['E0106 1:1 this file is larger than 4 MiB']);
  });

  it('brackets nest 100 deep', () => {
    expect(summary(nested(100, '1'))).toEqual([]);
    expect(summary(nested(101))).toEqual(['E0107 1:111 nesting deeper than 100 levels']);
    expect(summary(nested(100_000))).toEqual(['E0107 1:111 nesting deeper than 100 levels']);
  });

  it('expressions without brackets nest too', () => {
    const choices = (depth: number): string => `const a = ${'if b then '.repeat(depth)}1${' else 2'.repeat(depth)}`;
    expect(summary(choices(150))).toEqual([]);
    expect(summary(choices(20_000))).toEqual(['E0107 1:2011 nesting deeper than 100 levels']);
    expect(summary(`const a = ${'if '.repeat(20_000)}`)).toMatchObject([/^E0107/]);
    expect(summary(`const a = 1 ${'else if b then c '.repeat(20_000)}`)).toMatchObject([/^E0107/]);
    expect(summary(`const a = ${'-'.repeat(100)}b`)).toEqual([]);
    expect(summary(`const a = ${'-'.repeat(20_000)}b`)).toEqual(['E0107 1:111 more than 100 signs in a row']);
  });

  it('neighbours do not nest', () => {
    const ifs = Array.from({ length: 500 }, () => 'if a { return x }');
    expect(summary(inBlock(...ifs))).toEqual([]);
    const lets = Array.from({ length: 500 }, (_, i) => `let y${i} = if a then b else c`);
    expect(summary(inBlock(...lets))).toEqual([]);
    expect(summary(`const a = [${'if b then c else d, '.repeat(500)}]`)).toEqual([]);
    expect(summary(`const a = f(${'[(b)], '.repeat(500)})`)).toEqual([]);
  });
});

describe('brackets', () => {
  check([
    [inBlock('return x |> conv(16, k=3'), ['E0111 2:17 `(` is never closed']],
    [inBlock('return f((x + 2)'), ['E0111 2:9 `(` is never closed']],
    [inBlock('let y = f(x', 'return y'), ['E0111 2:10 `(` is never closed']],
    [inBlock('let y = f(', '  x', 'return y'), ['E0111 4:1 expected `)` before `return`']],
    ['block b(x: f32[N, C] -> f32[N] {\n let y = x\n return y\n}', ['E0111 1:22 expected `)` before `->`']],
    ['block b(x: f32[N, C] {\n let y = x\n return y\n}', ['E0111 1:22 expected `)` before `{`']],
    [inBlock('if (C == 2 {', '  return x', '}', 'return x'), ['E0111 2:12 expected `)` before `{`']],
    [inBlock('return x |> seq {', 'for i in [1, 2 {', 'bn', '}', '}'), ['E0111 3:16 expected `]` before `{`']],
    [inTrain('augment {', '    flip(p=50%)', '  x = 3'), ['E0111 5:2 expected `}` before the end of the file']],
    ['block b(x: f32[N, ]) { return x }', ['E0113 1:17 no size after `,`'], 'write the size, or remove the comma'],
    [inBlock('let y = [1, 2)', 'return x'), ['E0112 2:14 `)` does not close `[`'], 'write `]`'],
    [inBlock('return x)'), ['E0112 2:9 `)` closes nothing']],
    ['block b() {\n}\n}\nconst a = 1', ['E0112 3:1 `}` closes nothing']],
    ['block b() {\n return x', ['E0111 2:10 expected `}` before the end of the file']],
    ['block b() {\n return x |> seq {\n bn\n\nmodel M() {\n return y\n}', ['E0111 3:4 expected `}` before `model`']],
    ['block b() {\n return x\n\ntrain base for M {\n a = 1\n}', ['E0111 2:10 expected `}` before `train`']],
    [inTrain('augment { flip(p=50% }', 'x = 3'), ['E0111 2:22 expected `)` before `}`']],
  ]);

  describe('an opener that is missing', () => {
    check([
      [inBlock('return x |> conv 16, k=3)', 'let y = 1'), ['E0110 2:18 expected a statement, found `16`']],
      ['block b x: f32[N, C]) { return x }', ['E0110 1:9 expected `(`, found `x`']],
      ['block b(x: f32 N, C], k: int) { return x }', ['E0112 1:20 `]` closes nothing']],
      ['block b(x: f32[N, ceil C / 2), k], d: int) { return x }', ['E0112 1:29 `)` closes nothing']],
      [inBlock('return f([(1, 2), 3, 4), (5, 6)])'), ['E0112 2:23 `)` closes nothing']],
      ['block b(x: f32[N])', ['E0110 1:19 expected `{`, found the end of the file']],
      ['block b(x: f32[N])\n  return x\n}', ['E0110 2:3 expected `{` before `return`']],
      [inBlock('return x |> seq', 'conv(8)', 'bn', '}'), ['E0110 3:1 expected `{` before `conv`']],
      [inBlock('return x |> seq {', 'for i in 0..4 bn }', 'relu', '}'), ['E0110 3:15 expected `{` before `bn`']],
      [inBlock('if C == 2', 'return x', '}', 'return x'), ['E0110 3:1 expected `{` before `return`']],
      ['train base for M\n  epochs = 3\n}\n', ['E0110 2:3 expected `{` before `epochs`']],
      ['train base for M {\n  augment flip(p=50%) }\n  epochs = 3\n}\n', ['E0112 2:23 `}` closes nothing']],
      [inBlock('if C == { return x }', 'return x'), ['E0113 2:6 no value after `==`']],
    ]);
  });

  describe('stages that are not closed', () => {
    check([
      [
        inBlock('let y = x', '|> a: seq { for i in 0..4 { bn }', '|> b: relu', 'return y'),
        ['E0111 3:11 `{` is never closed'],
      ],
      [inBlock('let y = x |> seq {', 'conv(8)', 'return y'), ['E0111 4:1 expected `}` before `return`']],
    ]);
  });

  it('the opener is blamed on its line, and in the note where the fault shows below a list', () => {
    const [onLine] = diagnose(inBlock('return f((x + 2)'));
    expect(onLine?.notes).toMatchObject([{ message: '`)` is missing before this' }]);
    const [below] = diagnose(inBlock('return f(', '  x'));
    const [note] = below?.notes ?? [];
    expect(note?.message).toBe('this `(` is never closed');
    expect(note?.span.start).toBe(below?.span.file.text.indexOf('(\n  x'));
  });

  it('a choice of stages in brackets closes nothing', () => {
    expect(summary(inBlock('return (x |> if C == 1 { bn } else { relu }', 'return x'))).toEqual([
      'E0111 2:8 `(` is never closed',
    ]);
  });
});

describe('values and names', () => {
  check([
    [inBlock('let y =', 'return x'), ['E0113 2:7 no value after `=`']],
    [inBlock('return x +'), ['E0113 2:10 no value after `+`']],
    [inBlock('return if C == then x else x'), ['E0113 2:13 no value after `==`']],
    [inBlock('return'), ['E0113 2:1 no value after `return`']],
    [inTrain('epochs =', 'batch = 12'), ['E0113 2:8 no value after `=`']],
    [inTrain('epochs =', '}', 'const a = 1').replace(/\}\n$/, ''), ['E0113 2:8 no value after `=`']],
    [inBlock('return f(k=, 2)'), ['E0113 2:11 no value after `=`']],
    [inBlock('return if C = 2 then x else x'), ['E0114 2:13 `=` does not compare'], 'equality is written `==`'],
    [inBlock('return if (C = 2) then x else x'), ['E0114 2:14 `=` does not compare']],
    [inBlock('if C = 2 { return x }', 'return x'), ['E0114 2:6 `=` does not compare']],
    [inBlock('assert C = 3, "no"', 'return x'), ['E0114 2:10 `=` does not compare']],
    [inBlock('return x |> seq {', 'if C = 2 { bn }', '}'), ['E0114 3:6 `=` does not compare']],
    [inBlock('let block = 3'), ['E0115 2:5 `block` is a reserved word'], 'choose another name, such as `block_`'],
    [
      inBlock('return x |> block: seq { bn }'),
      ['E0115 2:13 `block` is a reserved word'],
      'write the label as a string: `"block":`',
    ],
    ['block b(in: int) { return x }', ['E0115 1:9 `in` is a reserved word']],
    [inTrain('model = 3', 'batch = 4'), ['E0115 2:1 `model` is a reserved word']],
    [inBlock('return f(for=2)'), ['E0115 2:10 `for` is a reserved word']],
    ['import { let } from "x"', ['E0115 1:10 `let` is a reserved word']],
    [inBlock('let', 'return x'), ['E0110 3:1 expected a name, found the keyword `return`']],
    [inBlock('return 0 < C < 3'), ['E0118 2:14 comparisons do not chain'], 'join two comparisons: `0 < C && C < ...`'],
    [inBlock('return a == b == c == d'), ['E0118 2:15 comparisons do not chain']],
    [inBlock('return if C == 2 then x'), ['E0119 2:8 this `if` has no `else`']],
    [inBlock('return if a then if b then c else d'), ['E0119 2:8 this `if` has no `else`']],
    [
      inBlock('return if C == 2 { x } else { x }'),
      ['E0110 2:18 expected `then`, found `{`'],
      'an `if` that gives a value is written `if c then a else b`',
    ],
  ]);
});

describe('declarations', () => {
  check([
    [
      'modle M(x: f32[N]) -> f32[N] {\n return x\n}\nconst a = 1',
      ['E0116 1:1 unknown declaration `modle`'],
      'did you mean `model`?',
    ],
    ['blok b(x: f32[N]) { return x }', ['E0116 1:1 unknown declaration `blok`'], 'did you mean `block`?'],
    ['imprt { a } from "b"', ['E0110 1:13 expected a declaration, found the keyword `from`']],
    ['network M(x: f32[N]) { return x }', ['E0116 1:1 unknown declaration `network`']],
    [
      'planes = [16]\nlet a = 1',
      [
        'E0116 1:1 `planes` is given a value without `const`',
        'E0110 2:1 expected a declaration, found the keyword `let`',
      ],
      'write `const planes = ...`',
    ],
    ['block b(x, k: int) { return x }', ['E0117 1:9 parameter `x` has no type']],
    ['block b(x: f32[N], k = 3) { return x }', ['E0117 1:20 parameter `k` has no type']],
    ['block b(x: f32[N],, k: int) { return x }', ['E0110 1:19 expected a name, found `,`']],
    ['block b { return x }', ['E0110 1:9 expected `(`, found `{`']],
    ['block (x: f32[N]) { return x }', ['E0110 1:7 expected a name, found `(`']],
    ['fn f(x: int) { return x }', ['E0110 1:14 expected `->`, found `{`']],
    ['fn f(x: int) -> { return x }', ['E0110 1:17 expected a name, found `{`']],
    [
      'import "std"',
      ['E0110 1:8 expected `{`, found a string'],
      'an import is written `import { name } from "std/vision"`',
    ],
    ['import { a } form "x"', ['E0110 1:14 expected `from`, found `form`'], 'did you mean `from`?'],
    ['import { a } from std/x', ['E0110 1:19 expected a string, found `std`']],
    ['import { } from "x"', ['E0110 1:10 expected a name, found `}`']],
    ['import { a as b } from "x"', ['E0110 1:12 expected `,` or `}`, found the keyword `as`']],
    ['// a comment\nconst a = 1', ['E0110 1:1 expected a declaration, found `//`'], 'comments begin with `#`'],
    ['train base for {\n a = 1\n}', ['E0110 1:16 expected a name, found `{`']],
    ['const a', ['E0110 1:8 expected `=`, found the end of the file']],
    ['"x"', ['E0110 1:1 expected a declaration, found a string']],
  ]);
});

describe('statements, stages, entries', () => {
  check([
    [inBlock('retrun x'), ['E0110 2:1 expected a statement, found `retrun`'], 'did you mean `return`?'],
    [inBlock('y = x', 'return y'), ['E0110 2:1 expected a statement, found `y`'], 'declare the name: `let y = ...`'],
    [inBlock('return x;'), ['E0110 2:9 expected a statement, found `;`'], 'statements need no `;`'],
    [
      inBlock('let y: int = 3', 'return x'),
      ['E0110 2:6 expected `=`, found `:`'],
      'the type of a `let` follows from its value',
    ],
    [
      inBlock('if a { return x } else if b { return x }'),
      ['E0110 2:24 expected `{`, found the keyword `if`'],
      'write `else { if ... { ... } }`',
    ],
    [inBlock('for i in 0..4 { }', 'return x'), ['E0110 2:1 expected a statement, found the keyword `for`']],
    [
      inBlock('return a b c', 'let = 3', 'const n 3'),
      [
        'E0110 2:10 expected a statement, found `b`',
        'E0110 3:5 expected a name, found `=`',
        'E0110 4:9 expected `=`, found `3`',
      ],
    ],
    [inBlock('return x |> 3'), ['E0110 2:13 expected a stage, found `3`']],
    [inBlock('return x |> relu + 1'), ['E0110 2:18 expected a statement, found `+`']],
    [
      inBlock('return x |> seq { conv(8) |> relu', 'bn, relu', 'let y = 3', '5', 'bn', '}'),
      [
        'E0110 2:27 expected a stage, found `|>`',
        'E0110 3:3 expected a stage, found `,`',
        'E0110 4:1 expected a stage, found the keyword `let`',
      ],
      'inside `seq` the stages follow one another without `|>`',
    ],
    [inBlock('return x |> seq { for i 0..4 { bn } relu }'), ['E0110 2:25 expected `in`, found `0`']],
    [inBlock('return f(a b)'), ['E0110 2:12 expected `,` or `)`, found `b`']],
    [inBlock('return f(a, , b)'), ['E0110 2:13 expected a value or `)`, found `,`']],
    [
      inBlock('return f(stride: 2)'),
      ['E0110 2:16 expected `,` or `)`, found `:`'],
      'a named argument is written `name=value`',
    ],
    [inBlock('return (x, )'), ['E0110 2:8 a tuple has two or more elements']],
    [inBlock('return ()'), ['E0110 2:9 expected a value, found `)`']],
    [inBlock('return x @ file'), ['E0110 2:12 expected a string, found `file`']],
    [inBlock('return x.let'), ['E0115 2:10 `let` is a reserved word']],
    [
      inTrain('epochs: 200', 'batch = 3', '= 4', 'lr = 1'),
      ['E0110 2:7 expected an entry, found `:`', 'E0110 4:1 expected an entry, found `=`'],
      'an entry is written `key = value`',
    ],
    [
      inTrain('loss = x |> 3', 'split { a = }', 'b = 1'),
      ['E0110 2:13 expected a stage, found `3`', 'E0113 3:11 no value after `=`'],
    ],
  ]);
});

describe('recovery', () => {
  it('keeps what parsed and leaves out what did not', () => {
    const text = `block a(x: f32[N]) {
      let y = x |> seq { conv(8, k=) bn }
      let = 3
      return y
    }
    modle M(x: f32[N]) { return x }
    const c = 1`;
    const { program: kept, diagnostics } = parse({ path: 't.cnn', text });
    expect(diagnostics.map(({ code }) => code)).toEqual(['E0113', 'E0110', 'E0116']);
    expect(kept.declarations.map((each) => each.kind)).toEqual(['block', 'const']);
    const [block] = kept.declarations;
    expect(block?.kind === 'block' && block.body.statements.map(({ kind }) => kind)).toEqual(['let', 'return']);
  });

  it('reports one fault for each of many constructs, in order', () => {
    const lines = Array.from({ length: 30 }, (_, i) => (i % 3 === 0 ? `let y${i} = f(x` : `let y${i} = + ${i}`));
    const starts = diagnose(inBlock(...lines)).map(({ span }) => span.start);
    expect(starts).toHaveLength(30);
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
  });

  it('gives up on what is no source text', () => {
    const found = diagnose(inBlock(...Array.from({ length: 500 }, () => 'let = 1')));
    expect(found).toHaveLength(100);
  });

  it('starts afresh with every file', () => {
    diagnose('block b( { ) $ let');
    expect(program('const a = 1').declarations).toHaveLength(1);
  });
});
