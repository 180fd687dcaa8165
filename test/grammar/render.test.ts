/** Diagnostics as a terminal and as JSON show them. */
import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import { diagnostic } from '../../grammar/diagnostics.ts';
import { toJsonDiagnostic } from '../../grammar/json-diagnostic.ts';
import { renderDiagnostic, renderDiagnostics } from '../../grammar/render.ts';
import type { SourceFile, Span } from '../../grammar/source.ts';
import { readText } from '../source-tree.ts';
import { diagnose } from './parsed.ts';

const plain = { color: false } as const;

/** The span of the first occurrence of a text. */
function spanOf(file: SourceFile, text: string): Span {
  const start = file.text.indexOf(text);
  if (start < 0) throw new Error(`no ${text}`);
  return { file, start, end: start + text.length };
}

const resnet: SourceFile = { path: 'resnet20.cnn', text: readText('test/grammar/contract/resnet20.cnn') };

const broadcast: Diagnostic = diagnostic(
  'E0305',
  spanOf(resnet, 'y + skip'),
  'cannot add f32[N, 32, 16, 16] and f32[N, 16, 16, 16]',
  {
    label: 'axis 1 (channels): 32 and 16',
    notes: [
      { message: 'f32[N, 32, 16, 16]', span: { ...spanOf(resnet, 'y = x'), end: resnet.text.indexOf('y = x') + 1 } },
    ],
    calls: [
      {
        callee: 'basic_block(out=32, stride=2)',
        path: 'layer2.0',
        span: spanOf(resnet, 'basic_block(planes[1], stride = if i == 0 then 2 else 1)'),
      },
    ],
    help: 'widen the skip path: `x |> subsample(stride) |> pad_channels(to=out)`',
  },
);

describe('frames', () => {
  it('as the language reference shows them', () => {
    expect(`\n${renderDiagnostic(broadcast, plain)}\n`).toMatchInlineSnapshot(`
      "
      error[E0305]: cannot add f32[N, 32, 16, 16] and f32[N, 16, 16, 16]
        --> resnet20.cnn:11:15
         |
       6 |   let y = x
         |       - f32[N, 32, 16, 16]
      11 |   return relu(y + skip)
         |               ^^^^^^^^ axis 1 (channels): 32 and 16
         = in basic_block(out=32, stride=2), called at resnet20.cnn:20:38 as layer2.0
      help: widen the skip path: \`x |> subsample(stride) |> pad_channels(to=out)\`
         = more: cnnc explain E0305
      "
    `);
  });

  it('labels of one line stand below each other', () => {
    const [fault] = diagnose('const a = 0 < b < 3');
    expect(fault && `\n${renderDiagnostic(fault, plain)}\n`).toMatchInlineSnapshot(`
      "
      error[E0118]: comparisons do not chain
       --> t.cnn:1:17
        |
      1 | const a = 0 < b < 3
        |             - the comparison before it
        |                 ^
      help: join two comparisons: \`0 < b && b < ...\`
        = more: cnnc explain E0118
      "
    `);
  });

  it('another file has its own frame', () => {
    const other: SourceFile = { path: 'std/vision', text: 'block b() {\n}\n' };
    const first: SourceFile = { path: 'net.cnn', text: '\nconst b = 1\n' };
    const twice = diagnostic('E0202', spanOf(first, 'b = 1'), 'b is declared twice', {
      notes: [{ message: 'and here', span: spanOf(other, 'b()') }],
    });
    expect(`\n${renderDiagnostic(twice, plain)}\n`).toMatchInlineSnapshot(`
      "
      error[E0202]: b is declared twice
       --> net.cnn:2:7
        |
      2 | const b = 1
        |       ^^^^^
       ::: std/vision:1:7
        |
      1 | block b() {
        |       --- and here
        = more: cnnc explain E0202
      "
    `);
  });

  it('a span over several lines is marked to the end of its first', () => {
    const file: SourceFile = { path: 'a.cnn', text: 'let a = f(\n  b,\n)   ' };
    const fault = diagnostic('E0320', spanOf(file, 'f(\n  b,\n)'), 'wrong kind of value', { label: 'this' });
    expect(`\n${renderDiagnostic(fault, plain)}\n`).toMatchInlineSnapshot(`
      "
      error[E0320]: wrong kind of value
       --> a.cnn:1:9
        |
      1 | let a = f(
        |         ^^ this
        = more: cnnc explain E0320
      "
    `);
  });

  it('an empty span at the end of the file is one caret', () => {
    const [fault] = diagnose('block b() {\n  return x\n');
    expect(fault && `\n${renderDiagnostic(fault, plain)}\n`).toMatchInlineSnapshot(`
      "
      error[E0111]: expected \`}\` before the end of the file
       --> t.cnn:2:11
        |
      1 | block b() {
        |           - this \`{\` is never closed
      2 |   return x
        |           ^
      help: close it with \`}\`
        = more: cnnc explain E0111
      "
    `);
  });

  it('a file without text has a frame', () => {
    const file: SourceFile = { path: 'empty.cnn', text: '' };
    const fault = diagnostic('E0106', { file, start: 0, end: 0 }, 'this file is too large');
    expect(`\n${renderDiagnostic(fault, plain)}\n`).toMatchInlineSnapshot(`
      "
      error[E0106]: this file is too large
       --> empty.cnn:1:1
        |
      1 |
        | ^
        = more: cnnc explain E0106
      "
    `);
  });

  it('warnings say so, and an empty path is not printed', () => {
    const file: SourceFile = { path: 'a.cnn', text: 'let a = b' };
    const warning = diagnostic('W0002', spanOf(file, 'a'), 'a is never used', {
      calls: [{ callee: 'f(x)', path: '', span: spanOf(file, 'b') }],
    });
    expect(`\n${renderDiagnostic(warning, plain)}\n`).toMatchInlineSnapshot(`
      "
      warning[W0002]: a is never used
       --> a.cnn:1:5
        |
      1 | let a = b
        |     ^
        = in f(x), called at a.cnn:1:9
        = more: cnnc explain W0002
      "
    `);
  });
});

