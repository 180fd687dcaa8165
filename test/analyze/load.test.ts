/** Imports: the library, relative files, and every way they fail. */
import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkProgram, nodeHost } from '../../compiler/analyze/index.ts';
import { built, faultsOf, show } from './memory-host.ts';

describe('imports', () => {
  it('find the library, and files beside the importing one', () => {
    expect(
      built('import { conv_bn_act } from "std/vision"\nmodel M(x: f32[N, 3, 8, 8]) { return x |> conv_bn_act(4) }')
        .parameters,
    ).toHaveLength(5);
    const others = {
      'blocks/a.cnn': 'import { half } from "b"\nconst four = half * 2',
      'blocks/b.cnn': 'const half = 2',
    };
    expect(
      faultsOf(
        'import { four } from "./blocks/a.cnn"\nmodel M(x: f32[N, 3, 8, 8]) { return x |> conv(four, k=1) }',
        others,
      ),
    ).toEqual([]);
  });

  it('load a file once, however many import it', () => {
    const others = {
      'a.cnn': 'import { c } from "c"\nconst a = c',
      'b.cnn': 'import { c } from "c"\nconst b = c',
      'c.cnn': 'const c = d',
    };
    expect(faultsOf('import { a } from "a"\nimport { b } from "b"\nconst both = a + b', others)).toEqual([
      'E0201 c.cnn:1:11 unknown name `d`',
    ]);
  });

  it.each([
    ['import { a } from "nowhere"\nconst b = a', 'E0701 1:19 cannot find nowhere.cnn'],
    ['import { a } from "std/visio"\nconst b = a', 'E0701 1:19 cannot find std/visio.cnn'],
    [
      'import { a } from "/etc/passwd"\nconst b = a',
      'E0702 1:19 cannot import "/etc/passwd": the path must be relative',
    ],
    [
      'import { a } from "../../outside"\nconst b = a',
      'E0702 1:19 cannot import "../../outside": it lies outside the project',
    ],
    ['import { a } from "std/../outside"\nconst b = a', 'E0701 1:19 cannot find std/../outside.cnn'],
    [
      'import { a } from "https://example.org/a.cnn"\nconst b = a',
      'E0705 1:19 cannot import "https://example.org/a.cnn": only `std/...` and relative paths can be imported',
    ],
    ['import { conv_bn } from "std/vision"\nconst b = conv_bn', 'E0706 1:10 std/vision.cnn declares no `conv_bn`'],
    ['import { make_divisible } from "std/vision"', 'W0001 1:10 the import `make_divisible` is never used'],
  ])('%s', (source, fault) => {
    expect(faultsOf(source, { '/outside.cnn': 'const a = 1' })).toEqual([fault]);
  });

  it('report a circle with its chain, once', () => {
    const others = { 'a.cnn': 'import { b } from "b"\nconst a = b', 'b.cnn': 'import { a } from "a"\nconst b = a' };
    expect(faultsOf('import { a } from "a"\nconst c = a', others)).toEqual([
      'E0703 b.cnn:1:19 files import each other in a circle: a.cnn -> b.cnn -> a.cnn',
    ]);
  });

  it('report a chain of more than 64 files', () => {
    const others = Object.fromEntries(
      Array.from({ length: 70 }, (_, index) => [
        `f${index}.cnn`,
        `import { v${index + 1} } from "f${index + 1}"\nconst v${index} = v${index + 1}`,
      ]),
    );
    expect(faultsOf('import { v0 } from "f0"\nconst c = v0', others)).toEqual([
      'E0704 f62.cnn:1:21 imports are nested deeper than 64 files',
    ]);
  });

  it('report faults of an imported file under its own path', () => {
    expect(faultsOf('import { a } from "a"\nconst c = a', { 'a.cnn': 'const a = 1 / 2' })).toEqual([
      'E0311 a.cnn:1:11 1 / 2 is not an integer',
    ]);
  });

  it('report an entry that cannot be read', () => {
    expect(checkProgram('/no/such/file.cnn', nodeHost()).diagnostics.map(show)).toEqual([
      'E0701 /no/such/file.cnn:1:1 cannot read /no/such/file.cnn',
    ]);
  });
});

it('refuse what is no text', () => {
  const picture = '\x89PNG\r\n\x1a\n\0\0\0\rIHDR';
  expect(faultsOf(picture)).toEqual(['E0701 1:1 main.cnn is no text, and a source is one']);
  expect(faultsOf('import { a } from "a"\nconst b = a', { 'a.cnn': picture })).toEqual([
    'E0701 1:19 a.cnn is no text, and a source is one',
  ]);
});

describe('the file system', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cnnc-load-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('keeps imports inside the project, links included', () => {
    mkdirSync(join(folder, 'project'));
    writeFileSync(join(folder, 'project/package.json'), '{}');
    writeFileSync(join(folder, 'secret.cnn'), 'const a = 1');
    symlinkSync(join(folder, 'secret.cnn'), join(folder, 'project/link.cnn'));
    const entry = join(folder, 'project/main.cnn');
    writeFileSync(entry, 'import { a } from "link"\nimport { b } from "../secret"\nconst c = a + b');
    expect(checkProgram(entry, nodeHost()).diagnostics.map(({ code, message }) => [code, message])).toEqual([
      ['E0702', 'cannot import "link": it lies outside the project'],
      ['E0702', 'cannot import "../secret": it lies outside the project'],
    ]);
  });
});
