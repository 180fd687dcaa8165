/** Evaluates a model: from its declaration to a graph, its parameters, and everything that is wrong with it. */
import type { BlockDeclaration, Expression, Parameter } from '../../grammar/ast.ts';
import { diagnostic, type Diagnostic } from '../../grammar/diagnostics.ts';
import { didYouMean } from '../../grammar/suggest.ts';
import { symbolicDim, multiplyDims, type Dim } from '../ir/dim.ts';
import { makeGraph, makeNode, type Graph, type Node } from '../ir/node.ts';
import type { DType, TensorType } from '../ir/type.ts';
import { input } from '../ops/language.ts';
import type { CallArgument, CallPlace } from './calls/arguments.ts';
import { bindSignature, runDeclared, type Declared } from './calls/call-block.ts';
import { evaluate } from './values/evaluate-expression.ts';
import { rootSlot, statementNaming } from './names/naming.ts';
import { parseOverride } from './values/overrides.ts';
import {
  BuildAbort,
  evaluateIn,
  FactNeeded,
  fileScope,
  newBuild,
  originOf,
  report,
  type Build,
  type DivisibilityFact,
  type ParameterEntry,
  type Scope,
} from './names/scope.ts';
import type { Returned } from './values/statements.ts';
import { isDimName, tensorTypes } from './values/type-match.ts';
import { dimOf, dimValue, tensorValue, type Value } from './values/values.ts';

/** A declared model, or a block that a model may be made of. */
export interface ModelItem extends Declared {
  readonly declaration: BlockDeclaration;
}

export interface BuildOptions {
  /** Values of model parameters in the language's own syntax, as in `{ classes: '10' }`. */
  readonly arguments?: Readonly<Record<string, string>>;
  /** Sizes of symbols, as in `{ N: 1 }`. */
  readonly dims?: Readonly<Record<string, number>>;
}

export interface ModelInput {
  readonly name: string;
  readonly type: TensorType;
  readonly node: Node;
}

