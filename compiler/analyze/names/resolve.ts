/** Checks the names of one file: unknown, declared twice, shadowing, unused. Values do not matter here. */
import type {
  BlockDeclaration,
  Body,
  Entry,
  Expression,
  FunctionDeclaration,
  Identifier,
  Label,
  MemberExpression,
  Stage,
  Statement,
  TypeExpression,
} from '../../../grammar/ast.ts';
import { diagnostic, type Diagnostic } from '../../../grammar/diagnostics.ts';
import type { Span } from '../../../grammar/source.ts';
import { closestName, didYouMean } from '../../../grammar/suggest.ts';
import type { Module, NamedDeclaration } from '../load.ts';
import { preludeValues } from '../prelude/prelude.ts';
import { constantChoice, emptyLoop, unreachableStatement } from './reachability.ts';
import { isDimName, scalarTypes, tensorTypes, textOf } from '../values/type-match.ts';
import { foreignMemberHelp, foreignModuleOf, unknownNameHelp } from './unknown-name.ts';

/** What a name was declared as, where that decides what is reported about it. */
type Role = 'import' | 'let' | 'value' | 'tensor' | 'parameter' | 'turn' | 'block' | 'fn' | 'const';

interface Entity {
  readonly span: Span;
  /** Absent for what may stay unused: sizes of a signature, models, what other files may import. */
  readonly role?: Role;
  used: boolean;
}

interface Names {
  readonly entities: Map<string, Entity>;
  readonly outer?: Names;
}

interface Resolving {
  readonly module: Module;
  readonly file: Names;
  readonly diagnostics: Diagnostic[];
  /** The declaration at hand: a block that only calls itself is unused. */
  own?: string;
}

function declare(r: Resolving, names: Names, { name, span }: Identifier, role?: Role): void {
  if (name === '_') return;
  const same = names.entities.get(name);
  const found = same ?? findEntity(names.outer, name);
  if (found) {
    const message = same ? `\`${name}\` is declared twice` : `\`${name}\` shadows another name`;
    const help = 'give it a name of its own';
    const notes = [{ message: 'the first one', span: found.span }];
    found.used = true;
    r.diagnostics.push(diagnostic(same ? 'E0202' : 'E0205', span, message, { notes, help }));
  }
  if (!same) names.entities.set(name, { span, used: false, ...(role ? { role } : {}) });
}

function findEntity(names: Names | undefined, name: string): Entity | undefined {
  for (let at = names; at; at = at.outer) {
    const entity = at.entities.get(name);
    if (entity) return entity;
  }
  return undefined;
}

function use(r: Resolving, names: Names, name: string, span: Span): void {
  const entity = findEntity(names, name);
  if (entity && (name !== r.own || entity !== r.file.entities.get(name))) entity.used = true;
  if (entity || preludeValues.has(name)) return;
  const known = knownNames(names);
  r.diagnostics.push(diagnostic('E0201', span, `unknown name \`${name}\``, { help: unknownNameHelp(name, known) }));
  // The misspelt name was meant: no warning that it is unused.
  const near = closestName(name, known);
  const meant = near === undefined ? undefined : findEntity(names, near);
  if (meant) meant.used = true;
}

/** Every name in sight, the nearest scope first. */
function knownNames(names: Names): string[] {
  const known: string[] = [];
  for (let at: Names | undefined = names; at; at = at.outer) known.push(...at.entities.keys());
  return [...known, ...preludeValues.keys()];
}

const unused: Readonly<
  Record<Role, { readonly code: 'W0001' | 'W0002' | 'W0003'; readonly what: string } | undefined>
> = {
  import: { code: 'W0001', what: 'the import' },
  let: { code: 'W0002', what: 'the value' },
  value: { code: 'W0002', what: 'the value' },
  tensor: { code: 'W0002', what: 'the parameter' },
  parameter: { code: 'W0002', what: 'the parameter' },
  turn: undefined,
  block: { code: 'W0003', what: 'the block' },
  fn: { code: 'W0003', what: 'the function' },
  const: { code: 'W0003', what: 'the constant' },
};

function warnUnused(r: Resolving, names: Names): void {
  for (const [name, { span, role, used }] of names.entities) {
    const warning = role && unused[role];
    if (!warning || used || name.startsWith('_')) continue;
    const isOwn = warning.code === 'W0003' || warning.what === 'the value';
    const help = isOwn ? `remove it, or keep it as \`_${name}\`` : 'remove it';
    r.diagnostics.push(diagnostic(warning.code, span, `${warning.what} \`${name}\` is never used`, { help }));
  }
}

const innerNames = (outer: Names): Names => ({ entities: new Map(), outer });

