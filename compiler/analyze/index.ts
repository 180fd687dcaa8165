/** The analyzer's front door: from an entry file to models that can be built, directives and diagnostics. */
import { byPosition, type Diagnostic } from '../../grammar/diagnostics.ts';
import type { SourceFile } from '../../grammar/source.ts';
import type { Graph } from '../ir/node.ts';
import { buildModel, type BuildOptions, type BuiltModel, type ModelItem } from './build-ir.ts';
import { costOf, type Cost } from './cost.ts';
import { checkDirectives, type CheckedDirective } from './directives/directives.ts';
import { evaluate } from './values/evaluate-expression.ts';
import type { AnalyzeHost } from './host.ts';
import { loadProgram, type LoadedProgram } from './load.ts';
import { evaluateConstant } from './names/look-up.ts';
import {
  budgetsFor,
  checkPreprocess,
  preprocessFor,
  weightsFor,
  type BudgetDirective,
  type Preprocess,
  type WeightsDirective,
} from './directives/model-directives.ts';
import { resolveNames } from './names/resolve.ts';
import { BuildAbort, fileScope, newBuild } from './names/scope.ts';
import { overrideSettings, type SettingOverrides } from './directives/setting-overrides.ts';
import { tensorTypes } from './values/type-match.ts';
import { warnDirectives } from './warnings/warn-directives.ts';
import { channelsLast } from './warnings/warn-habits.ts';
import { warnModels } from './warnings/warn-models.ts';

export type { BuildOptions, BuiltModel } from './build-ir.ts';
export { costOf, type Cost } from './cost.ts';
export type { CheckedDirective } from './directives/directives.ts';
export type { AnalyzeHost } from './host.ts';
export type { BudgetDirective, Preprocess, WeightsDirective } from './directives/model-directives.ts';
export { nodeHost } from './node-host.ts';
export { OverrideError, type SettingOverrides } from './directives/setting-overrides.ts';

/** A model of the program: declared in the entry file, or imported by it. */
export interface AnalyzedModel {
  readonly name: string;
  /** Text of its `##` comment. */
  readonly doc?: string;
  readonly isImported: boolean;
  readonly item: ModelItem;
  readonly weights: readonly WeightsDirective[];
  readonly budgets: readonly BudgetDirective[];
  /** Builds the graph; with errors in the program there is none, and they are its diagnostics. */
  build(options?: BuildOptions): BuiltModel;
  /** Preprocessing with class names, which are read now, and compared with the scores of the built graph. */
  preprocess(graph?: Graph): { readonly preprocess?: Preprocess; readonly diagnostics: readonly Diagnostic[] };
}

export interface AnalyzedProgram {
  readonly file: SourceFile;
  /** The entry and everything it imports. */
  readonly files: readonly SourceFile[];
  /** Declared models first, in the order of the source, then imported ones. */
  readonly models: readonly AnalyzedModel[];
  readonly directives: readonly CheckedDirective[];
  /** Faults of syntax, imports, names, constants and directives, by position. */
  readonly diagnostics: readonly Diagnostic[];
  /** False where syntax errors left declarations out, so that nothing can be built. */
  readonly canBuild: boolean;
}

export interface CheckedModel {
  readonly name: string;
  readonly item: ModelItem;
  /** Absent where a parameter has no default. */
  readonly built?: BuiltModel;
  readonly cost?: Cost;
}

export interface CheckedProgram {
  readonly program: AnalyzedProgram;
  readonly models: readonly CheckedModel[];
  /** Everything that is wrong, by position, each fault once. */
  readonly diagnostics: readonly Diagnostic[];
}

const isError = ({ severity }: Diagnostic): boolean => severity === 'error';

/** Diagnostics of several phases by position; one code at one place is one fault. */
export function mergeDiagnostics(...lists: readonly (readonly Diagnostic[])[]): Diagnostic[] {
  const merged = new Map<string, Diagnostic>();
  for (const each of lists.flat()) {
    const key = `${each.code} ${each.span.file.path} ${each.span.start} ${each.span.end}`;
    if (!merged.has(key)) merged.set(key, each);
  }
  return [...merged.values()].sort(byPosition);
}

/**
 * Loads and checks a program without building its models. Never throws for what a source file says; throws an
 * OverrideError for `overrides` that name no setting.
 */
