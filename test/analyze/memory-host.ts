/** A host whose files are given as text, and the shortest way to look at diagnostics. */
import { joinPath } from '../../compiler/analyze/host.ts';
import { checkProgram, nodeHost, type AnalyzeHost, type CheckedProgram } from '../../compiler/analyze/index.ts';
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import { positionAt } from '../../grammar/source.ts';

const std = nodeHost();

/** Files under `/project`; `std/...` is the real library. */
export function memoryHost(files: Readonly<Record<string, string>>): AnalyzeHost {
  const keyOf = (path: string): string => joinPath('/project', path);
  const byKey = new Map(Object.entries(files).map(([path, text]) => [keyOf(path), text]));
  return {
    readText: (path) => byKey.get(keyOf(path)) ?? std.readText(path),
    realpath: (path) => (byKey.has(keyOf(path)) ? keyOf(path) : std.realpath(path)),
    stdlib: std.stdlib,
    projectRoot: () => '/project',
  };
}

/** Checks `main.cnn`, given alone or with other files. */
export const check = (source: string, others: Readonly<Record<string, string>> = {}): CheckedProgram =>
  checkProgram('main.cnn', memoryHost({ 'main.cnn': source, ...others }));

/** `E0201 3:7 unknown name ...`. */
export function show({ code, span, message }: Diagnostic): string {
  const { line, column } = positionAt(span.file, span.start);
  const file = span.file.path === 'main.cnn' ? '' : `${span.file.path}:`;
  return `${code} ${file}${line}:${column} ${message}`;
}

export const faultsOf = (source: string, others: Readonly<Record<string, string>> = {}): string[] =>
  check(source, others).diagnostics.map(show);

/** The model of a source without faults. */
export function built(source: string, name = 'M') {
  const checked = check(source);
  const model = checked.models.find((each) => each.name === name);
  if (!model?.built?.graph) throw new Error(checked.diagnostics.map(show).join('\n'));
  return { ...model.built, graph: model.built.graph, cost: model.cost };
}

/** Parameter names of model `M` with the body given, on an input x of [N, 4, 8, 8]; `declarations` go in front. */
export const namesOf = (body: string, declarations = ''): string[] =>
  built(`${declarations}\nmodel M(x: f32[N, 4, 8, 8]) {\n${body}\n}`).parameters.map(({ name }) => name);
