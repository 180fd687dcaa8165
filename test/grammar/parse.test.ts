/** Every construct of the language, from text to tree. */
import { describe, expect, it } from 'vitest';
import type { Entry, Expression, Stage, Statement } from '../../grammar/ast.ts';
import { expressionOf, nodes, program, structure, textOf } from './parsed.ts';

/** Fully bracketed, so that precedence and association show. */
function show(e: Expression): string {
  switch (e.kind) {
    case 'number':
      return `${e.value}${e.unit ?? ''}`;
    case 'string':
      return JSON.stringify(e.value);
    case 'boolean':
      return String(e.value);
    case 'none':
      return 'none';
    case 'name':
      return e.name;
    case 'tuple':
      return `<${e.elements.map(show).join(' ')}>`;
    case 'list':
      return `[${e.elements.map(show).join(' ')}]`;
    case 'record':
      return `{${e.entries.map(showEntry).join(' ')}}`;
    case 'if':
      return `(if ${show(e.condition)} ${show(e.then)} ${show(e.else)})`;
    case 'unary':
      return `(${e.operator}${show(e.operand)})`;
    case 'binary':
      return `(${show(e.left)} ${e.operator} ${show(e.right)})`;
    case 'call':
      return `${show(e.callee)}(${showArguments(e.arguments)})`;
    case 'index':
      return `${show(e.object)}[${show(e.index)}]`;
    case 'member':
      return `${show(e.object)}.${e.member.name}`;
    case 'attach':
      return `(${show(e.model)} @ ${e.file.value})`;
    case 'pipe':
      return `(${show(e.input)} |> ${showStage(e.stage)})`;
  }
}

function showArguments(list: readonly { name?: { name: string }; value: Expression }[]): string {
  return list.map(({ name, value }) => (name ? `${name.name}=` : '') + show(value)).join(' ');
}

function showEntry(e: Entry): string {
  if (e.kind === 'value') return show(e.value);
  return e.kind === 'assign'
    ? `${e.name.name}=${show(e.value)}`
    : `${e.name.name}{${e.entries.map(showEntry).join(' ')}}`;
}

function showStage(s: Stage): string {
  const label = s.label ? `${s.label.name}: ` : '';
  const all = (stages: readonly Stage[]): string => `{${stages.map(showStage).join(' ')}}`;
  switch (s.kind) {
    case 'call':
      return label + s.name.name + (s.arguments ? `(${showArguments(s.arguments)})` : '');
    case 'seq':
      return `${label}seq${all(s.stages)}`;
    case 'for': {
      const names = s.names.map(({ name }) => name).join(' ');
      return `${label}for ${s.destructured ? `<${names}>` : names} in ${show(s.iterable)} ${all(s.stages)}`;
    }
    case 'if':
      return `${label}if ${show(s.condition)} ${all(s.then)}${s.else ? ` else ${all(s.else)}` : ''}`;
  }
}

