/** The laws of ARCHITECTURE.md: who imports whom, how large files are, what must be exported and tested. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Op } from '../compiler/ir/op.ts';
import type { Kernel } from '../compiler/kernels/kernel.ts';
import { kernels } from '../compiler/kernels/index.ts';
import * as all from '../compiler/ops/all.ts';
import type { Pass } from '../compiler/passes/pass.ts';
import { gpuTests } from '../vitest.config.ts';
import { filesBelow, readSource, readText, root, sources, type SourceFile } from './source-tree.ts';

interface Layer {
  /** What its files may import of the project, besides each other: folders, files, and with `type:` types alone. */
  readonly project: readonly string[];
  /** What they may import from outside; `*` is everything. */
  readonly packages: readonly string[];
}

const everything: Layer = { project: ['grammar/', 'compiler/', 'runtime/'], packages: ['*'] };

/** What the floors above the passes and kernels stand on. */
const underCompile = [
  'grammar/',
  'runtime/',
  'compiler/ir/',
  'compiler/ops/',
  'compiler/passes/',
  'compiler/train/',
  'compiler/kernels/',
  'compiler/schedule/',
  'compiler/emit/',
  'compiler/version.ts',
];

/** The longest matching prefix rules. A file of `compiler/` itself that is not named here stands alone. */
const layers: Readonly<Record<string, Layer>> = {
  // `(computed)`: the parser generator's one-file form, which its package does not list.
  'grammar/': { project: [], packages: ['chevrotain', '(computed)'] },
  'runtime/': { project: [], packages: ['valibot'] },
  'runtime/node/': { project: ['runtime/'], packages: ['*'] },
  'compiler/': { project: [], packages: [] },
  // Spans are types; only the printer turns them into lines and columns.
  'compiler/ir/': { project: ['type:grammar/source.ts'], packages: [] },
  'compiler/ir/print.ts': { project: ['compiler/ir/', 'grammar/source.ts'], packages: [] },
  // `runtime/philox.ts`: dropout masks are the runtime's random numbers, bit by bit.
  'compiler/ops/': { project: ['compiler/ir/', 'runtime/philox.ts'], packages: [] },
  // Of `runtime/`: a file of class names means the same in a source and in data, and so do formats and defaults.
  'compiler/analyze/': {
    project: [
      'grammar/',
      'compiler/ir/',
      'compiler/ops/',
      'runtime/class-names.ts',
      'runtime/files/names-file.ts',
      'runtime/train/data-formats.ts',
      'runtime/train/synthetic-defaults.ts',
    ],
    packages: ['node:'],
  },
  // `grammar/source.ts`: a difference that a pass made is reported with its place in the source.
  'compiler/passes/': { project: ['compiler/ir/', 'compiler/ops/', 'grammar/source.ts'], packages: [] },
  // What quantization found lies in files.
  'compiler/passes/int8/record.ts': { project: ['type:compiler/passes/pipelines.ts'], packages: ['valibot'] },
  'compiler/train/': { project: ['compiler/ir/', 'compiler/ops/'], packages: [] },
  'compiler/kernels/': { project: ['compiler/ir/', 'compiler/ops/'], packages: [] },
  'compiler/schedule/': { project: ['compiler/ir/', 'compiler/kernels/'], packages: [] },
  'compiler/emit/': {
    // Ops, because slices, concats and reshapes may be views of another value and need no memory of their own.
    project: [
      'compiler/ir/',
      'compiler/ops/',
      'compiler/kernels/',
      'runtime/artifact.ts',
      'runtime/files/safetensors.ts',
      'runtime/files/seal.ts',
      'runtime/files/stored-tensor.ts',
      'runtime/train/training-artifact.ts',
      'type:runtime/train/recipe.ts',
      'type:runtime/host-tensor.ts',
      'grammar/source.ts',
    ],
    packages: ['node:'],
  },
  'compiler/compile/': { project: underCompile, packages: [] },
  'compiler/driver/': { project: [...underCompile, 'compiler/analyze/', 'compiler/compile/'], packages: ['node:'] },
  'compiler/stages/': {
    project: [...underCompile, 'compiler/analyze/', 'compiler/compile/', 'compiler/driver/'],
    packages: ['*'],
  },
  'compiler/index.ts': everything,
  'compiler/cli/': everything,
  'compiler/lsp/': everything,
};