function resolveExpression(r: Resolving, expression: Expression, names: Names): void {
  const walk = (child: Expression): void => resolveExpression(r, child, names);
  switch (expression.kind) {
    case 'name':
      return use(r, names, expression.name, expression.span);
    case 'tuple':
    case 'list':
      return expression.elements.forEach(walk);
    case 'if':
      r.diagnostics.push(...constantChoice(expression));
      return [expression.condition, expression.then, expression.else].forEach(walk);
    case 'unary':
      return walk(expression.operand);
    case 'binary':
    case 'pipe':
      return resolveChain(r, expression, names);
    case 'call':
      return [expression.callee, ...expression.arguments.map(({ value }) => value)].forEach(walk);
    case 'index':
      return [expression.object, expression.index].forEach(walk);
    case 'member':
      return resolveMember(r, expression, names);
    case 'attach':
      return walk(expression.model);
    case 'record':
      return expression.entries.forEach((entry) => (entry.kind === 'group' ? undefined : walk(entry.value)));
    case 'number':
    case 'string':
    case 'boolean':
    case 'none':
      return undefined;
  }
}

/** `nn.Conv2d` is one unknown name, not a `nn` that might be declared. */
function resolveMember(r: Resolving, expression: MemberExpression, names: Names): void {
  const module = foreignModuleOf(expression);
  if (module === undefined || findEntity(names, module)) return resolveExpression(r, expression.object, names);
  const text = textOf(expression.span);
  const help = foreignMemberHelp(module, expression.member.name);
  r.diagnostics.push(diagnostic('E0201', expression.span, `unknown name \`${text}\``, { help }));
}

/** Operators and pipelines nest to the left without limit, so the walk along them is a loop. */
function resolveChain(r: Resolving, expression: Expression, names: Names): void {
  let first = expression;
  while (first.kind === 'binary' || first.kind === 'pipe') {
    if (first.kind === 'binary') resolveExpression(r, first.right, names);
    else resolveStage(r, first.stage, names);
    first = first.kind === 'binary' ? first.left : first.input;
  }
  resolveExpression(r, first, names);
}

function resolveStage(r: Resolving, stage: Stage, names: Names): void {
  if (stage.label) checkLabel(r, stage.label, names);
  switch (stage.kind) {
    case 'call':
      use(r, names, stage.name.name, stage.name.span);
      for (const { value } of stage.arguments ?? []) resolveExpression(r, value, names);
      return;
    case 'seq':
      for (const each of stage.stages) resolveStage(r, each, names);
      return;
    case 'for': {
      resolveExpression(r, stage.iterable, names);
      r.diagnostics.push(...emptyLoop(stage));
      const inner = innerNames(names);
      for (const name of stage.names) declare(r, inner, name, 'turn');
      for (const each of stage.stages) resolveStage(r, each, inner);
      return;
    }
    case 'if':
      r.diagnostics.push(...constantChoice({ ...stage, else: stage.else }));
      resolveExpression(r, stage.condition, names);
      for (const each of [...stage.then, ...(stage.else ?? [])]) resolveStage(r, each, names);
  }
}

/** What a reader may take a label for; widths are no such thing, as in `squeeze: conv(squeeze, k=1)`. */
const mistakable: Readonly<Partial<Record<Role, string>>> = {
  let: 'value',
  tensor: 'parameter',
  turn: 'loop variable',
};

/** W0007: a label names weights, but the reader knows its name as a value. Quotes say that the name is meant. */
function checkLabel(r: Resolving, { name, span }: Label, names: Names): void {
  const entity = span.file.text[span.start] === '"' ? undefined : findEntity(names, name);
  const what = entity?.role && mistakable[entity.role];
  if (!entity || what === undefined) return;
  r.diagnostics.push(
    diagnostic('W0007', span, `the label \`${name}\` has the name of a ${what}`, {
      label: `this names weights, not the ${what}`,
      notes: [{ message: `the ${what}`, span: entity.span }],
      help: `rename one of them, or put the label into quotes to say that it is meant: \`"${name}": ...\``,
    }),
  );
}

function resolveStatement(r: Resolving, statement: Statement, names: Names): void {
  switch (statement.kind) {
    case 'let':
      resolveExpression(r, statement.value, names);
      for (const name of statement.names) declare(r, names, name, 'let');
      return;
    case 'const':
      resolveExpression(r, statement.value, names);
      declare(r, names, statement.name, 'value');
      return;
    case 'assert':
      resolveExpression(r, statement.condition, names);
      for (const [, name = ''] of (statement.message?.value ?? '').matchAll(/\{([A-Za-z_]\w*)\}/g)) {
        use(r, names, name, statement.message?.span ?? statement.span);
      }
      return;
    case 'if':
      r.diagnostics.push(...constantChoice({ ...statement, else: statement.else }));
      resolveExpression(r, statement.condition, names);
      resolveBody(r, statement.then, innerNames(names));
      if (statement.else) resolveBody(r, statement.else, innerNames(names));
      return;
    case 'return':
      resolveExpression(r, statement.value, names);
  }
}

function resolveBody(r: Resolving, body: Body, names: Names): void {
  for (const statement of body.statements) resolveStatement(r, statement, names);
  r.diagnostics.push(...unreachableStatement(body));
  warnUnused(r, names);
}

