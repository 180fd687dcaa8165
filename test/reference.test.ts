/** LANGUAGE.md: its generated sections are up to date, and its examples are right. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CnnParser } from '../grammar/parser.ts';
import { parse } from '../grammar/parse.ts';
import { catalogue } from '../grammar/diagnostics.ts';
import { directiveSchemas } from '../compiler/analyze/directives/directive-schema.ts';
import { preludeOps } from '../compiler/analyze/prelude/prelude.ts';
import { withGenerated } from '../compiler/cli/commands/reference.ts';
import { libraryPage, papers } from '../compiler/cli/commands/reference/library.ts';
import { ebnf, grammarRules, type Production } from '../compiler/cli/commands/reference/grammar.ts';
import { railroadSvg } from '../compiler/cli/commands/reference/railroad.ts';
import { check } from './analyze/memory-host.ts';
import { cnnc } from './cli/cnnc.ts';
import { temporaryFolder } from './runtime/node/temporary-folder.ts';
import { filesBelow, readText, root } from './source-tree.ts';

const text = readText('LANGUAGE.md');
const part = (name: string): string =>
  new RegExp(`<!-- generated: ${name} -->(.*?)<!-- end -->`, 's').exec(text)?.[1] ?? '';

it('is what the tables of the compiler make of it (CNNC_BLESS=1 writes it)', () => {
  const made = withGenerated(text);
  if (process.env['CNNC_BLESS'] === '1') writeFileSync(join(root, 'LANGUAGE.md'), made);
  else expect(text).toBe(made);
});

describe('the page of the library', () => {
  const page = libraryPage(join(root, 'stdlib'));

  it('is what the sources of the library say (CNNC_BLESS=1 writes it)', () => {
    if (process.env['CNNC_BLESS'] === '1') writeFileSync(join(root, 'docs/std.md'), page);
    else expect(readText('docs/std.md')).toBe(page);
  });

  it('has every block and model, each with a sentence, and every paper that is cited', () => {
    const sources = filesBelow('stdlib').map((path) => ({ path, text: readText(path) }));
    for (const file of sources) {
      const { path } = file;
      const { declarations } = parse(file).program;
      for (const each of declarations) {
        if (each.kind !== 'block' && each.kind !== 'model') continue;
        const [, rest = ''] = page.split(`\n${each.kind} ${each.name.name}(`);
        const [, doc = ''] = rest.split('\n```\n\n');
        expect(doc, `${path}: ${each.name.name}`).toMatch(/^[A-Z0-9`][^\n]+\.\n/);
      }
      for (const [cited] of file.text.matchAll(/[A-Z]\w+ (et al\.|and \w+) \d{4}/g)) {
        expect(papers.map((paper) => paper.cited)).toContain(cited);
      }
    }
  });
});

it('names every op, directive and code', () => {
  for (const name of preludeOps.keys()) expect(part('ops')).toMatch(new RegExp(`\\| \`${name}[(\`]`));
  for (const word of Object.keys(directiveSchemas))
    expect(part('directives')).toMatch(new RegExp(`### \`${word}[ \`]`));
  for (const [code, { title }] of Object.entries(catalogue)) {
    expect(part('diagnostics')).toContain(`| \`${code}\` | ${title.replaceAll('|', '\\|')} |`);
  }
});

it('prints the keys of a training once', () => {
  const rows = [...part('directives').matchAll(/^\| `([\w.]*early_stop\.patience|[\w.]*checkpoint\.keep)` /gm)];
  expect(rows.map(([, key]) => key)).toEqual(['early_stop.patience', 'checkpoint.keep']);
  expect(part('directives')).toContain('| `finetune` | group of [settings of a training](#settings-of-a-training) |');
});

it('is written by a command that help does not list', async () => {
  const folder = temporaryFolder({ 'LANGUAGE.md': '# Codes\n<!-- generated: units -->old<!-- end -->\n' });
  const ran = await cnnc('reference', join(folder, 'LANGUAGE.md'));
  expect(ran).toMatchObject({ code: 0, err: '' });
  const written = readFileSync(join(folder, 'LANGUAGE.md'), 'utf8');
  expect(written).toMatch(/^# Codes\n<!-- generated: units -->\n\n\| unit .*<!-- end -->\n$/s);
  expect(written).toContain('| `KiB` | bytes | 1024 |');
  expect(readFileSync(join(folder, 'GRAMMAR.svg'), 'utf8')).toBe(readText('GRAMMAR.svg'));
  expect(readFileSync(join(folder, 'docs/std.md'), 'utf8')).toBe(readText('docs/std.md'));
  expect((await cnnc('--help')).out).not.toMatch(/^ +reference\b/m);
});

it('refuses a section that nothing makes', () => {
  expect(() => withGenerated('<!-- generated: nonsense --><!-- end -->')).toThrow('nonsense');
});

describe('the grammar', () => {
  const rules = grammarRules();

  it('has a line for every rule of the parser, and no name without a meaning', () => {
    const defined = rules.map(({ name }) => name);
    expect(defined).toEqual(expect.arrayContaining(Object.keys(new CnnParser().getGAstProductions())));
    const named = (body: Production): readonly string[] => {
      if (body.kind === 'text') return [];
      if ('text' in body) return [body.text];
      return 'part' in body ? named(body.part) : body.parts.flatMap(named);
    };
    const tokens = ['Identifier', 'Number', 'String'];
    expect(rules.flatMap(({ body }) => named(body)).filter((name) => ![...defined, ...tokens].includes(name))).toEqual(
      [],
    );
    for (const name of defined) expect(part('grammar')).toMatch(new RegExp(`^${name} +=`, 'm'));
  });

  it('is drawn in GRAMMAR.svg, every rule with all its tokens (CNNC_BLESS=1 writes it)', () => {
    const svg = railroadSvg(rules);
    if (process.env['CNNC_BLESS'] === '1') writeFileSync(join(root, 'GRAMMAR.svg'), svg);
    else expect(readText('GRAMMAR.svg')).toBe(svg);
    const groups = svg.split('<g>').slice(1);
    expect(groups).toHaveLength(rules.length);
    const wordsOf = (body: Production): readonly string[] => {
      if ('text' in body) return [body.text];
      return 'part' in body ? wordsOf(body.part) : body.parts.flatMap(wordsOf);
    };
    rules.forEach(({ name, body }, at) => {
      const words = [...(groups[at] ?? '').matchAll(/<text [^>]*>(.*?)<\/text>/g)].map(([, word = '']) =>
        word.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'),
      );
      expect(words).toEqual([name, ...wordsOf(body)]);
    });
  });

  it('is written as in the literature', () => {
    const some: Production = { kind: 'some', part: { kind: 'token', text: 'Id' } };
    const body: Production = {
      kind: 'sequence',
      parts: [
        { kind: 'text', text: 'let' },
        { kind: 'choice', parts: [some, { kind: 'rule', text: 'b' }] },
        { kind: 'optional', part: { kind: 'many', part: { kind: 'rule', text: 'c' } } },
      ],
    };
    expect(ebnf([{ name: 'a', body }])).toBe('a = "let" ( { Id }+ | b ) [ { c } ]');
  });
});

describe('its examples', () => {
  const examples = [...text.matchAll(/^```cnn\n(.*?)^```/gms)].map(([, source = '']) => source);

  it.each(examples.map((source, at) => [at, source] as const))('check without a fault: %i', (_, source) => {
    expect(check(source).diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([]);
  });

  it('are there', () => {
    expect(examples.length).toBeGreaterThan(2);
  });
});