const longest = (prefixes: readonly string[], path: string): string | undefined =>
  prefixes.filter((prefix) => path.startsWith(prefix)).toSorted((a, b) => b.length - a.length)[0];

const layerOf = (path: string): string => longest(Object.keys(layers), path) ?? '';

/** Imports that the law forbids, as `file imports target`. */
function trespasses({ path, imports }: Pick<SourceFile, 'path' | 'imports'>): readonly string[] {
  const name = layerOf(path);
  const layer = layers[name];
  if (!layer) return [`${path} lies outside of every layer`];
  return imports
    .filter(({ target, isType }) => {
      const home = layerOf(target);
      if (home === '')
        return !layer.packages.some(
          (each) => each === '*' || target === each || (each === 'node:' && target.startsWith(each)),
        );
      if (home === name && name.endsWith('/')) return false;
      return !layer.project.some((each) => target.startsWith(each) || (isType && `type:${target}` === each));
    })
    .map(({ target }) => `${path} imports ${target}`);
}

/** Files on a cycle of imports, or between two: what is left after files without imports, or without importers, go. */
function filesOnCycles(files: readonly Pick<SourceFile, 'path' | 'imports'>[]): readonly string[] {
  let left = files;
  for (;;) {
    const names = new Set(left.map(({ path }) => path));
    const imported = new Set(left.flatMap(({ imports }) => imports.map(({ target }) => target)));
    const inside = left.filter(
      ({ path, imports }) => imported.has(path) && imports.some(({ target }) => names.has(target)),
    );
    if (inside.length === left.length) return [...names];
    left = inside;
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** Every export of the files directly in a folder, or `isDeep` anywhere below it, with the file's path. */
async function exportsOf(
  folder: string,
  isDeep = false,
): Promise<readonly { readonly path: string; readonly value: unknown }[]> {
  const found = [];
  const names = readdirSync(join(root, folder), { recursive: isDeep, encoding: 'utf8' });
  for (const name of names.filter((each) => each.endsWith('.ts') && each !== 'index.ts')) {
    const path = `${folder}/${name.replaceAll('\\', '/')}`;
    const module: Readonly<Record<string, unknown>> = await import(join(root, path));
    found.push(...Object.values(module).map((value) => ({ path, value })));
  }
  return found;
}

const hasMembers = (value: unknown, names: readonly string[]): boolean =>
  typeof value === 'object' && value !== null && names.every((name) => name in value);
const isOp = (value: unknown): value is Op => hasMembers(value, ['name', 'operands', 'infer', 'evaluate', 'samples']);
const isPass = (value: unknown): value is Pass => hasMembers(value, ['name', 'summary', 'run']);
const isKernel = (value: unknown): value is Kernel => hasMembers(value, ['name', 'supports', 'schedules', 'emit']);

describe('imports', () => {
  it('keep to the layers', () => {
    expect(sources.flatMap(trespasses)).toEqual([]);
  });

  it.each([
    ['compiler/passes/simplify.ts', '../kernels/kernel.ts'],
    ['compiler/ops/add.ts', '../passes/pass.ts'],
    ['compiler/ir/node.ts', '../ops/add.ts'],
    ['compiler/kernels/reduction/pool.ts', '../../../runtime/artifact.ts'],
    ['compiler/emit/lower.ts', '../compile/compile.ts'],
    ['compiler/compile/compile.ts', '../analyze/index.ts'],
    ['compiler/driver/project.ts', '../stages/run/stage-graph.ts'],
    ['compiler/stages/run/run-stages.ts', '../../cli/output.ts'],
    ['compiler/analyze/load.ts', '../../runtime/errors.ts'],
    ['compiler/passes/simplify.ts', 'node:fs'],
    ['compiler/version.ts', './compile/compile.ts'],
    ['runtime/session.ts', '../grammar/source.ts'],
    ['runtime/session.ts', './node/device.ts'],
    ['runtime/session.ts', 'node:fs'],
    ['runtime/session.ts', 'webgpu'],
    ['runtime/node/device/device.ts', '../../../compiler/ir/type.ts'],
    ['grammar/parse.ts', '../compiler/ir/type.ts'],
  ])('of %s may not reach %s, in whatever form', (path, target) => {
    const forms = [
      `import { x } from '${target}';`,
      `import type { X } from '${target}';`,
      `export * from '${target}';`,
      `export type { X } from '${target}';`,
      `const module = await import('${target}');`,
      `type X = import('${target}').X;`,
    ];
    for (const form of forms) expect(trespasses(readSource(path, form)), form).toHaveLength(1);
  });

  it('of values are told from imports of types', () => {
    expect(
      trespasses(readSource('compiler/ir/node.ts', `import type { Span } from '../../grammar/source.ts';`)),
    ).toEqual([]);
    const value = readSource('compiler/ir/node.ts', `import { formatLocation } from '../../grammar/source.ts';`);
    expect(trespasses(value)).toEqual(['compiler/ir/node.ts imports grammar/source.ts']);
  });

  it('make no cycle, not even of types', () => {
    // A node names its op, and an op's rules read nodes.
    const pair = ['compiler/ir/node.ts', 'compiler/ir/op.ts'];
    const files = sources.map(({ path, imports }) => ({
      path,
      imports: imports.filter(({ target, isType }) => !(isType && pair.includes(path) && pair.includes(target))),
    }));
    expect(filesOnCycles(files)).toEqual([]);
  });

  it('that make a cycle are found', () => {
    const imports = (...targets: string[]) => targets.map((target) => ({ target, isType: false }));
    const files = [
      { path: 'a', imports: imports('b') },
      { path: 'b', imports: imports('c', 'd') },
      { path: 'c', imports: imports('b') },
      { path: 'd', imports: [] },
    ];
    expect(filesOnCycles(files)).toEqual(['b', 'c']);
  });
});

describe('files', () => {
  /** The grammar itself is a table of rules, and the examples of `explain` are programs: neither is read in parts. */
  const tables = new Set(['grammar/parser.ts', 'compiler/cli/commands/explain/code-examples.ts']);

  it('have at most 400 lines, the median at most 120', () => {
    const middle = median(sources.map(({ lines }) => lines));
    console.log(`${sources.length} source files, median ${middle} lines`);
    expect(sources.filter(({ path, lines }) => lines > 400 && !tables.has(path)).map(({ path }) => path)).toEqual([]);
    expect(middle).toBeLessThanOrEqual(120);
  });

  it('open with a sentence of purpose', () => {
    const opening = /^(#!.*\n)?\/\*\*(\n \*)? \S/;
    expect(sources.filter(({ path }) => !opening.test(readText(path))).map(({ path }) => path)).toEqual([]);
  });

  it('are named in kebab-case', () => {
    const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*$/;
    expect(sources.map(({ path }) => basename(path)).filter((name) => !kebab.test(name))).toEqual([]);
  });

  it('have no any, no assertion that a value is there, no default export, no check switched off', () => {
    expect(sources.flatMap(({ holes }) => holes)).toEqual([]);
  });

  it('with such a hole are found', () => {
    const text = 'let a!: any;\n// @ts-ignore\nexport default a!.b;\nclass C { d!: string }\n';
    expect(readSource('grammar/x.ts', text).holes).toHaveLength(6);
  });

  it('lie in rooms of at most 25; ops have a file each in one', () => {
    const counts = new Map<string, number>();
    for (const { path } of sources) {
      const folder = path.slice(0, path.lastIndexOf('/'));
      counts.set(folder, (counts.get(folder) ?? 0) + 1);
    }
    expect(counts.size).toBeGreaterThan(40);
    expect([...counts].filter(([folder, count]) => count > 25 && folder !== 'compiler/ops')).toEqual([]);
  });

  it('lie in the folders of the floor plan', () => {
    const plan = ['grammar', 'compiler', 'runtime', 'stdlib', 'examples', 'docs', 'test', '.ci', '.github'];
    const folders = new Set(
      filesBelow('')
        .filter((path) => path.includes('/'))
        .map((path) => path.split('/')[0]),
    );
    expect([...folders].filter((folder) => !plan.includes(folder ?? ''))).toEqual([]);
  });

  it('hold only code in the code folders, and only networks in stdlib/', () => {
    const code = sources.map(({ path }) => path);
    const strangers = ['grammar', 'compiler', 'runtime'].flatMap(filesBelow).filter((path) => !code.includes(path));
    expect(strangers.filter((path) => !path.endsWith('.tmLanguage.json'))).toEqual([]);
    expect(filesBelow('stdlib').filter((path) => !path.endsWith('.cnn'))).toEqual([]);
  });
});

describe('an op', () => {
  it('is exported from compiler/ops/all.ts', async () => {
    const exported = new Set<unknown>(Object.values(all));
    const found = (await exportsOf('compiler/ops')).filter(({ value }) => isOp(value));
    expect(found.length).toBeGreaterThanOrEqual(exported.size);
    expect(found.filter(({ value }) => !exported.has(value)).map(({ path }) => path)).toEqual([]);
  });

  it('has a test named after it, or shares that of its kind', async () => {
    const missing = new Set<string>();
    for (const { path, value } of await exportsOf('compiler/ops')) {
      if (!isOp(value) || /\/(all|language)\.ts$/.test(path)) continue;
      const own = path.replace('compiler/', 'test/').replace('.ts', '.test.ts');
      const shared = value.scalar ? 'test/ops/elementwise.test.ts' : 'test/ops/leaves.test.ts';
      const mayShare = value.scalar !== undefined || value.operands.length === 0;
      if (!existsSync(join(root, own)) && !(mayShare && existsSync(join(root, shared)))) missing.add(own);
    }
    expect([...missing]).toEqual([]);
  });

  it('has samples for the conformance test, unless it is a leaf', () => {
    const bare = Object.values<Op>(all).filter((op) => op.operands.length > 0 && op.samples.length === 0);
    expect(bare.map((op) => op.name)).toEqual([]);
  });
});

describe('a kernel', () => {
  it('is listed in compiler/kernels/index.ts', async () => {
    const found = (await exportsOf('compiler/kernels', true)).filter(({ value }) => isKernel(value));
    expect(found.length).toBeGreaterThanOrEqual(kernels.length);
    expect(found.filter(({ value }) => !kernels.some((kernel) => kernel === value)).map(({ path }) => path)).toEqual(
      [],
    );
  });
});

describe('a pass', () => {
  it('has a test named after it', async () => {
    const found = (await exportsOf('compiler/passes')).filter(({ value }) => isPass(value));
    const files = [...new Set(found.map(({ path }) => path))];
    expect(files.length).toBeGreaterThan(3);
    const tests = files.map((path) => path.replace('compiler/', 'test/').replace('.ts', '.test.ts'));
    expect(tests.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe('a test', () => {
  const tests = filesBelow('test').filter((path) => path.endsWith('.test.ts') && path !== 'test/architecture.test.ts');

  it('that opens a device belongs to the project that has one', () => {
    const opens = tests.filter((path) => /\b(openDevice|runOnDevice|deviceError)\(/.test(readText(path)));
    expect(opens.length).toBeGreaterThan(0);
    expect(opens.filter((path) => !gpuTests.some((prefix) => path.startsWith(prefix)))).toEqual([]);
  });

  it('is neither switched off nor alone', () => {
    const marks = /\b(it|test|describe)\.(only|skip|todo|fails)\b/;
    expect(tests.filter((path) => marks.test(readText(path)))).toEqual([]);
  });
});