/** What other languages call the types. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ['float32', 'f32'],
  ['tensor', 'f32'],
  ['integer', 'int'],
  ['int32', 'int'],
  ['int64', 'int'],
  ['boolean', 'bool'],
  ['str', 'string'],
  ['tuple', 'list'],
  ['block', 'op'],
]);

function resolveType(r: Resolving, type: TypeExpression): void {
  const { name, span } = type.name;
  if (tensorTypes.has(name)) return;
  if (scalarTypes.has(name)) {
    if (!type.dims) return;
    r.diagnostics.push(
      diagnostic('E0206', type.span, `\`${name}\` has no dimensions`, { help: 'a tensor is `f32[...]`' }),
    );
    return;
  }
  const other = otherNames.get(name.toLowerCase());
  const help = other ? `did you mean \`${other}\`?` : didYouMean(name, [...tensorTypes, ...scalarTypes]);
  const known = `the types are ${[...tensorTypes, ...scalarTypes].join(', ')}`;
  r.diagnostics.push(diagnostic('E0206', span, `unknown type \`${name}\``, { help: help ?? known }));
}

/** Declares names that stand alone in dimensions; the first use binds, later ones must agree. */
function declareDims(r: Resolving, type: TypeExpression, names: Names): void {
  for (const dim of type.dims ?? []) {
    if (dim.kind === 'name' && isDimName(dim.name) && !names.entities.has(dim.name)) declare(r, names, dim);
  }
}

function resolveCallable(r: Resolving, declaration: BlockDeclaration | FunctionDeclaration): void {
  const names = innerNames(r.file);
  for (const { name, type } of declaration.parameters) {
    declare(r, names, name, tensorTypes.has(type.name.name) ? 'tensor' : 'parameter');
    resolveType(r, type);
    declareDims(r, type, names);
  }
  const types = declaration.parameters.map(({ type }) => type);
  if (declaration.returns) {
    resolveType(r, declaration.returns);
    declareDims(r, declaration.returns, names);
    types.push(declaration.returns);
  }
  for (const type of types) for (const dim of type.dims ?? []) resolveExpression(r, dim, names);
  for (const parameter of declaration.parameters) {
    if (parameter.default) resolveExpression(r, parameter.default, names);
  }
  if (declaration.kind === 'fn') rejectTensors(r, declaration, types);
  // The body has the signature's own level: a `let` may not repeat a parameter.
  resolveBody(r, declaration.body, names);
}

function rejectTensors(r: Resolving, declaration: FunctionDeclaration, types: readonly TypeExpression[]): void {
  for (const type of types) {
    if (!tensorTypes.has(type.name.name)) continue;
    const message = `\`${declaration.name.name}\` is a \`fn\`, which computes no tensors`;
    r.diagnostics.push(diagnostic('E0206', type.span, message, { help: 'make it a `block`' }));
  }
}

/** Marks file names that a directive mentions; the directive schemas check the rest. */
function markUsed(names: Names, entries: readonly Entry[]): void {
  const text: Expression[] = [];
  for (const entry of entries) {
    if (entry.kind === 'group') markUsed(names, entry.entries);
    else text.push(entry.value);
  }
  const mark = (expression: Expression): void => {
    const { file, start, end } = expression.span;
    for (const [name] of file.text.slice(start, end).matchAll(/[A-Za-z_]\w*/g)) {
      const entity = names.entities.get(name);
      if (entity) entity.used = true;
    }
  };
  text.forEach(mark);
}

/**
 * What a declaration may be warned about. A file without a model is a library, and so is an imported one: what nobody
 * uses here, others may import.
 */
function roleOf({ kind }: NamedDeclaration, isLibrary: boolean): Role | undefined {
  return isLibrary || kind === 'model' ? undefined : kind;
}

/** Every fault in the names of a file; nothing where its syntax is at fault, as declarations may be missing then. */
export function resolveNames(module: Module, isEntry: boolean): readonly Diagnostic[] {
  if (module.hasSyntaxErrors) return [];
  const file: Names = { entities: new Map() };
  const r: Resolving = { module, file, diagnostics: [] };
  for (const { names } of module.program.imports) {
    for (const name of names) declare(r, file, name, module.imported.get(name.name) ? 'import' : undefined);
  }
  const { declarations } = module.program;
  const isLibrary = !isEntry || declarations.every(({ kind }) => kind !== 'model');
  for (const declaration of declarations) {
    if (declaration.kind !== 'directive') declare(r, file, declaration.name, roleOf(declaration, isLibrary));
  }
  for (const declaration of declarations) {
    if (declaration.kind !== 'directive') r.own = declaration.name.name;
    switch (declaration.kind) {
      case 'const':
        resolveExpression(r, declaration.value, file);
        break;
      case 'fn':
      case 'block':
      case 'model':
        resolveCallable(r, declaration);
        break;
      case 'directive':
        if (declaration.target)
          markUsed(file, [
            { kind: 'value', value: { kind: 'name', ...declaration.target }, span: declaration.target.span },
          ]);
        markUsed(file, declaration.entries);
    }
  }
  warnUnused(r, file);
  return r.diagnostics;
}