describe('columns', () => {
  const caret = (text: string, at: string, width?: number): string => {
    const file: SourceFile = { path: 'a.cnn', text };
    const fault = diagnostic('E0110', spanOf(file, at), 'no');
    const lines = renderDiagnostic(fault, width === undefined ? plain : { ...plain, width }).split('\n');
    return `\n${lines.slice(3, 5).join('\n')}\n`;
  };

  it('a tab goes to the next multiple of four', () => {
    expect(caret('\tab\tc', 'c')).toBe('\n1 |     ab  c\n  |         ^\n');
  });

  it('a code point is one column, also outside the basic plane', () => {
    expect(caret('"\u{1F600}\u00e9" x', 'x')).toBe('\n1 | "\u{1F600}\u00e9" x\n  |      ^\n');
  });

  it('nothing reaches the terminal that could steer it', () => {
    expect(caret('a\u001b[2J\u202e\ud800 x\r\ny', 'x')).toBe('\n1 | a\ufffd[2J\ufffd\ufffd x\n  |         ^\n');
    const file: SourceFile = { path: '\u001b]0;a', text: 'x' };
    const text = renderDiagnostic(diagnostic('E0110', spanOf(file, 'x'), 'a\u001b[31m'), plain);
    expect(text).not.toContain('\u001b');
  });

  it('a long line is cut around its first label', () => {
    const text = caret(`${'a'.repeat(300)} bad ${'c'.repeat(300)}`, 'bad', 80);
    const [, line = '', marks = ''] = text.split('\n');
    expect(line.length).toBeLessThanOrEqual(80);
    expect(line).toMatch(/^1 \| \.\.\.a+ bad c+\.\.\.$/);
    expect(line.slice(marks.indexOf('^'), marks.lastIndexOf('^') + 1)).toBe('bad');
  });

  it('a label at the start of a long line keeps the start', () => {
    expect(caret(`bad ${'c'.repeat(300)}`, 'bad', 60).split('\n')[1]).toMatch(/^1 \| bad c+\.\.\.$/);
  });

  it('of megabytes on one line, the end is shown', () => {
    const [, line = ''] = caret(`${'a '.repeat(2_000_000)}bad`, 'bad', 80).split('\n');
    expect(line.length).toBeLessThanOrEqual(80);
    expect(line).toMatch(/^1 \| \.\.\.[a ]+ bad$/);
  });
});