describe('expressions', () => {
  it.each([
    ['1 + 2 * 3', '(1 + (2 * 3))'],
    ['1 - 2 - 3', '((1 - 2) - 3)'],
    ['8 / 4 // 2 % 3 * 2', '((((8 / 4) // 2) % 3) * 2)'],
    ['(1 + 2) * 3', '((1 + 2) * 3)'],
    ['a || b && c == d', '(a || (b && (c == d)))'],
    ['a && b || c && d', '((a && b) || (c && d))'],
    ['a + 1 <= b * 2', '((a + 1) <= (b * 2))'],
    ['a != b && c >= d', '((a != b) && (c >= d))'],
    ['(a < b) == (c > d)', '((a < b) == (c > d))'],
    ['0..n + 1', '(0 .. (n + 1))'],
    ['0..4', '(0 .. 4)'],
    ['i < 0..4', '(i < (0 .. 4))'],
    ['-a * b', '((-a) * b)'],
    ['- -a', '(-(-a))'],
    ['a - -b', '(a - (-b))'],
    ['!a.b && !f(x)', '((!a.b) && (!f(x)))'],
    ['-f(x)[0].y', '(-f(x)[0].y)'],
    ['f()', 'f()'],
    ['f(a, k=3, from=2,)', 'f(a k=3 from=2)'],
    ['f(a)(b)', 'f(a)(b)'],
    ['x[i + 1][0]', 'x[(i + 1)][0]'],
    ['base.from', 'base.from'],
    ['M(depth=56) @ "runs/best.safetensors"', '(M(depth=56) @ runs/best.safetensors)'],
    ['(a, b)', '<a b>'],
    ['(a, (b, c),)', '<a <b c>>'],
    ['((a))', 'a'],
    ['[]', '[]'],
    ['[1, 2.5, "x",]', '[1 2.5 "x"]'],
    ['{ N = 16, H = 128 }', '{N=16 H=128}'],
    ['{ N = 16 H = 128; from = 1 split { a = 1 } flip(p=50%) }', '{N=16 H=128 from=1 split{a=1} flip(p=50%)}'],
    ['if a then b else c', '(if a b c)'],
    ['if a then b else if c then d else e', '(if a b (if c d e))'],
    ['if a then if b then c else d else e', '(if a (if b c d) e)'],
    ['1 + if a then b else c + 1', '(1 + (if a b (c + 1)))'],
    ['if a then x else x |> f |> g', '(if a x ((x |> f) |> g))'],
    ['true', 'true'],
    ['[false, none]', '[false none]'],
    ['x + 1 |> relu', '((x + 1) |> relu)'],
    ['x |> f(2) |> g', '((x |> f(2)) |> g)'],
    ['x |> conv1: conv(16, k=3) |> "block": relu', '((x |> conv1: conv(16 k=3)) |> block: relu)'],
    ['x |> features: seq { conv(8); bn; relu }', '(x |> features: seq{conv(8) bn relu})'],
    ['x |> seq { a: bn "b": bn seq { relu } }', '(x |> seq{a: bn b: bn seq{relu}})'],
    ['x |> seq {}', '(x |> seq{})'],
    ['x |> for i in 0..n { f(i) }', '(x |> for i in (0 .. n) {f(i)})'],
    ['x |> seq { for (k, e) in [(1, 2), (3, 4)] { f(k, e) } }', '(x |> seq{for <k e> in [<1 2> <3 4>] {f(k e)}})'],
    ['x |> seq { for (k,) in rows { f } }', '(x |> seq{for <k> in rows {f}})'],
    ['x |> if a != b { f } else { g h }', '(x |> if (a != b) {f} else {g h})'],
    ['x |> part: if a { f }', '(x |> part: if a {f})'],
  ])('%s', (text, expected) => {
    expect(show(expressionOf(text))).toBe(expected);
  });

  it.each([
    ['12', { value: 12, integer: true }],
    ['45_000', { value: 45000, integer: true }],
    ['0x1F', { value: 31, integer: true }],
    ['0xFF_FF', { value: 65535, integer: true }],
    ['1.5', { value: 1.5, integer: false }],
    ['1_0.2_5', { value: 10.25, integer: false }],
    ['1e-3', { value: 0.001, integer: false }],
    ['2E+4', { value: 20000, integer: false }],
    ['50%', { value: 50, unit: '%', integer: true }],
    ['99.99%', { value: 99.99, unit: '%', integer: false }],
    ['200epochs', { value: 200, unit: 'epochs', integer: true }],
    ['500steps', { value: 500, unit: 'steps', integer: true }],
    ['32px', { value: 32, unit: 'px', integer: true }],
    ['2ms', { value: 2, unit: 'ms', integer: true }],
    ['160KiB', { value: 160, unit: 'KiB', integer: true }],
    ['2.5M', { value: 2.5, unit: 'M', integer: false }],
    ['57MMACs', { value: 57, unit: 'MMACs', integer: true }],
  ])('number %s', (text, expected) => {
    expect(structure(expressionOf(text))).toEqual({ kind: 'number', ...expected });
  });

  it('a spaced percent sign is the remainder', () => {
    expect(show(expressionOf('16 % 4'))).toBe('(16 % 4)');
    expect(show(expressionOf('n%4'))).toBe('(n % 4)');
  });

  it.each([
    ['"a\\n\\r\\t\\"\\\\b"', 'a\n\r\t"\\b'],
    ['"\\u{48}\\u{1F600}"', 'H\u{1f600}'],
    ['"{name} # no comment"', '{name} # no comment'],
    ['""', ''],
    ['"\\\\"', '\\'],
  ])('string %s', (text, value) => {
    expect(structure(expressionOf(text))).toEqual({ kind: 'string', value });
  });

  it('a bracketed expression spans its brackets, so that what it is part of begins with them', () => {
    const sum = expressionOf('(a + b) * c');
    expect(textOf(sum.span)).toBe('(a + b) * c');
    expect(sum.kind === 'binary' && textOf(sum.left.span)).toBe('(a + b)');
    expect(sum.kind === 'binary' && textOf(sum.operatorSpan)).toBe('*');
  });

  it('a chain of any length needs no stack', () => {
    const terms = 50_000;
    let depth = 0;
    let at = expressionOf(`0${' + 1'.repeat(terms)}`);
    while (at.kind === 'binary') {
      at = at.left;
      depth++;
    }
    expect(depth).toBe(terms);
    expect(expressionOf(`x${' |> f'.repeat(terms)}`).kind).toBe('pipe');
    expect(expressionOf(`x${'.y'.repeat(terms)}`).kind).toBe('member');
  });
});