export interface BuiltModel {
  readonly name: string;
  /** Absent where a diagnostic is an error. */
  readonly graph?: Graph;
  readonly inputs: readonly ModelInput[];
  /** In the order of the source; the names are state_dict paths. */
  readonly parameters: readonly ParameterEntry[];
  /** Further keys that published weights may hold, as in `bn1.num_batches_tracked`. */
  readonly bufferNames: readonly string[];
  /** What an `assert` states about symbols; sizes are written with the quotients. */
  readonly facts: readonly DivisibilityFact[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Rounds of restarting with one more fact; each raises a divisor, so few are ever needed. */
const maxFacts = 64;

/** Builds a model with the given arguments. Faults become diagnostics. */
export function buildModel(model: ModelItem, options: BuildOptions = {}): BuiltModel {
  const facts = new Map<string, DivisibilityFact>();
  for (let round = 0; round < maxFacts; round++) {
    const build = newBuild(evaluate, facts);
    try {
      return attempt(model, options, build);
    } catch (error) {
      if (error instanceof BuildAbort) return resultOf(model, build, [], undefined);
      if (!(error instanceof FactNeeded)) throw error;
      facts.set(error.fact.symbol, error.fact);
    }
  }
  const build = newBuild(evaluate, facts);
  const { name } = model.declaration;
  build.diagnostics.push(diagnostic('E0334', name.span, `the assertions of \`${name.name}\` state too many facts`));
  return resultOf(model, build, [], undefined);
}

function attempt(model: ModelItem, options: BuildOptions, build: Build): BuiltModel {
  const { declaration, module } = model;
  const scope: Scope = { ...fileScope(build, module), naming: statementNaming(rootSlot, '') };
  const place: CallPlace = { span: declaration.name.span, nameSpan: declaration.name.span, slot: rootSlot };
  bindSymbols(model, options, scope);
  const inputs: ModelInput[] = [];
  const byName = new Map<string, CallArgument>();
  for (const parameter of declaration.parameters) {
    const value = argumentFor(parameter, inputs, options, scope);
    if (value) byName.set(parameter.name.name, { value, span: parameter.span });
  }
  rejectUnknown(model, options, scope);
  const matched = { byName, rest: [] };
  const isBound = bindSignature(declaration, matched, place, scope, scope);
  const returned = isBound ? runDeclared(model, scope, place) : undefined;
  return resultOf(model, build, inputs, returned && graphOf(returned, scope));
}

/** Names that stand alone in an input's shape are symbols, unless a size is given or a fact splits them. */
function bindSymbols({ declaration }: ModelItem, { dims = {} }: BuildOptions, scope: Scope): void {
  for (const { type } of declaration.parameters) {
    for (const dim of type.dims ?? []) {
      if (dim.kind !== 'name' || !isDimName(dim.name) || scope.names.has(dim.name)) continue;
      scope.names.set(dim.name, { value: dimValue(symbolFor(dim.name, dims, scope)), span: dim.span });
    }
  }
}

const isSize = (size: number): boolean => Number.isSafeInteger(size) && size >= 1;

function symbolFor(name: string, dims: Readonly<Record<string, number>>, scope: Scope): Dim {
  const given = Object.hasOwn(dims, name) ? dims[name] : undefined;
  if (given !== undefined && isSize(given)) return given;
  const fact = scope.build.facts.get(name);
  return fact ? multiplyDims(symbolicDim(fact.quotient), fact.multipleOf) : symbolicDim(name);
}

function argumentFor(
  parameter: Parameter,
  inputs: ModelInput[],
  options: BuildOptions,
  scope: Scope,
): Value | undefined {
  const { name } = parameter.name;
  if (tensorTypes.has(parameter.type.name.name)) {
    const made = makeInput(parameter, inputs.length, scope);
    if (made) inputs.push(made);
    return made ? tensorValue(made.node) : { kind: 'error' };
  }
  const text = Object.hasOwn(options.arguments ?? {}, name) ? options.arguments?.[name] : undefined;
  return text === undefined ? undefined : parseOverride(parameter, text, scope);
}

const dtypes: readonly DType[] = ['f32', 'i32', 'i8', 'u8'];

function makeInput({ name, type, span }: Parameter, index: number, scope: Scope): ModelInput | undefined {
  const dtype = dtypes.find((each) => each === type.name.name);
  if (!type.dims) {
    report(scope, 'E0323', type.span, `the shape of the input \`${name.name}\` must be declared`, {
      help: `write it out, as in \`${name.name}: f32[N, 3, 224, 224]\``,
    });
    return undefined;
  }
  const shape = type.dims.map((dim) => inputSize(dim, scope));
  if (!dtype || shape.some((size) => size === undefined)) return undefined;
  const attrs = { name: name.name, index, dtype, shape: shape.filter((size) => size !== undefined) };
  const node = makeNode(input, [], attrs, originOf(scope, span, ''));
  return { name: name.name, type: node.type, node };
}

function inputSize(expression: Expression, scope: Scope): Dim | undefined {
  const value = evaluateIn(scope, expression);
  const size = dimOf(value);
  if (size !== undefined && (typeof size !== 'number' || size > 0)) return size;
  if (value.kind !== 'error')
    report(scope, 'E0320', expression.span, 'a size must be a positive int', {
      help: 'leave it open with a capitalised name of its own, as in `f32[N, 3, H, W]`',
    });
  return undefined;
}

/** Reports overrides that name no parameter or symbol of the model. */
function rejectUnknown({ declaration }: ModelItem, options: BuildOptions, scope: Scope): void {
  const { name, parameters } = declaration;
  const settable = parameters.filter(({ type }) => !tensorTypes.has(type.name.name)).map((each) => each.name.name);
  const reject = (given: string, what: string, known: readonly string[]): void => {
    const help = didYouMean(given, known) ?? (known.length > 0 ? `it has ${known.join(', ')}` : undefined);
    scope.build.diagnostics.push(
      diagnostic(
        'E0337',
        name.span,
        `\`${name.name}\` has no ${what} \`${given}\``,
        help === undefined ? {} : { help },
      ),
    );
  };
  for (const given of Object.keys(options.arguments ?? {})) {
    if (!settable.includes(given)) reject(given, 'parameter', settable);
  }
  const symbols = new Set(
    parameters
      .flatMap(({ type }) => type.dims ?? [])
      .flatMap((dim) => (dim.kind === 'name' && isDimName(dim.name) ? [dim.name] : [])),
  );
  for (const [given, size] of Object.entries(options.dims ?? {})) {
    if (!symbols.has(given)) reject(given, 'symbolic size', [...symbols]);
    else if (!isSize(size)) {
      scope.build.diagnostics.push(diagnostic('E0337', name.span, `\`${given}\` must be a positive int, not ${size}`));
    }
  }
}

/** The outputs: one is named `output`, several by the names in the returned tuple. */
function graphOf({ value, statement }: Returned, scope: Scope): Graph | undefined {
  if (value.kind === 'tensor') return makeGraph({ output: value.node });
  if (value.kind === 'error') return undefined;
  const elements = value.kind === 'tuple' || value.kind === 'list' ? value.elements : [];
  const written = statement.value.kind === 'tuple' || statement.value.kind === 'list' ? statement.value.elements : [];
  const outputs: Record<string, Node> = {};
  for (const [index, element] of elements.entries()) {
    const expression = written[index];
    const name = expression?.kind === 'name' ? expression.name : `output${index}`;
    if (element.kind === 'tensor') outputs[name] = element.node;
  }
  if (elements.length > 0 && Object.keys(outputs).length === elements.length) return makeGraph(outputs);
  report(
    scope,
    'E0320',
    statement.value.span,
    'a model must return a tensor, or a tuple of differently named tensors',
    {
      help: 'name the outputs with `let`, as in `return (low, high)`',
    },
  );
  return undefined;
}

function resultOf(
  { declaration }: ModelItem,
  build: Build,
  inputs: readonly ModelInput[],
  graph: Graph | undefined,
): BuiltModel {
  const failed = build.diagnostics.some(({ severity }) => severity === 'error');
  return {
    name: declaration.name.name,
    ...(graph && !failed ? { graph } : {}),
    inputs,
    parameters: [...build.parameters.values()].map((parameter) => {
      const { span: _, ...entry } = parameter;
      return entry;
    }),
    bufferNames: build.bufferNames,
    facts: [...build.facts.values()],
    diagnostics: build.diagnostics,
  };
}