describe('colour', () => {
  it('follows the severity, and taking it away leaves the plain text', () => {
    const coloured = renderDiagnostic(broadcast, { color: true });
    expect(coloured).toContain('\u001b[31m\u001b[1merror[E0305]');
    expect(coloured).toContain('\u001b[31m^^^^^^^^ axis 1');
    // oxlint-disable-next-line no-control-regex
    expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(renderDiagnostic(broadcast, plain));
  });

  it('can be the caller\u2019s own', () => {
    const tag = (name: string) => (text: string) => `<${name}>${text}</${name}>`;
    const style = {
      error: tag('e'),
      warning: tag('w'),
      note: tag('n'),
      help: tag('h'),
      gutter: tag('g'),
      strong: tag('b'),
    };
    expect(renderDiagnostic(broadcast, { color: true, style })).toContain('<n>- f32[N, 32, 16, 16]</n>');
    expect(renderDiagnostic(broadcast, { color: false, style })).not.toContain('<');
  });
});

describe('lists', () => {
  it('show twenty and count the rest', () => {
    const list = Array.from({ length: 23 }, () => broadcast);
    const text = renderDiagnostics(list, plain);
    expect(text.match(/error\[E0305\]/g)).toHaveLength(20);
    expect(text.endsWith('\n\n... and 3 more')).toBe(true);
  });

  it('show every error before warnings', () => {
    const warning = { ...broadcast, severity: 'warning' } as const;
    const list = Array.from({ length: 30 }, (_, at) => (at % 2 === 0 ? warning : broadcast));
    const text = renderDiagnostics(list, plain);
    expect(text.match(/error\[/g)).toHaveLength(15);
    expect(text.match(/warning\[/g)).toHaveLength(5);
    expect(text.startsWith('warning[')).toBe(true);
    expect(text.endsWith('\n\n... and 10 more')).toBe(true);
    expect(renderDiagnostics(list.slice(0, 20), plain)).not.toContain('more\n');
    expect(renderDiagnostics([], plain)).toBe('');
  });
});

describe('as data', () => {
  it('has everything with lines and columns', () => {
    expect(toJsonDiagnostic(broadcast)).toMatchInlineSnapshot(`
      {
        "calls": [
          {
            "callee": "basic_block(out=32, stride=2)",
            "column": 38,
            "endColumn": 94,
            "endLine": 20,
            "file": "resnet20.cnn",
            "line": 20,
            "path": "layer2.0",
          },
        ],
        "code": "E0305",
        "column": 15,
        "endColumn": 23,
        "endLine": 11,
        "file": "resnet20.cnn",
        "help": "widen the skip path: \`x |> subsample(stride) |> pad_channels(to=out)\`",
        "label": "axis 1 (channels): 32 and 16",
        "line": 11,
        "message": "cannot add f32[N, 32, 16, 16] and f32[N, 16, 16, 16]",
        "notes": [
          {
            "column": 7,
            "endColumn": 8,
            "endLine": 6,
            "file": "resnet20.cnn",
            "line": 6,
            "message": "f32[N, 32, 16, 16]",
          },
        ],
        "severity": "error",
      }
    `);
  });

  it('leaves out what is not there', () => {
    const file: SourceFile = { path: 'a.cnn', text: 'x' };
    expect(toJsonDiagnostic(diagnostic('E0110', spanOf(file, 'x'), 'no'))).toEqual({
      code: 'E0110',
      severity: 'error',
      message: 'no',
      file: 'a.cnn',
      line: 1,
      column: 1,
      endLine: 1,
      endColumn: 2,
      notes: [],
      calls: [],
    });
  });
});