function bodyOf(statements: string): readonly Statement[] {
  const [block] = program(`block b(x: f32[N]) {${statements}}`).declarations;
  if (block?.kind !== 'block') throw new Error('no block');
  return block.body.statements;
}

describe('statements', () => {
  it('let', () => {
    const [one, several] = bodyOf('let y = x + 1 let (a, b,) = split(x)');
    expect(one).toMatchObject({ kind: 'let', names: [{ name: 'y' }], destructured: false });
    expect(several).toMatchObject({ kind: 'let', names: [{ name: 'a' }, { name: 'b' }], destructured: true });
    expect(one && textOf(one.span)).toBe('let y = x + 1');
    expect(several && textOf(several.span)).toBe('let (a, b,) = split(x)');
  });

  it('const, assert, return', () => {
    const [constant, bare, explained, result] = bodyOf('const n = 2 assert n == 2 assert n > 1, "got {n}" return x');
    expect(constant).toMatchObject({ kind: 'const', name: { name: 'n' } });
    expect(bare).toMatchObject({ kind: 'assert', condition: { kind: 'binary' } });
    expect(bare).not.toHaveProperty('message');
    expect(explained).toMatchObject({ kind: 'assert', message: { value: 'got {n}' } });
    expect(explained && textOf(explained.span)).toBe('assert n > 1, "got {n}"');
    expect(result && textOf(result.span)).toBe('return x');
  });

  it('if', () => {
    const [half, whole] = bodyOf('if a { return x } if b { let y = x } else { if c { return x } }');
    expect(half).toMatchObject({ kind: 'if', condition: { name: 'a' }, then: { statements: [{ kind: 'return' }] } });
    expect(half).not.toHaveProperty('else');
    expect(whole).toMatchObject({ then: { statements: [{ kind: 'let' }] }, else: { statements: [{ kind: 'if' }] } });
    expect(whole?.kind === 'if' && whole.else && textOf(whole.else.span)).toBe('{ if c { return x } }');
  });
});