export function analyze(entryPath: string, host: AnalyzeHost, overrides?: SettingOverrides): AnalyzedProgram {
  const loaded = loadProgram(entryPath, host);
  const { entry, modules } = loaded;
  const canBuild = modules.every(({ hasSyntaxErrors }) => !hasSyntaxErrors);
  const { directives, diagnostics: ofDirectives } = analyzeDirectives(loaded, canBuild, overrides);
  const ofNames = modules.flatMap((module) => resolveNames(module, module === entry));
  const diagnostics = mergeDiagnostics(loaded.diagnostics, ofNames, ofDirectives);
  const models = modelsOf(loaded).map(({ item, isImported }): AnalyzedModel => {
    const { name, doc } = item.declaration;
    return {
      name: name.name,
      ...(doc === undefined ? {} : { doc }),
      isImported,
      item,
      weights: weightsFor(name.name, directives, host),
      budgets: budgetsFor(name.name, directives),
      build: (options) => (diagnostics.some(isError) ? unbuilt(name.name, diagnostics) : buildModel(item, options)),
      preprocess: (graph) => preprocessFor(name.name, directives, host, graph),
    };
  });
  return { file: entry.file, files: modules.map(({ file }) => file), models, directives, diagnostics, canBuild };
}

const unbuilt = (name: string, diagnostics: readonly Diagnostic[]): BuiltModel => ({
  name,
  inputs: [],
  parameters: [],
  bufferNames: [],
  facts: [],
  diagnostics,
});

function modelsOf({ entry }: LoadedProgram): { readonly item: ModelItem; readonly isImported: boolean }[] {
  const imported = [...entry.imported.values()].flatMap((item) => (item ? [item] : []));
  const declared = [...entry.declared.values()].map((declaration) => ({ declaration, module: entry }));
  return [...declared, ...imported].flatMap(({ declaration, module }) =>
    declaration.kind === 'model' ? [{ item: { declaration, module }, isImported: module !== entry }] : [],
  );
}

const nothing = { directives: [], diagnostics: [] };

/** Directives and constants of the entry file; constants wait for correct syntax. */
function analyzeDirectives(
  { entry }: LoadedProgram,
  canBuild: boolean,
  overrides: SettingOverrides = { settings: [] },
) {
  const build = newBuild(evaluate);
  const scope = fileScope(build, entry);
  const inSource = entry.program.declarations.filter((declaration) => declaration.kind === 'directive');
  const { directives: written, diagnostics: ofOverrides } = canBuild ? overrideSettings(inSource, overrides) : nothing;
  if (ofOverrides.length > 0) return { directives: [], diagnostics: ofOverrides };
  try {
    if (canBuild) {
      for (const declaration of entry.program.declarations) {
        if (declaration.kind === 'const') evaluateConstant(declaration, entry, scope);
      }
    }
    const directives = canBuild ? checkDirectives(written, scope) : [];
    const preprocessing = directives.filter(({ word }) => word === 'preprocess').flatMap(checkPreprocess);
    const warnings = warnDirectives(directives, build.diagnostics.some(isError));
    return { directives, diagnostics: [...build.diagnostics, ...preprocessing, ...warnings] };
  } catch (error) {
    if (!(error instanceof BuildAbort)) throw error;
    return { directives: [], diagnostics: build.diagnostics };
  }
}

/** Checks a program and builds every declared model with its defaults, so that one run reports everything. */
export function checkProgram(entryPath: string, host: AnalyzeHost): CheckedProgram {
  const program = analyze(entryPath, host);
  const models = program.canBuild
    ? program.models.filter((model) => !model.isImported && hasSoundNames(model, program.diagnostics)).map(checkModel)
    : [];
  const built = models.flatMap((model) => model.built?.diagnostics ?? []);
  const byName = new Map(models.flatMap((model) => (model.built ? [[model.name, model.built]] : [])));
  const warnings = warnModels(program.directives, byName);
  const inputs = models.flatMap(({ item }) => channelsLast(item.declaration));
  const named = program.models.flatMap((model) => misnamed(model, byName.get(model.name)));
  return { program, models, diagnostics: mergeDiagnostics(program.diagnostics, built, warnings, inputs, named) };
}

/** Faults of class names; a file that is not there is an error only where something is made from it. */
const misnamed = (model: AnalyzedModel, built: BuiltModel | undefined): readonly Diagnostic[] =>
  built?.graph ? model.preprocess(built.graph).diagnostics.filter(({ code }) => code !== 'E0701') : [];

/** False where a name is declared twice or a type is unknown: building would only repeat that. */
function hasSoundNames({ item }: AnalyzedModel, diagnostics: readonly Diagnostic[]): boolean {
  const { file, start, end } = item.declaration.span;
  const isInside = ({ span }: Diagnostic): boolean => span.file === file && span.start >= start && span.end <= end;
  return !diagnostics.some((each) => (each.code === 'E0202' || each.code === 'E0206') && isInside(each));
}

function checkModel({ name, item }: AnalyzedModel): CheckedModel {
  const isOpen = item.declaration.parameters.some(
    ({ type, default: fallback }) => !tensorTypes.has(type.name.name) && !fallback,
  );
  if (isOpen) return { name, item };
  const built = buildModel(item);
  return built.graph ? { name, item, built, cost: costOf(built) } : { name, item, built };
}