describe('declarations', () => {
  it('import', () => {
    const [one] = program('import { a, b, } from "std/vision"').imports;
    expect(one).toMatchObject({ names: [{ name: 'a' }, { name: 'b' }], from: 'std/vision' });
    expect(one && textOf(one.fromSpan)).toBe('"std/vision"');
    expect(one && textOf(one.span)).toBe('import { a, b, } from "std/vision"');
  });

  it('fn, with parameters, types and defaults', () => {
    const text = 'fn f(v: float, d: int = 8 + 1,) -> int { return v }';
    const [fn] = program(text).declarations;
    expect(fn).toMatchObject({ kind: 'fn', name: { name: 'f' }, returns: { name: { name: 'int' } } });
    if (fn?.kind !== 'fn') throw new Error('no function');
    expect(fn.parameters.map(({ span }) => textOf(span))).toEqual(['v: float', 'd: int = 8 + 1']);
    expect(fn.parameters[0]).not.toHaveProperty('default');
    expect(fn.returns).not.toHaveProperty('dims');
    expect(textOf(fn.span)).toBe(text);
  });

  it('block and model', () => {
    const text = 'block b() { } model M(x: f32[N, 3, H/2, 2 * W]) -> f32[N, ceil(H / 2)] { return x }';
    const [block, model] = program(text).declarations;
    expect(block).toMatchObject({ kind: 'block', parameters: [], body: { statements: [] } });
    expect(block).not.toHaveProperty('returns');
    if (model?.kind !== 'model') throw new Error('no model');
    expect(model.parameters[0]?.type.dims?.map((dim) => textOf(dim.span))).toEqual(['N', '3', 'H/2', '2 * W']);
    expect(model.returns?.dims?.map(show)).toEqual(['N', 'ceil((H / 2))']);
  });

  it('directives, with and without name and target', () => {
    const found = program('a { } b c { } d for E { } f g for H { x = 1 }').declarations;
    const heads = found.map(
      (each) => each.kind === 'directive' && [each.word.name, each.name?.name, each.target?.name],
    );
    expect(heads).toEqual([
      ['a', undefined, undefined],
      ['b', 'c', undefined],
      ['d', undefined, 'E'],
      ['f', 'g', 'H'],
    ]);
    expect(found.map(({ span }) => textOf(span))).toEqual(['a { }', 'b c { }', 'd for E { }', 'f g for H { x = 1 }']);
  });

  it('entries, whatever separates them', () => {
    const text = `train base for M {
      from = slim, epochs = 200; lr = 1e-3 augment { flip(p=50%) }
      val.accuracy >= 91.0%
      drop(base) <= 1.0%
      shape = { N = 16 }
    }`;
    const [train] = program(text).declarations;
    if (train?.kind !== 'directive') throw new Error('no directive');
    expect(train.entries.map(showEntry)).toEqual([
      'from=slim',
      'epochs=200',
      'lr=0.001',
      'augment{flip(p=50%)}',
      '(val.accuracy >= 91%)',
      '(drop(base) <= 1%)',
      'shape={N=16}',
    ]);
    expect(train.entries.map(({ span }) => textOf(span)).slice(2, 5)).toEqual([
      'lr = 1e-3',
      'augment { flip(p=50%) }',
      'val.accuracy >= 91.0%',
    ]);
  });

  it('labels and arguments span from their name to their end', () => {
    const spans = [...nodes(expressionOf('x |> fc1: conv(8, k = 3)'))].map(({ node }) => textOf(node.span));
    expect(spans).toContain('fc1: conv(8, k = 3)');
    expect(spans).toContain('k = 3');
    expect(spans).toContain('fc1');
  });
});

describe('documentation', () => {
  const doc = (text: string): string | undefined => program(text).declarations.at(-1)?.doc;

  it.each([
    ['## One line.\nconst a = 1', 'One line.'],
    ['## First.\n##   indented\n##\n## last  \nblock b() { }', 'First.\n  indented\n\nlast'],
    ['\uFEFF## After a byte order mark.\nconst a = 1', 'After a byte order mark.'],
    ['## Windows.\r\nconst a = 1', 'Windows.'],
    ['const b = 1\n  ## Indented.\n  const a = 1', 'Indented.'],
  ])('%j', (text, expected) => {
    expect(doc(text)).toBe(expected);
  });

  it.each([
    ['a blank line between', '## Of the file.\n\nconst a = 1'],
    ['a plain comment', '# Plain.\nconst a = 1'],
    ['a banner', '#### Banner ####\nconst a = 1'],
    ['a comment behind code', 'const b = 1 ## of b\nconst a = 1'],
    ['an import between', '## Of the import.\nimport { b } from "c"\nconst a = 1'],
  ])('%s is none', (_, text) => {
    expect(doc(text)).toBeUndefined();
  });
});

it('nothing and comments alone are a program', () => {
  expect(program('')).toMatchObject({ imports: [], declarations: [] });
  expect(program('# nothing\n## at all\n')).toMatchObject({ imports: [], declarations: [] });
});

it('newlines mean nothing', () => {
  const text = 'block b(x: f32[N]) { let y = x |> f(1, k=2) return if a then y else x }';
  const [onOne] = program(text).declarations;
  const [onMany] = program(text.replaceAll(' ', '\r\n\t')).declarations;
  expect(structure(onMany)).toEqual(structure(onOne));
});
